// One engine run in a process of its own, so that the process's CPU time is the run's. Started by src/engine-runs.ts.
import "./boot.mjs";

const { engineMain } = await import("../src/engine-main.ts");
process.exitCode = await engineMain(process.argv[2] ?? "");
