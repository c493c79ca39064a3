import { writeFile } from "node:fs/promises";
import { type Profiler, Session } from "node:inspector";

/**
 * V8's CPU profile of the measured part of a run in this process.
 *
 * It samples from the start of the process: code that was optimized before a profiler looked does not say which function
 * it was inlined from. What lies outside {@link mark} to {@link finish} is cut off afterwards.
 * @internal
 */
export class CpuProfiler {
  readonly #session: Session = new Session();
  #markMicros = 0;
  #profile: Profiler.Profile | undefined;

  constructor() {
    this.#session.connect();
    // Commands to a session of the same thread have run when post returns.
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.start");
  }

  /** The measured part begins. */
  mark(): void {
    this.#markMicros = monotonicMicros();
  }

  /** The measured part has ended. */
  finish(): void {
    const endMicros = monotonicMicros();
    this.#session.post("Profiler.stop", (error, result) => {
      if (error === null) this.#profile = cutProfile(result.profile, this.#markMicros, endMicros);
    });
    this.#session.disconnect();
  }

  /** Writes the profile as a `.cpuprofile`, which browsers and editors show too. */
  async write(file: string): Promise<void> {
    if (this.#profile === undefined) throw new Error("the profiler gave no profile");
    await writeFile(file, JSON.stringify(this.#profile));
  }
}

/** The samples taken at `startMicros` ≤ time < `endMicros`, on the clock of `profile.startTime`. @internal */
export function cutProfile(profile: Profiler.Profile, startMicros: number, endMicros: number): Profiler.Profile {
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let timeMicros = profile.startTime;
  let previousMicros = startMicros;
  profile.samples?.forEach((sample, index) => {
    timeMicros += profile.timeDeltas?.[index] ?? 0;
    if (timeMicros < startMicros || timeMicros >= endMicros) return;
    samples.push(sample);
    timeDeltas.push(timeMicros - previousMicros);
    previousMicros = timeMicros;
  });
  return { nodes: profile.nodes, startTime: startMicros, endTime: endMicros, samples, timeDeltas };
}

/** V8's profiler stamps with the same monotonic clock. */
function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
