/** Every row of docs/guides/from-flink.md is a test: one of this file, or one that the row names. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ExternalizedCheckpointCleanup } from "../api/checkpoint-config.ts";
import { FileSystemCheckpointStorage, JobManagerCheckpointStorage } from "../api/checkpoint-storages.ts";
import { RestartStrategies } from "../api/restart-strategies.ts";
import { FsStateBackend, HashMapStateBackend, MemoryStateBackend, RocksDBStateBackend } from "../api/state-backends.ts";
import { MillraceError } from "../base/errors.ts";
import { CheckpointingOptions, ExecutionCheckpointingOptions } from "../config/checkpointing-option-names.ts";
import {
  CHECKPOINT_STORAGE,
  CHECKPOINTS_AFTER_TASKS_FINISH,
  CHECKPOINTS_DIRECTORY,
  CheckpointingMode,
  DATA_INLINE_THRESHOLD,
  INCREMENTAL_CHECKPOINTS,
  JOBMANAGER_STORAGE_MAX_STATE_SIZE,
  LOCAL_BACKUP_DIRECTORIES,
  RETAINED_CHECKPOINTS,
  SAVEPOINT_DIRECTORY,
} from "../config/checkpointing-options.ts";
import { FRAME_SIZE } from "../config/cluster-options.ts";
import { Configuration } from "../config/configuration.ts";
import type { ConfigOption } from "../config/option.ts";
import { DEFAULT_PARALLELISM } from "../config/pipeline-options.ts";
import { RECOVERY_FROM_LOCAL } from "../config/recovery-options.ts";
import { RESTART_STRATEGY_TYPE } from "../config/restart-options.ts";
import { restartStrategyOf } from "../config/restart-strategy.ts";
import { STATE_BACKEND_TYPE } from "../config/state-options.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";

const root = new URL("../../../../", import.meta.url);
const guide = readFileSync(new URL("docs/guides/from-flink.md", root), "utf8");

/** The rows: what Flink writes, and the test that the last column names. */
const rows = guide
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| Flink |"))
  .map((line) => line.slice(2, -1).split(" | "))
  .map(([flink, , shownBy]) => ({ flink: flink!, shownBy: (shownBy ?? "").trim() }));

