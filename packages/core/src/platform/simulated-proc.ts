import type { Proc } from "./platform.ts";
import type { SimulatedScheduler } from "./simulated-scheduler.ts";

/** What an event is taken to cost. Only that the sum grows matters. */
const EVENT_CPU_MS = 0.01;

/** A process whose output is kept and whose memory is what the test says. @internal */
export class SimulatedProc implements Proc {
  readonly env: Record<string, string | undefined>;
  readonly hostName: string;
  readonly processId: number;
  readonly availableParallelism = 2;
  readonly temporaryDirectory = "/tmp";
  readonly #scheduler: SimulatedScheduler;
  readonly #out: string[] = [];
  readonly #error: string[] = [];
  heapUsedBytes: number = 16 * 1024 * 1024;
  residentBytes: number = 64 * 1024 * 1024;

  constructor(
    scheduler: SimulatedScheduler,
    processId: number,
    hostName: string,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#scheduler = scheduler;
    this.hostName = hostName;
    this.processId = processId;
    this.env = { ...env };
  }

  writeOut(text: string): void {
    this.#out.push(text);
  }

  writeError(text: string): void {
    this.#error.push(text);
  }

  memory(): { readonly heapUsedBytes: number; readonly residentBytes: number } {
    return { heapUsedBytes: this.heapUsedBytes, residentBytes: this.residentBytes };
  }

  /** Incarnations of one process follow each other. */
  isAlive(processId: number): boolean {
    return processId === this.processId;
  }

  cpuMs(): number {
    return this.#scheduler.scheduledCount * EVENT_CPU_MS;
  }

  /** Everything written to standard output so far. */
  output(): string {
    return this.#out.join("");
  }

  /** Everything written to standard error so far. */
  errorOutput(): string {
    return this.#error.join("");
  }
}
