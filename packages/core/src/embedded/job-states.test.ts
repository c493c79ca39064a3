/** What users and failures do to a job in each of its states: how it ends, and that no record is lost or doubled by it. */
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { Configuration } from "../config/configuration.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { after, checkpointed, counted, countRows, from, numbers, type Settings } from "../testing/upgrade-jobs.ts";
import { EmbeddedJob } from "./embedded-job.ts";

type State = EmbeddedJob["status"];
type Ended = Awaited<EmbeddedJob["result"]>["status"];

const REFUSED = "MR_SAVEPOINT_NOT_POSSIBLE";

const ACTIONS = {
  cancel: (job: EmbeddedJob): Promise<unknown> => job.cancel(),
  stop: (job: EmbeddedJob): Promise<unknown> => job.stopWithSavepoint(false, "/savepoints", "CANONICAL"),
  drain: (job: EmbeddedJob): Promise<unknown> => job.stopWithSavepoint(true, "/savepoints", "CANONICAL"),
  savepoint: (job: EmbeddedJob): Promise<unknown> => job.triggerSavepoint("/savepoints", "CANONICAL"),
  failure: async (_job: EmbeddedJob, failNext: () => void): Promise<unknown> => failNext(),
};
type Action = keyof typeof ACTIONS;

/** How a job comes into the state: where it fails by itself, when it is cancelled, and whether it restarts. */
const WAYS: Readonly<Record<Exclude<State, "CREATED">, { failsAt?: number; cancelledMs?: number; restarts: boolean }>> =
  {
    INITIALIZING: { restarts: true },
    RUNNING: { restarts: true },
    FAILING: { failsAt: 90, restarts: true },
    RESTARTING: { failsAt: 90, restarts: true },
    CANCELLING: { cancelledMs: 500, restarts: true },
    FINISHED: { restarts: true },
    FAILED: { failsAt: 90, restarts: false },
    CANCELED: { cancelledMs: 500, restarts: true },
  };

/** The end of the job, then how the action ends. */
const ENDS: readonly (readonly [keyof typeof WAYS, Action, Ended, string])[] = [
  ["INITIALIZING", "cancel", "CANCELED", "done"],
  ["INITIALIZING", "stop", "FINISHED", REFUSED],
  ["INITIALIZING", "drain", "FINISHED", REFUSED],
  ["INITIALIZING", "savepoint", "FINISHED", REFUSED],
  ["INITIALIZING", "failure", "FINISHED", "done"],
  ["RUNNING", "cancel", "CANCELED", "done"],
  ["RUNNING", "stop", "FINISHED", "done"],
  ["RUNNING", "drain", "FINISHED", "done"],
  ["RUNNING", "savepoint", "FINISHED", "done"],
  ["RUNNING", "failure", "FINISHED", "done"],
  ["FAILING", "cancel", "CANCELED", "done"],
  ["FAILING", "stop", "FINISHED", REFUSED],
  ["FAILING", "drain", "FINISHED", REFUSED],
  ["FAILING", "savepoint", "FINISHED", REFUSED],
  ["FAILING", "failure", "FINISHED", "done"],
  ["RESTARTING", "cancel", "CANCELED", "done"],
  ["RESTARTING", "stop", "FINISHED", REFUSED],
  ["RESTARTING", "drain", "FINISHED", REFUSED],
  ["RESTARTING", "savepoint", "FINISHED", REFUSED],
  ["RESTARTING", "failure", "FINISHED", "done"],
  ...(["CANCELLING", "FINISHED", "FAILED", "CANCELED"] as const).flatMap((state) => {
    const end: Ended = state === "CANCELLING" ? "CANCELED" : state;
    return [
      [state, "cancel", end, "done"],
      [state, "stop", end, REFUSED],
      [state, "drain", end, REFUSED],
      [state, "savepoint", end, REFUSED],
      [state, "failure", end, "done"],
    ] as const;
  }),
];

/** Of the running job: behind its first checkpoints. */
const RUNNING_MS = 350;

async function start(
  platform: SimulatedPlatform,
  rows: CommittedRows,
  settings: Settings,
  options: { readonly onRecord?: () => void; readonly onStatus?: (status: State) => void } = {},
): Promise<EmbeddedJob> {
  const entries = Object.entries({ ...checkpointed, ...settings }).map(([key, value]) => ({ key, value }));
  const configuration = Configuration.fromEntries(entries);
  const env = StreamExecutionEnvironment.on(platform, configuration);
  const stream = numbers(env).map((n) => {
    options.onRecord?.();
    return n;
  });
  counted(stream, "a", "counts").sinkTo(rows.sink()).uid("rows");
  return EmbeddedJob.start({
    name: "states",
    transformations: env.getTransformations(),
    configuration,
    platform,
    onWarning: () => {},
    ...(options.onStatus === undefined ? {} : { onStatus: options.onStatus }),
  });
}

const outcomeOf = (action: Promise<unknown>): Promise<{ readonly said: string; readonly path?: string }> =>
  action.then(
    (path) => (typeof path === "string" ? { said: "done", path } : { said: "done" }),
    (error: unknown) => {
      if (!(error instanceof MillraceError)) throw error;
      return { said: error.code };
    },
  );

/** Does the action when the job comes into the state; returns how both end and all rows, also of the job that goes on from there. */
async function disturb(state: keyof typeof WAYS, action: Action): Promise<unknown> {
  const platform = createSimulatedPlatform({ seed: 34518 });
  const rows = new CommittedRows();
  const { failsAt, cancelledMs, restarts } = WAYS[state];
  let records = 0;
  let failsNext = false;
  const seen: State[] = [];
  let enter: () => void = () => {};
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  return platform.run(async () => {
    const settings = {
      "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
      "restart-strategy.type": restarts ? "fixed-delay" : "none",
      ...(restarts
        ? { "restart-strategy.fixed-delay.attempts": "10", "restart-strategy.fixed-delay.delay": "100 ms" }
        : {}),
    };
    const job = await start(platform, rows, settings, {
      onRecord: () => {
        if (++records !== failsAt && !failsNext) return;
        failsNext = false;
        throw new Error("now");
      },
      onStatus: (status) => {
        if (status === state && status !== "RUNNING") enter();
      },
    });
    if (job.status === state && state === "INITIALIZING") enter();
    if (state === "RUNNING") void after(platform, RUNNING_MS).then(enter);
    if (cancelledMs !== undefined) void after(platform, cancelledMs).then(() => job.cancel());
    await entered;
    seen.push(job.status);
    const { said, path } = await outcomeOf(
      ACTIONS[action](job, () => {
        failsNext = true;
      }),
    );
    const { status } = await job.result;
    const isStopped = (action === "stop" || action === "drain") && said === "done";
    if (status !== "FINISHED" || isStopped) {
      const goesOnFrom = isStopped ? path : job.progress().checkpoints.lastPath;
      const next = await start(platform, rows, goesOnFrom === undefined ? {} : from(goesOnFrom));
      expect((await next.result).status).toBe("FINISHED");
    }
    return { seen, status, said, rows: rows.rows };
  }, 600_000);
}

describe("FLINK-34518: what is done to a job in each of its states costs no record", () => {
  test.each(ENDS)("%s, %s: the job is %s, the user hears %s", async (state, action, status, said) => {
    expect(await disturb(state, action)).toEqual({ seen: [state], status, said, rows: countRows("a") });
  });
});