function refusal(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** An environment in a process whose command line, through `millrace run`, has said these settings. */
function environment(configuration?: Configuration, commandLine: string = "[]"): StreamExecutionEnvironment {
  const platform = createSimulatedPlatform({ seed: 71, env: { MILLRACE_CONFIG: commandLine } });
  return StreamExecutionEnvironment.on(platform, configuration);
}

const checkpoints = (env: StreamExecutionEnvironment) => env.getCheckpointConfig();

const program: Readonly<Record<string, (env: StreamExecutionEnvironment) => void>> = {
  "StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();": (env) => {
    expect(checkpoints(env).isCheckpointingEnabled()).toBe(false);
    expect(checkpoints(env).getCheckpointInterval()).toBeUndefined();
  },
  "StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(config);": () => {
    const config = new Configuration();
    config.set(ExecutionCheckpointingOptions.CHECKPOINTING_INTERVAL, 1000).set(DEFAULT_PARALLELISM, 2);
    const env = environment(config, '[{"key": "parallelism.default", "value": "3", "origin": "-p 3"}]');
    expect([checkpoints(env).getCheckpointInterval(), env.getParallelism()]).toEqual([1000, 3]);
    env.enableCheckpointing(5000);
    expect(config.get(ExecutionCheckpointingOptions.CHECKPOINTING_INTERVAL)).toBe(1000);
  },
  "env.configure(config);": (env) => {
    env.enableCheckpointing(1000);
    const config = new Configuration();
    config.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, 60_000);
    config.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.AT_LEAST_ONCE);
    env.configure(config);
    expect(checkpoints(env).getCheckpointInterval()).toBe(1000);
    expect(checkpoints(env).getCheckpointTimeout()).toBe(60_000);
    expect(checkpoints(env).getCheckpointingMode()).toBe("AT_LEAST_ONCE");
    const excluded = new Configuration().set(CheckpointingOptions.MAX_CONCURRENT_CHECKPOINTS, 2);
    checkpoints(env).setMinPauseBetweenCheckpoints(500);
    expect(refusal(() => env.configure(excluded)).code).toBe("MR_CONFIG_INVALID");
  },
  "env.enableCheckpointing(1000);": (env) => {
    env.enableCheckpointing(1000);
    expect(checkpoints(env).isCheckpointingEnabled()).toBe(true);
    expect([checkpoints(env).getCheckpointInterval(), checkpoints(env).getCheckpointingMode()]).toEqual([
      1000,
      "EXACTLY_ONCE",
    ]);
    expect(environment().enableCheckpointing("1 s").getCheckpointConfig().getCheckpointInterval()).toBe(1000);
  },
  "env.getCheckpointConfig().setCheckpointingMode(CheckpointingMode.EXACTLY_ONCE);": (env) => {
    env.getCheckpointConfig().setCheckpointingMode(CheckpointingMode.AT_LEAST_ONCE);
    expect(checkpoints(env).getCheckpointingConsistencyMode()).toBe("AT_LEAST_ONCE");
    env.getCheckpointConfig().setCheckpointingConsistencyMode(CheckpointingMode.EXACTLY_ONCE);
    expect(checkpoints(env).getCheckpointingMode()).toBe(CheckpointingMode.EXACTLY_ONCE);
  },
  "env.getCheckpointConfig().setMinPauseBetweenCheckpoints(500);": (env) => {
    expect(checkpoints(env).getMinPauseBetweenCheckpoints()).toBe(0);
    env.getCheckpointConfig().setMinPauseBetweenCheckpoints(500);
    expect(checkpoints(env).getMinPauseBetweenCheckpoints()).toBe(500);
  },
  "env.getCheckpointConfig().setCheckpointTimeout(60000);": (env) => {
    expect(checkpoints(env).getCheckpointTimeout()).toBe(600_000);
    env.getCheckpointConfig().setCheckpointTimeout(60000);
    expect(checkpoints(env).getCheckpointTimeout()).toBe(60_000);
  },
  "env.getCheckpointConfig().setTolerableCheckpointFailureNumber(2);": (env) => {
    expect(checkpoints(env).getTolerableCheckpointFailureNumber()).toBe(0);
    env.getCheckpointConfig().setTolerableCheckpointFailureNumber(2);
    expect(checkpoints(env).getTolerableCheckpointFailureNumber()).toBe(2);
  },
  "env.getCheckpointConfig().setMaxConcurrentCheckpoints(1);": (env) => {
    expect(checkpoints(env).getMaxConcurrentCheckpoints()).toBe(1);
    env.getCheckpointConfig().setMaxConcurrentCheckpoints(3).setMaxConcurrentCheckpoints(1);
    expect(checkpoints(env).getMaxConcurrentCheckpoints()).toBe(1);
  },
  "env.getCheckpointConfig().enableExternalizedCheckpoints(ExternalizedCheckpointCleanup.RETAIN_ON_CANCELLATION);": (
    env,
  ) => {
    expect(checkpoints(env).isExternalizedCheckpointsEnabled()).toBe(false);
    env.getCheckpointConfig().enableExternalizedCheckpoints(ExternalizedCheckpointCleanup.RETAIN_ON_CANCELLATION);
    expect(checkpoints(env).isExternalizedCheckpointsEnabled()).toBe(true);
    expect(checkpoints(env).getExternalizedCheckpointRetention()).toBe("RETAIN_ON_CANCELLATION");
  },
  "env.getCheckpointConfig().enableUnalignedCheckpoints();": (env) => {
    expect(checkpoints(env).isUnalignedCheckpointsEnabled()).toBe(false);
    env.getCheckpointConfig().enableUnalignedCheckpoints();
    expect(checkpoints(env).isUnalignedCheckpointsEnabled()).toBe(true);
  },
  'env.getCheckpointConfig().setCheckpointStorage("hdfs:///my/checkpoint/dir")': (env) => {
    env.getCheckpointConfig().setCheckpointStorage("hdfs:///my/checkpoint/dir");
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("hdfs:///my/checkpoint/dir");
    env.getCheckpointConfig().setCheckpointStorage("file:///my/checkpoint%20dir");
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/my/checkpoint dir");
    env.getCheckpointConfig().setCheckpointStorage(new JobManagerCheckpointStorage());
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("jobmanager");
    env.getCheckpointConfig().setCheckpointStorage(new FileSystemCheckpointStorage("/my/other"));
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("filesystem");
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/my/other");
  },
  "config.set(ExecutionCheckpointingOptions.ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH, true);": (env) => {
    expect(env.configuration.get(CHECKPOINTS_AFTER_TASKS_FINISH)).toBe(true);
    const config = new Configuration();
    config.set(ExecutionCheckpointingOptions.ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH, true);
    env.configure(config);
    expect(environment(config).configuration.get(CHECKPOINTS_AFTER_TASKS_FINISH)).toBe(true);
    const refused = refusal(() => config.set(CheckpointingOptions.ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH, false));
    expect(refused.code).toBe("MR_CONFIG_UNSUPPORTED");
  },
  "env.setStateBackend(new HashMapStateBackend());": (env) => {
    env.setStateBackend(new HashMapStateBackend());
    expect(env.configuration.get(STATE_BACKEND_TYPE)).toBe("hashmap");
  },
  "env.setStateBackend(new MemoryStateBackend(maxStateSize, true));": (env) => {
    env.setStateBackend(new MemoryStateBackend());
    expect(env.configuration.get(JOBMANAGER_STORAGE_MAX_STATE_SIZE)).toBe(5 * 1024 * 1024);
    env.setStateBackend(new MemoryStateBackend(1024 * 1024, true));
    expect(env.configuration.get(STATE_BACKEND_TYPE)).toBe("hashmap");
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("jobmanager");
    expect(env.configuration.get(JOBMANAGER_STORAGE_MAX_STATE_SIZE)).toBe(1024 * 1024);
    const large = refusal(() => env.setStateBackend(new MemoryStateBackend(11 * 1024 * 1024)));
    expect([large.code, large.message]).toEqual([
      "MR_CONFIG_INVALID",
      expect.stringMatching(/is 11 mb, expected at most the 10 mb of pekko\.framesize/),
    ]);
    expect(refusal(() => new MemoryStateBackend(1024, false)).code).toBe("MR_ARGUMENT_INVALID");
  },
  'env.setStateBackend(new FsStateBackend("hdfs://namenode:40010/flink/checkpoints"));': (env) => {
    env.setStateBackend(new FsStateBackend("hdfs://namenode:40010/flink/checkpoints"));
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("hdfs://namenode:40010/flink/checkpoints");
    env.setStateBackend(new FsStateBackend("file:///flink/checkpoints", true));
    expect(env.configuration.get(STATE_BACKEND_TYPE)).toBe("hashmap");
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("filesystem");
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/flink/checkpoints");
    expect(refusal(() => new FsStateBackend("/flink/checkpoints", false)).code).toBe("MR_ARGUMENT_INVALID");
  },
  "env.setStateBackend(new RocksDBStateBackend(path, true));": (env) => {
    env.setStateBackend(new RocksDBStateBackend("/flink/checkpoints", true));
    expect(env.configuration.get(STATE_BACKEND_TYPE)).toBe("rocksdb");
    expect(env.configuration.get(INCREMENTAL_CHECKPOINTS)).toBe(true);
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/flink/checkpoints");
  },
  "env.setRestartStrategy(RestartStrategies.fixedDelayRestart(3, 10000));": (env) => {
    env.setRestartStrategy(RestartStrategies.fixedDelayRestart(3, 10000));
    expect(restartStrategyOf(env.configuration)).toEqual({ kind: "fixed-delay", attemptsMax: 3, delayMs: 10_000 });
  },
  "env.setRestartStrategy(RestartStrategies.failureRateRestart(3, 300000, 10000));": (env) => {
    env.setRestartStrategy(RestartStrategies.failureRateRestart(3, 300000, 10000));
    const rate = { kind: "failure-rate", failuresMax: 3, intervalMs: 300_000, delayMs: 10_000 };
    expect(restartStrategyOf(env.configuration)).toEqual(rate);
  },
  "env.setRestartStrategy(RestartStrategies.exponentialDelayRestart(1000, 60000, 2.0, 3600000, 0.1));": (env) => {
    env.setRestartStrategy(RestartStrategies.exponentialDelayRestart(1000, 60000, 2.0, 3600000, 0.1));
    expect(restartStrategyOf(env.configuration)).toMatchObject({
      kind: "exponential-delay",
      initialDelayMs: 1000,
      delayMaxMs: 60_000,
      multiplier: 2,
      resetAfterMs: 3_600_000,
      jitter: 0.1,
    });
  },
  "env.setRestartStrategy(RestartStrategies.noRestart());": (env) => {
    env.enableCheckpointing(1000).setRestartStrategy(RestartStrategies.noRestart());
    expect(restartStrategyOf(env.configuration)).toEqual({ kind: "none" });
  },
};

