import { expect, test } from "vitest";
import { repeatedCommand, shellWord } from "./repeated-command.ts";

test("a job goes on with the settings and the arguments that it was started with", () => {
  const options = { parallelism: "2", target: "in-thread", config: "conf.yaml", D: ["pipeline.name=orders"] };
  expect(repeatedCommand("job.ts", ["--output", "out/may"], options)).toBe(
    "-p 2 -t in-thread -c conf.yaml -D pipeline.name=orders job.ts --output out/may",
  );
});

test("what says how the job began is not repeated", () => {
  const options = {
    fromSavepoint: "chk-1",
    allowNonRestoredState: true,
    claimMode: "claim",
    D: ["execution.state-recovery.path=chk-1"],
  };
  expect(repeatedCommand("job.ts", [], options)).toBe("job.ts");
});

test("words that a shell would take apart are quoted", () => {
  expect(repeatedCommand("my job.ts", ["--note", "it's"], { D: ["execution.checkpointing.interval=10 s"] })).toBe(
    "-D 'execution.checkpointing.interval=10 s' 'my job.ts' --note 'it'\\''s'",
  );
  expect(shellWord("")).toBe("''");
});
