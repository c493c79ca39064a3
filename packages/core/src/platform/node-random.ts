import { randomBytes, randomFillSync, randomUUID } from "node:crypto";
import type { Random } from "./platform.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A call into the system's generator costs microseconds, so numbers are drawn this many at a time. */
const POOL_WORDS = 1024;

/** The system's cryptographic generator. Forks are fast seeded streams, different in every process. @internal */
export class NodeRandom implements Random {
  readonly #forkRoot: SeededRandom = new SeededRandom(randomBytes(16).toString("hex"));
  readonly #pool: Uint32Array = new Uint32Array(POOL_WORDS);
  #next = POOL_WORDS;

  u32(): number {
    if (this.#next === POOL_WORDS) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(randomBytes(count));
  }

  uuid(): string {
    return randomUUID();
  }

  fork(label: string): Random {
    return this.#forkRoot.fork(label);
  }
}
