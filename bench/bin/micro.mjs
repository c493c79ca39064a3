// One group of micro benchmarks in a process of its own. Started by src/micro/micro-command.ts.
import "./boot.mjs";

const { microProcess } = await import("../src/micro/micro-process.ts");
microProcess(process.argv[2] ?? "");
