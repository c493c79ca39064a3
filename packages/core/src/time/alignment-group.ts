/**
 * The sources that are aligned with each other, as their coordinator sees them.
 *
 * Pure: the caller carries reports and answers.
 *
 * - G3. What a source is allowed is the lowest watermark that a reader of the group has reported, plus the source's own
 *   drift. Readers that are idle or have ended, and those without a watermark, are left out, as in Flink.
 * - G4. Nothing is allowed before every reader has a watermark or is left out, or the group was opened: its readers start
 *   together, and one that never gets a watermark holds nobody up for ever.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from "./timestamps.ts";

/** @internal */
export interface AlignedSource {
  readonly uid: string;
  readonly parallelism: number;
  readonly maxDriftMs: number;
}

/** How far a source's readers may go. @internal */
export interface Allowance {
  readonly uid: string;
  readonly allowedMs: number;
}

/** @internal */
export class AlignmentGroup {
  readonly #sources: readonly AlignedSource[];
  readonly #reported = new Map<string, number[]>();
  #isOpen = false;
  #lowestMs: number | undefined;

  constructor(sources: readonly AlignedSource[]) {
    this.#sources = sources;
    for (const { uid, parallelism } of sources) {
      this.#reported.set(
        uid,
        Array.from({ length: parallelism }, () => MIN_WATERMARK),
      );
    }
  }

  /** What the group's readers have reported; `MIN_WATERMARK` of one that has none, `MAX_WATERMARK` of one that is left out. */
  get members(): readonly { readonly uid: string; readonly subtaskIndex: number; readonly watermarkMs: number }[] {
    return [...this.#reported].flatMap(([uid, reported]) =>
      reported.map((watermarkMs, subtaskIndex) => ({ uid, subtaskIndex, watermarkMs })),
    );
  }

  has(uid: string): boolean {
    return this.#reported.has(uid);
  }

  get uids(): readonly string[] {
    return [...this.#reported.keys()];
  }

  /** How far every source may go now; empty as long as nothing is allowed (G4). */
  get allowances(): readonly Allowance[] {
    const lowest = this.#lowestMs;
    if (lowest === undefined) return [];
    return this.#sources.map(({ uid, maxDriftMs }) => ({
      uid,
      allowedMs: Math.min(MAX_WATERMARK, lowest + maxDriftMs),
    }));
  }

  /** @returns What has changed for the sources. */
  onReport(uid: string, subtaskIndex: number, watermarkMs: number): readonly Allowance[] {
    this.#reported.get(uid)![subtaskIndex] = watermarkMs;
    return this.#answer();
  }

  /** G4: nobody is waited for any more. */
  open(): readonly Allowance[] {
    this.#isOpen = true;
    return this.#answer();
  }

  #answer(): readonly Allowance[] {
    const all = [...this.#reported.values()].flat();
    this.#isOpen ||= all.every((watermark) => watermark !== MIN_WATERMARK);
    if (!this.#isOpen) return [];
    const lowest = Math.min(MAX_WATERMARK, ...all.filter((watermark) => watermark !== MIN_WATERMARK));
    if (lowest === this.#lowestMs) return [];
    this.#lowestMs = lowest;
    return this.allowances;
  }
}