/** By the line of a configuration file: the option it sets and its value, or why it is refused. */
const settings: Readonly<Record<string, readonly [option: ConfigOption<unknown>, value: unknown] | RegExp>> = {
  "state.backend: hashmap": [STATE_BACKEND_TYPE, "hashmap"],
  "state.backend.incremental: false": [INCREMENTAL_CHECKPOINTS, false],
  "state.backend.local-recovery: false": [RECOVERY_FROM_LOCAL, false],
  "state.checkpoint-storage: filesystem": [CHECKPOINT_STORAGE, "filesystem"],
  "state.checkpoints.dir: /flink/checkpoints": [CHECKPOINTS_DIRECTORY, "/flink/checkpoints"],
  "state.checkpoints.num-retained: 1": [RETAINED_CHECKPOINTS, 1],
  "state.savepoints.dir: /flink/savepoints": [SAVEPOINT_DIRECTORY, "/flink/savepoints"],
  "state.storage.fs.memory-threshold: 20kb": [DATA_INLINE_THRESHOLD, 20_480],
  "state.storage.fs.write-buffer-size: 4096": /is not implemented: every state is written at once/,
  "taskmanager.state.local.root-dirs: /tmp": [LOCAL_BACKUP_DIRECTORIES, ["/tmp"]],
  "akka.framesize: 10485760b": [FRAME_SIZE, 10_485_760],
  "restart-strategy: fixed-delay": [RESTART_STRATEGY_TYPE, "fixed-delay"],
  "table.exec.state.ttl: 1 h": /is an option of Flink without a meaning here/,
};

