import { describe, expect, expectTypeOf, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import {
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  CHECKPOINTING_TIMEOUT,
  CHECKPOINTS_DIRECTORY,
  DATA_INLINE_THRESHOLD,
} from "./checkpointing-options.ts";
import { Configuration } from "./configuration.ts";
import type { ConfigEntry } from "./option-registry.ts";
import { DEFAULT_PARALLELISM, OBJECT_REUSE, PIPELINE_MAX_PARALLELISM, PIPELINE_NAME } from "./pipeline-options.ts";
import { FIXED_DELAY_ATTEMPTS, RESTART_STRATEGY_TYPE } from "./restart-options.ts";
import { restartStrategyOf } from "./restart-strategy.ts";

function failureOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const refusal = (...entries: readonly ConfigEntry[]): MillraceError =>
  failureOf(() => Configuration.fromEntries(entries));

describe("reading", () => {
  test("an option that nobody sets has its default, one without a default is undefined", () => {
    const configuration = new Configuration();
    expect(configuration.get(CHECKPOINTING_TIMEOUT)).toBe(600_000);
    expect(configuration.get(DATA_INLINE_THRESHOLD)).toBe(20_480);
    expect(configuration.get(CHECKPOINTING_INTERVAL)).toBeUndefined();
    expect(configuration.isSet(CHECKPOINTING_TIMEOUT)).toBe(false);
    expect(configuration.originOf(CHECKPOINTING_TIMEOUT)).toBe("default");
  });

  test("the command line wins over code, code over the file, the file over the default", () => {
    const file = [{ key: "parallelism.default", value: 2, origin: "config.yaml:1:1" }];
    const code = [{ key: "parallelism.default", value: 3 }];
    const commandLine = [{ key: "parallelism.default", value: "4" }];
    expect(Configuration.fromLayers({ file }).get(DEFAULT_PARALLELISM)).toBe(2);
    expect(Configuration.fromLayers({ code, file }).get(DEFAULT_PARALLELISM)).toBe(3);
    const all = Configuration.fromLayers({ "command line": commandLine, code, file });
    expect(all.get(DEFAULT_PARALLELISM)).toBe(4);
    expect(all.set(DEFAULT_PARALLELISM, 9).get(DEFAULT_PARALLELISM)).toBe(4);
    expect(all.originOf(DEFAULT_PARALLELISM)).toBe("command line");
    expect(Configuration.fromLayers({ file }).originOf(DEFAULT_PARALLELISM)).toBe("config.yaml:1:1");
  });

  test("values are typed by their option", () => {
    const configuration = new Configuration();
    expectTypeOf(configuration.get(CHECKPOINTING_TIMEOUT)).toEqualTypeOf<number>();
    expectTypeOf(configuration.get(CHECKPOINTING_INTERVAL)).toEqualTypeOf<number | undefined>();
    expectTypeOf(configuration.get(OBJECT_REUSE)).toEqualTypeOf<boolean>();
  });

  test("a key of an earlier release is read, printed under its new name, and noted", () => {
    const configuration = Configuration.fromEntries(
      [
        { key: "state.checkpoints.dir", value: "/data/cp", origin: "config.yaml:4:3" },
        { key: "state.backend", value: "hashmap" },
      ],
      "file",
    );
    expect(configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/data/cp");
    expect(configuration.toString()).toBe("execution.checkpointing.dir: /data/cp\nstate.backend.type: hashmap\n");
    expect(configuration.deprecations()).toEqual([
      "config.yaml:4:3: state.checkpoints.dir is the old name of execution.checkpointing.dir",
      "file: state.backend is the old name of state.backend.type",
    ]);
  });

  test("settings are printed in canonical form and read back the same", () => {
    const configuration = Configuration.fromEntries([
      { key: "execution.checkpointing.timeout", value: "PT300S" },
      { key: "execution.checkpointing.data-inline-threshold", value: 4096 },
      { key: "restart-strategy.type", value: "OFF" },
    ]);
    const entries = configuration.toEntries();
    expect(entries.map(({ key, value }) => `${key}=${value}`)).toEqual([
      "execution.checkpointing.data-inline-threshold=4 kb",
      "execution.checkpointing.timeout=5 min",
      "restart-strategy.type=none",
    ]);
    expect(Configuration.fromLayered(entries).toEntries()).toEqual(entries);
  });
});

test("settings that go to another thread stay in their layers: code wins over a file there, and not over a command line", () => {
  const entries = Configuration.fromLayers({
    file: [{ key: "pipeline.name", value: "of the file" }],
    "command line": [{ key: "parallelism.default", value: "2" }],
  }).toEntries();
  const there = Configuration.fromLayered(entries);
  there.setAll([
    { key: "pipeline.name", value: "of the code" },
    { key: "parallelism.default", value: "3" },
  ]);
  expect(there.get(PIPELINE_NAME)).toBe("of the code");
  expect(there.toString()).toContain("parallelism.default: 2\n");
});

describe("changing", () => {
  test("code sets parsed values or text, and the last one counts", () => {
    const configuration = new Configuration().set(CHECKPOINTING_INTERVAL, "10 s").set(OBJECT_REUSE, true);
    expect(configuration.get(CHECKPOINTING_INTERVAL)).toBe(10_000);
    expect(configuration.set(CHECKPOINTING_INTERVAL, 500).get(CHECKPOINTING_INTERVAL)).toBe(500);
  });

  test("a refused change leaves the configuration as it was", () => {
    const configuration = new Configuration().set(PIPELINE_NAME, "delays");
    const entries = [
      { key: "pipeline.name", value: "other" },
      { key: "parallelism.default", value: 0 },
    ];
    expect(failureOf(() => configuration.setAll(entries)).code).toBe("MR_CONFIG_INVALID");
    expect(configuration.get(PIPELINE_NAME)).toBe("delays");
  });

  test("a copy changes on its own", () => {
    const original = new Configuration().set(PIPELINE_NAME, "delays");
    original.copy().set(PIPELINE_NAME, "other");
    expect(original.get(PIPELINE_NAME)).toBe("delays");
  });
});

describe("refusing", () => {
  test("an unknown key is refused with the key that was probably meant", () => {
    expect(refusal({ key: "paralelism.default", value: 2 }).message).toContain(
      'code: "paralelism.default" is not an option; did you mean parallelism.default?',
    );
    expect(refusal({ key: "checkpointing.interval", value: "1 s" }).message).toContain(
      "did you mean execution.checkpointing.interval?",
    );
    const stranger = refusal({ key: "colour", value: "blue" });
    expect(stranger.code).toBe("MR_CONFIG_INVALID");
    expect(stranger.message).not.toContain("did you mean");
  });

  test("a wrong type, unit or range names the key, the place, what was found and what was expected", () => {
    const error = refusal({ key: "execution.checkpointing.timeout", value: "10 parsecs", origin: "config.yaml:7:12" });
    expect(error.code).toBe("MR_CONFIG_INVALID");
    expect(error.found).toMatch(
      /^config\.yaml:7:12: execution\.checkpointing\.timeout is "10 parsecs", expected .*unit/,
    );
    expect(refusal({ key: "parallelism.default", value: 0 }).found).toContain("is 0, expected at least 1");
    expect(refusal({ key: "execution.checkpointing.data-inline-threshold", value: "2 mb" }).found).toContain(
      "at most 1 mb",
    );
    expect(refusal({ key: "pipeline.max-parallelism", value: 0 }).found).toContain("-1, or a whole number from 1");
    expect(refusal({ key: "pipeline.name", value: null }).found).toContain("has no value");
    expect(
      Configuration.fromEntries([{ key: "pipeline.max-parallelism", value: "-1" }]).get(PIPELINE_MAX_PARALLELISM),
    ).toBe(-1);
  });

  test("a key that is set twice in one layer is refused, under an old name too", () => {
    const twice = refusal(
      { key: "state.backend.type", value: "hashmap", origin: "config.yaml:1:1" },
      { key: "state.backend", value: "hashmap", origin: "config.yaml:9:1" },
    );
    expect(twice.found).toBe("config.yaml:9:1: state.backend is set a second time, first at config.yaml:1:1");
  });

  test("all problems of all layers come in one error", () => {
    const error = failureOf(() =>
      Configuration.fromLayers({
        file: [
          { key: "parallelism.default", value: "many", origin: "config.yaml:1:22" },
          { key: "no.such.key", value: 1, origin: "config.yaml:2:1" },
        ],
        "command line": [{ key: "state.backend.type", value: "disk" }],
      }),
    );
    expect(error.code).toBe("MR_CONFIG_INVALID");
    expect(error.message).toContain("has 3 settings that cannot be used");
    for (const place of ["config.yaml:1:22: parallelism", "config.yaml:2:1: ", "command line: state.backend"]) {
      expect(error.found).toContain(place);
    }
  });

  test("what the engine does not implement is refused by name, never accepted and ignored", () => {
    const unsupported: readonly ConfigEntry[] = [
      { key: "execution.state-recovery.claim-mode", value: "LEGACY" },
      { key: "execution.checkpointing.unaligned.interruptible-timers.enabled", value: "true" },
      { key: "taskmanager.memory.process.size", value: "1728m" },
    ];
    for (const entry of unsupported) expect(refusal(entry).code, entry.key).toBe("MR_CONFIG_UNSUPPORTED");
  });

  test("a pause between checkpoints and several at once exclude each other", () => {
    const error = refusal(
      { key: "execution.checkpointing.min-pause", value: "1 s" },
      { key: "execution.checkpointing.max-concurrent-checkpoints", value: 2 },
    );
    expect(error.code).toBe("MR_CONFIG_INVALID");
    const configuration = new Configuration().set(CHECKPOINTING_MIN_PAUSE, 1000);
    expect(failureOf(() => configuration.set(CHECKPOINTING_MAX_CONCURRENT, 2)).code).toBe("MR_CONFIG_INVALID");
    expect(configuration.get(CHECKPOINTING_MAX_CONCURRENT)).toBe(1);
  });

  test("S39: unaligned checkpoints are taken one at a time", () => {
    const error = refusal(
      { key: "execution.checkpointing.unaligned", value: "true" },
      { key: "execution.checkpointing.max-concurrent-checkpoints", value: 2 },
    );
    expect(error.code).toBe("MR_CONFIG_INVALID");
    expect(error.found).toContain("expected 1 because execution.checkpointing.unaligned.enabled is true");
  });
});

test("the claim mode LEGACY is refused with a word on what to choose", () => {
  const entry = { key: "execution.state-recovery.claim-mode", value: "legacy" };
  expect(() => Configuration.fromEntries([entry])).toThrow(/MR_CONFIG_UNSUPPORTED.*CLAIM hands them to the job/s);
});

test("S51, S52: without a restart strategy the job restarts only if it has checkpoints, with exponential delays", () => {
  const configuration = new Configuration();
  expect(restartStrategyOf(configuration)).toEqual({ kind: "none" });
  configuration.set(CHECKPOINTING_INTERVAL, "1 s").set(FIXED_DELAY_ATTEMPTS, 3);
  expect(restartStrategyOf(configuration)).toEqual({
    kind: "exponential-delay",
    initialDelayMs: 1000,
    delayMaxMs: 60_000,
    multiplier: 1.5,
    resetAfterMs: 3_600_000,
    jitter: 0.1,
    attemptsMax: Number.POSITIVE_INFINITY,
  });
  const fixed = { kind: "fixed-delay", attemptsMax: 3, delayMs: 1000 };
  expect(restartStrategyOf(configuration.set(RESTART_STRATEGY_TYPE, "fixed-delay"))).toEqual(fixed);
  const rate = { kind: "failure-rate", failuresMax: 1, intervalMs: 60_000, delayMs: 1000 };
  expect(restartStrategyOf(configuration.set(RESTART_STRATEGY_TYPE, "failure-rate"))).toEqual(rate);
  expect(restartStrategyOf(configuration.set(RESTART_STRATEGY_TYPE, "off"))).toEqual({ kind: "none" });
});
