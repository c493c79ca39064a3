import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MillraceError } from "millrace/internal";
import { endOf, runChild } from "./child-process.ts";
import type { EngineRequest } from "./engine-main.ts";
import { type EngineOptions, firstMeasuredEvent } from "./engine-options.ts";

/** Where CPU time goes. @internal */
export type CostCategory =
  | "generator"
  | "job's functions"
  | "generated chain"
  | "keyed state"
  | "windows and timers"
  | "source and task loop"
  | "checkpoints"
  | "garbage collection"
  | "loading and the rest";

/** Nanoseconds of CPU time an event, by category. @internal */
export type CostBreakdown = Readonly<Partial<Record<CostCategory, number>>>;

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

/** What of a V8 CPU profile is read. @internal */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds from sample to sample. */
  readonly timeDeltas: readonly number[];
}

const byPath: readonly (readonly [RegExp, CostCategory])[] = [
  // V8 inlines the generator into the function of job-module.ts that calls it.
  [/\/nexmark\/|\/bench\/src\/jobs\/job-module\.ts/, "generator"],
  [/\/bench\/src\/(jobs|hand)\/|\/bench\/src\/(result-rows|job-run)\.ts/, "job's functions"],
  [/millrace-chain-/, "generated chain"],
  [/\/operators\/window\/|timer/, "windows and timers"],
  [/\/checkpoint\/|snapshot|\/jobmaster\/job-checkpoints/, "checkpoints"],
  [/\/core\/src\/state\/|\/core\/src\/types\/key-encoding/, "keyed state"],
  [/\/core\/src\/(connectors|operators|task|exchange|embedded|time|platform)\//, "source and task loop"],
];

/** Self time of a profile by category, in nanoseconds an event. Idle time is left out. @internal */
export function breakdown(profile: CpuProfile, events: number): CostBreakdown {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const micros = new Map<CostCategory, number>();
  profile.samples.forEach((sample, index) => {
    const category = categoryOf(frames.get(sample)!);
    if (category !== undefined) micros.set(category, (micros.get(category) ?? 0) + profile.timeDeltas[index]!);
  });
  const sorted = [...micros].sort(([, left], [, right]) => right - left);
  return Object.fromEntries(sorted.map(([category, time]) => [category, Math.round((time * 10_000) / events) / 10]));
}

function categoryOf({ functionName, url }: CallFrame): CostCategory | undefined {
  if (functionName === "(idle)") return undefined;
  if (functionName === "(garbage collector)") return "garbage collection";
  return byPath.find(([pattern]) => pattern.test(url))?.[1] ?? "loading and the rest";
}

const ENGINE_PROCESS = fileURLToPath(new URL("../bin/engine.mjs", import.meta.url));

/** Runs an engine once more under V8's profiler, which looks at the measured part only. @internal */
export async function profileEngine(engine: "millrace" | "hand", options: EngineOptions): Promise<CostBreakdown> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-profile-"));
  try {
    const { rowsFile: _, ...run } = options;
    const profileFile = join(folder, "run.cpuprofile");
    const request: EngineRequest = { engine, options: { ...run, profileFile } };
    const result = await runChild(process.execPath, [ENGINE_PROCESS, JSON.stringify(request)], { stdout: "capture" });
    if (result.exitCode !== 0) {
      throw new MillraceError("MR_BENCH_ENGINE_FAILED", {
        what: `The profiled process of engine ${engine} failed`,
        where: { job: options.job },
        found: endOf(result),
        todo: "Read its output above",
      });
    }
    // The engine's process has just written it.
    const profile = JSON.parse(await readFile(profileFile, "utf8")) as CpuProfile;
    return breakdown(profile, options.events - firstMeasuredEvent(options));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One line a category: what the engine spends, what the hand-written loop spends, and the difference. @internal */
export function renderBreakdown(millrace: CostBreakdown, hand: CostBreakdown): string {
  const categories = [...new Set([...Object.keys(millrace), ...Object.keys(hand)])] as CostCategory[];
  const rows = categories.map((category) => {
    const [mine, theirs] = [millrace[category] ?? 0, hand[category] ?? 0];
    return [category, mine.toFixed(1), theirs.toFixed(1), (mine - theirs).toFixed(1)];
  });
  const total = [1, 2, 3].map((column) => rows.reduce((sum, row) => sum + Number(row[column]), 0).toFixed(1));
  const table = [["ns an event", "millrace", "hand", "more"], ...rows, ["all", ...total]];
  return table
    .map(([name, ...cells]) => `  ${name!.padEnd(22)}${cells.map((cell) => cell.padStart(10)).join("")}`)
    .join("\n");
}
