/** How many of the last events a failure shows. */
import { u32Hex } from "../base/hex.ts";

const RECENT_LINES_MAX = 100;

/**
 * A running fingerprint of everything that happened. Two runs of one seed must end with the same digest: what differs
 * is nondeterminism that crept in.
 * @internal
 */
export class SimulationTrace {
  /** Hears every line as it is added. */
  onLine: ((line: string) => void) | undefined;
  readonly #recent: string[] = [];
  #low = 0x811c9dc5 | 0;
  #high = 0x050c5d1f | 0;
  #lineCount = 0;

  add(line: string): void {
    for (let index = 0; index < line.length; index++) this.#mix(line.charCodeAt(index));
    this.#mix(0x0a);
    this.#recent[this.#lineCount % RECENT_LINES_MAX] = line;
    this.onLine?.(line);
    this.#lineCount++;
  }

  get lineCount(): number {
    return this.#lineCount;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return u32Hex(this.#high) + u32Hex(this.#low);
  }

  /** The last lines, oldest first. */
  recent(): readonly string[] {
    const start = this.#lineCount > RECENT_LINES_MAX ? this.#lineCount % RECENT_LINES_MAX : 0;
    return [...this.#recent.slice(start), ...this.#recent.slice(0, start)];
  }

  // Two 32-bit hashes with different multipliers: FNV's, and one that rotates so that it is not the same hash twice.
  #mix(code: number): void {
    this.#low = Math.imul(this.#low ^ code, 0x01000193);
    this.#high = Math.imul(((this.#high << 5) | (this.#high >>> 27)) ^ code, 0x9e3779b1);
  }
}
