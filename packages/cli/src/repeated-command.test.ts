import { S3_SECRET_KEY } from "millrace";
import { expect, test } from "vitest";
import { repeatedCommand, shellWord } from "./repeated-command.ts";
import { readSettings } from "./settings.ts";

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

test("secrets are neither repeated nor shown in messages about settings, under old names too", () => {
  const options = { D: ["s3.secret.key=hush", "s3.session.token = hush", "s3.access-key=id"] };
  expect(repeatedCommand("job.ts", [], options)).not.toContain("hush");
  expect(repeatedCommand("job.ts", [], options)).toContain("-D s3.access-key=id");
  const configuration = readSettings(options);
  expect(configuration.get(S3_SECRET_KEY)).toBe("hush");
  expect(configuration.deprecations().join()).toMatch(/s3\.secret\.key=\*{6}: /);
  expect(() => readSettings({ D: [...options.D, "s3.secret-key=hush"] })).toThrow(
    expect.objectContaining({ code: "MR_CONFIG_INVALID", message: expect.not.stringContaining("hush") }),
  );
});
