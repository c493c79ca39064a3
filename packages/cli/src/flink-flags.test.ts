import { expect, test } from "vitest";
import { flinkFlags } from "./flink-flags.ts";

test.each([
  [
    ["run", "-m", "h:1", "-sae", "-cm", "claim", "-fromSavepoint", "x", "j.ts", "-sae"],
    ["run", "-m", "h:1", "--shutdownOnAttachedExit", "--claimMode", "claim", "--fromSavepoint", "x", "j.ts", "-sae"],
  ],
  [
    ["run", "-p", "-sae", "j.ts"],
    ["run", "-p", "-sae", "j.ts"],
  ],
  [
    ["run", "-detached", "j.ts", "-detached"],
    ["run", "--detached", "j.ts", "-detached"],
  ],
  [
    ["stop", "id", "-type", "native", "-drain"],
    ["stop", "id", "--type", "native", "--drain"],
  ],
  [
    ["savepoint", "id", "dir", "-detached"],
    ["savepoint", "id", "dir", "--detached"],
  ],
  [
    ["checkpoint", "-full", "id"],
    ["checkpoint", "--full", "id"],
  ],
  [
    ["list", "-all"],
    ["list", "--all"],
  ],
  [[], []],
])("Flink's flags become those that commands know, and the job's own stay: %j", (given, known) => {
  expect(flinkFlags(given)).toEqual(known);
});

const words = (line: string): readonly string[] => line.split(" ");
const flags = (line: string): string => flinkFlags(words(line)).join(" ");
const metadata = "/flink/checkpoints/03112312a12398740a87393/chk-50/_metadata";

test("S45: a command line without an action runs a job, as Flink's older one does", () => {
  expect(flags(`-s ${metadata} -p 2 job.ts --day 7`)).toBe(`run -s ${metadata} -p 2 job.ts --day 7`);
  expect(flags("-Dparallelism.default=2 job.ts")).toBe("run -Dparallelism.default=2 job.ts");
  for (const line of ["--version", "--help", "-h", "-V", "explain -p 2 job.ts", "job.ts -p 2"])
    expect(flags(line)).toBe(line);
});

test("S45: --allowNonRestoredState may be misspelt as it often is", () => {
  expect(flags("run --allowNonReStoreSlale job.ts --allowNonReStoreSlale")).toBe(
    "run --allowNonRestoredState job.ts --allowNonReStoreSlale",
  );
  expect(flags("-allowNonRestoredState job.ts")).toBe("run --allowNonRestoredState job.ts");
});

test("S45: a class is not needed, and said to be so; -c is a file of settings", () => {
  for (const line of ["-c com.example.Main", "-c Main", "--class com.example.Main", "-class Main"])
    expect(() => flags(`run -s ${metadata} ${line} job.ts`)).toThrow(
      expect.objectContaining({
        code: "MR_JOB_ARGUMENT_INVALID",
        message: expect.stringContaining("default export"),
      }) as Error,
    );
  for (const file of ["settings.yaml", "conf/settings", "./settings", "flink-conf.yml"])
    expect(flags(`run -c ${file} job.ts`)).toBe(`run -c ${file} job.ts`);
});
