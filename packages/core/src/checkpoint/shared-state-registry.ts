/**
 * Which checkpoints of a job refer to which files in its shared directory, and when nobody does any more. A pure state
 * machine: what happens to checkpoints goes in, the names of files to remove come out; whoever has it removes them.
 *
 * Names are random and never used again, so that removing a file twice, or one that is not there, harms nobody.
 *
 * - S1. A file is given up only when no checkpoint refers to it that is pending, or is completed and not released.
 * - S2. What a pending checkpoint refers to besides its own new files is in its base: a completed checkpoint of the job, named
 *   when it is triggered. The files of the base stay until the pending one has ended, whatever becomes of the base.
 * - S3. Every file that an acknowledgement names is given up: with the last checkpoint that refers to it, at once when none
 *   does. What nobody has named (its writer died first) is found by a sweep, which keeps all that S1 keeps.
 * - S4. A savepoint has no base and is none. Files of snapshots that are not the job's own are neither referred to nor given up.
 */
import { invariant } from "../base/errors.ts";

interface Pending {
  readonly isSavepoint: boolean;
  /** S2. */
  readonly base: ReadonlySet<string>;
  /** Of all acknowledgements, those that came twice included. */
  readonly named: Set<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** @internal */
export class SharedStateRegistry {
  readonly #pending = new Map<number, Pending>();
  readonly #completed = new Map<number, ReadonlySet<string>>();
  /** By name: how many of the sets above have it. */
  readonly #holders = new Map<string, number>();
  #triggeredCount = 0;
  #hasNamed = false;

  /** Triggered and not ended. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Rises with every trigger: who looks at the directory meanwhile may have seen files of the new checkpoint. */
  get triggeredCount(): number {
    return this.#triggeredCount;
  }

  /** Whether there has been any file at all. */
  get hasNamed(): boolean {
    return this.#hasNamed;
  }

  /** Whether the checkpoint is one of the job's completed ones. */
  isRegistered(checkpointId: number): boolean {
    return this.#completed.has(checkpointId);
  }

  /** Whether some checkpoint refers to the file. */
  isHeld(name: string): boolean {
    return this.#holders.has(name);
  }

  /** Whether the file was there before the pending checkpoint began. */
  isReused(checkpointId: number, name: string): boolean {
    return this.#pending.get(checkpointId)?.base.has(name) === true;
  }

  /** A completed checkpoint in the job's own directory that an earlier process has taken. */
  register(checkpointId: number, names: readonly string[]): void {
    if (names.length > 0) this.#hasNamed = true;
    this.#hold(checkpointId, new Set(names));
  }

  /** Returns the base: the checkpoint whose files the tasks may refer to instead of writing them again (S2, S4). */
  trigger(checkpointId: number, isSavepoint: boolean): number | undefined {
    invariant(!this.#pending.has(checkpointId), `checkpoint ${checkpointId} is triggered twice`);
    this.#triggeredCount++;
    const baseId = isSavepoint || this.#completed.size === 0 ? undefined : Math.max(...this.#completed.keys());
    const base = baseId === undefined ? NONE : this.#completed.get(baseId)!;
    this.#pending.set(checkpointId, { isSavepoint, base, named: new Set() });
    this.#retain(base);
    return baseId;
  }

  /** Files that a task's part of a checkpoint is in, also when it comes too late or twice. Returns what is to be removed. */
  acknowledge(checkpointId: number, names: readonly string[]): readonly string[] {
    const pending = this.#pending.get(checkpointId);
    if (names.length > 0) this.#hasNamed = true;
    if (pending === undefined) return names.filter((name) => !this.isHeld(name));
    const added = new Set(names.filter((name) => !pending.named.has(name)));
    for (const name of added) pending.named.add(name);
    this.#retain(added);
    return [];
  }

  /** The checkpoint consists of these files. Returns what is to be removed. */
  complete(checkpointId: number, names: readonly string[]): readonly string[] {
    const pending = this.#pending.get(checkpointId);
    invariant(pending !== undefined, `checkpoint ${checkpointId} completes and was not triggered, or has ended`);
    if (!pending.isSavepoint) this.#hold(checkpointId, new Set(names));
    return this.#end(checkpointId, pending);
  }

  /** The checkpoint is given up, and its metadata is not there any more. Returns what is to be removed. */
  abort(checkpointId: number): readonly string[] {
    const pending = this.#pending.get(checkpointId);
    return pending === undefined ? [] : this.#end(checkpointId, pending);
  }

  /** A completed checkpoint is gone with its metadata. Returns what is to be removed. */
  release(checkpointId: number): readonly string[] {
    const names = this.#completed.get(checkpointId);
    if (names === undefined) return [];
    this.#completed.delete(checkpointId);
    return this.#giveUp(names);
  }

  #hold(checkpointId: number, names: ReadonlySet<string>): void {
    invariant(!this.#completed.has(checkpointId), `checkpoint ${checkpointId} is completed twice`);
    this.#completed.set(checkpointId, names);
    this.#retain(names);
  }

  #end(checkpointId: number, { base, named }: Pending): readonly string[] {
    this.#pending.delete(checkpointId);
    return [...this.#giveUp(named), ...this.#giveUp(base)];
  }

  #retain(names: ReadonlySet<string>): void {
    for (const name of names) this.#holders.set(name, (this.#holders.get(name) ?? 0) + 1);
  }

  /** Those of the names that nobody refers to any more (S1). */
  #giveUp(names: ReadonlySet<string>): readonly string[] {
    return [...names].filter((name) => {
      const left = this.#holders.get(name)! - 1;
      if (left > 0) this.#holders.set(name, left);
      else this.#holders.delete(name);
      return left === 0;
    });
  }
}