describe("S45: lines of a Flink configuration", () => {
  test.each(Object.entries(settings))("%s", (line, outcome) => {
    const [key, value] = line.split(/: (.*)/s);
    const read = (given: unknown): Configuration =>
      Configuration.fromEntries([{ key: key!, value: given, origin: "flink-conf.yaml:1:1" }], "file");
    if (outcome instanceof RegExp) {
      const refused = refusal(() => read(value));
      expect([refused.code, refused.message]).toEqual(["MR_CONFIG_UNSUPPORTED", expect.stringMatching(outcome)]);
      return;
    }
    const [option, expected] = outcome;
    expect(read(value).get(option)).toEqual(expected);
    expect(read(value).deprecations().join()).toContain(`${key} is the old name of ${option.key}`);
  });

  test("what they would switch on is refused where it does not exist, and says why", () => {
    const legacy = [{ key: "execution.savepoint-restore-mode", value: "LEGACY" }];
    const refused = refusal(() => Configuration.fromEntries(legacy));
    expect([refused.code, refused.message]).toEqual([
      "MR_CONFIG_UNSUPPORTED",
      expect.stringMatching(/LEGACY is not implemented: /),
    ]);
    const large = [{ key: "state.storage.fs.memory-threshold", value: "2mb" }];
    expect(refusal(() => Configuration.fromEntries(large)).message).toMatch(/at most 1 mb/);
  });

  test("S33: what the program sets counts more than the file, and the command line more than both", () => {
    const file = [
      { key: "state.checkpoint-storage", value: "jobmanager" },
      { key: "state.checkpoints.dir", value: "/file" },
    ];
    const env = environment(Configuration.fromLayers({ file }));
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("jobmanager");
    env.setStateBackend(new FsStateBackend("/code"));
    expect(env.configuration.get(CHECKPOINT_STORAGE)).toBe("filesystem");
    expect(env.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/code");
    const given = environment(
      Configuration.fromLayers({ file }),
      '[{"key": "execution.checkpointing.dir", "value": "/command-line"}]',
    );
    given.setStateBackend(new FsStateBackend("/code"));
    expect(given.configuration.get(CHECKPOINTS_DIRECTORY)).toBe("/command-line");
  });
});

describe("S34, S35, S45: lines of a Flink program", () => {
  test.each(Object.entries(program))("%s", (_line, run) => run(environment()));
});

test("S45: every line of the guide has its test, and every test its line", () => {
  const own = rows.filter(({ shownBy }) => shownBy === "").map(({ flink }) => flink.slice(1, -1));
  expect(own.toSorted()).toEqual([...Object.keys(program), ...Object.keys(settings)].toSorted());
  expect(own.length).toBeGreaterThan(30);
  for (const { flink, shownBy } of rows.filter((row) => row.shownBy !== "")) {
    const [, title, path] = /^`(.+)` in `(.+)`$/.exec(shownBy)!;
    expect(existsSync(new URL(path!, root)), `${flink}: ${path}`).toBe(true);
    const titles = readFileSync(new URL(path!, root), "utf8").match(/(?:test|describe)[.(][\s\S]*?"[^"\n]*"/g) ?? [];
    expect(
      titles.some((each) => each.includes(`"${title}`)),
      `${flink}: ${title} in ${path}`,
    ).toBe(true);
  }
});
