import { existsSync, readdirSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { runChild } from "../child-process.ts";

/** Where figures come from: they mean nothing without it. @internal */
export interface Machine {
  readonly processors: string;
  readonly memoryGiB: number;
  /** Of the last minute before the suite; figures of a busy machine are high. */
  readonly loadBefore: number;
  readonly node: string;
  /** Missing when Flink was not run. */
  readonly flink?: string;
  readonly java?: string;
}

/** @param flinkBuild - The folder of the Flink peer's build, when Flink is run. @internal */
export async function describeMachine(flinkBuild: string | undefined): Promise<Machine> {
  const processors = cpus();
  const machine: Machine = {
    processors: `${processors.length} x ${processors[0]?.model.trim() ?? "unknown"}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round(loadavg()[0]! * 100) / 100,
    node: process.version,
  };
  if (flinkBuild === undefined) return machine;
  return { ...machine, flink: flinkVersion(flinkBuild), java: await javaVersion() };
}

/** @internal */
export function renderMachine(machine: Machine): string {
  const { processors, memoryGiB, loadBefore, node, flink, java } = machine;
  const peer = flink === undefined ? "" : `; Apache Flink ${flink} on ${java}`;
  return `Machine: ${processors}, ${memoryGiB} GiB, load ${loadBefore} before the runs; Node.js ${node}${peer}`;
}

/** As the name of the jar says. @internal */
export function flinkVersion(buildDir: string): string {
  const libraries = join(buildDir, "lib");
  const names = existsSync(libraries) ? readdirSync(libraries) : [];
  const versions = names.map((name) => /^flink-core-(\d.*)\.jar$/.exec(name)?.[1]);
  return versions.find((version) => version !== undefined) ?? "of unknown version";
}

async function javaVersion(): Promise<string> {
  const { stdout } = await runChild("java", ["--version"], { stdout: "capture" });
  return stdout.split("\n")[0]?.trim() ?? "Java";
}
