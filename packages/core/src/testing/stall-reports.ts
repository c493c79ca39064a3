/** A small graph, and what its parts say: for tests of what is made of that. */
import type { JobGraph, JobVertex } from "../graph/job-graph.ts";
import type {
  ChannelReport,
  JobReport,
  OperatorReport,
  ReaderReport,
  SubtaskReport,
} from "../graph/stall/job-report.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { OperatorWaiting, SplitReport, WaitingForTime } from "../operators/waiting.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";

export const HOUR_MS: number = 3_600_000;
export const NOON: number = Date.UTC(2013, 0, 1, 12);
export const bounded: WatermarkStrategy<unknown> = WatermarkStrategy.forBoundedOutOfOrderness<unknown>("1 min");

export function sourceSpec(
  strategy: WatermarkStrategy<unknown> = bounded,
  boundedness = "continuous-unbounded",
): OperatorSpec {
  // Only these two parts of a source are looked at.
  return { kind: "source", strategy, source: { boundedness } } as unknown as OperatorSpec;
}

export function vertexOf(
  id: number,
  specs: readonly (readonly [string, OperatorSpec])[],
  gates: readonly number[],
  edges: readonly number[],
): JobVertex {
  return {
    id,
    name: specs.map(([name]) => name).join(" -> "),
    parallelism: 2,
    maxParallelism: 128,
    isMaxParallelismExplicit: false,
    slotSharingGroup: "default",
    copiesRecords: false,
    gates,
    outputs: edges.map((edge) => ({ operator: specs.length - 1, sideOutput: undefined, edge })),
    operators: specs.map(([name, spec], index) => ({
      index,
      uid: `uid-${name}`,
      name,
      spec,
      callSite: "job.ts:1:1",
      inputs:
        index > 0
          ? [{ kind: "fused", from: index - 1, sideOutput: undefined, input: 0 }]
          : gates.map((_, gate) => ({ kind: "gate", gate, input: 0 })),
    })),
  };
}

export function graphOf(vertices: readonly JobVertex[], edges: readonly (readonly [number, number])[]): JobGraph {
  return {
    name: "job",
    vertices,
    edges: edges.map(([source, target], id) => ({
      id,
      source,
      target,
      partitioning: { kind: "rebalance" },
      type: undefined,
    })),
    hash: "",
    warnings: [],
    isBatch: false,
  };
}

export const map: OperatorSpec = { kind: "map", fn: (value: unknown) => value };
const sink = { kind: "sink", sink: {} } as unknown as OperatorSpec;

/** A source, an exchange, and a window with a sink: two subtasks of each. */
export function graph(strategy?: WatermarkStrategy<unknown>, boundedness?: string): JobGraph {
  const source = vertexOf(0, [["flights", sourceSpec(strategy, boundedness)]], [], [0]);
  return graphOf(
    [
      source,
      vertexOf(
        1,
        [
          ["hourly", map],
          ["rows", sink],
        ],
        [0],
        [],
      ),
    ],
    [[0, 1]],
  );
}

export const split: SplitReport = {
  splitId: "part-3",
  watermarkMs: NOON,
  isIdle: false,
  isPaused: false,
  silentMs: 34_000,
};
export const reader: ReaderReport = {
  splits: [split],
  isIdle: false,
  isAligning: false,
  allowedMs: undefined,
  isWaiting: true,
  hasEnded: false,
  isBlocked: false,
  isStopped: false,
};

export function operatorOf(more: Partial<OperatorReport> = {}): OperatorReport {
  return {
    watermarkMs: NOON,
    inputs: [],
    recordsIn: 1000,
    recordsOut: 0,
    isAvailable: true,
    waiting: {},
    reader: undefined,
    ...more,
  };
}

function subtaskOf(vertexId: number, subtaskIndex: number, more: Partial<SubtaskReport> = {}): SubtaskReport {
  return {
    vertexId,
    subtaskIndex,
    isRunning: true,
    isInputFinished: false,
    isBackPressured: false,
    sortsInputs: false,
    gates: [],
    full: [],
    alignment: undefined,
    operators: [],
    ...more,
  };
}

export const channel = (producer: number, watermarkMs: number, more: Partial<ChannelReport> = {}): ChannelReport => ({
  producer,
  status: "active",
  watermarkMs,
  isBlocked: false,
  hasNext: false,
  ...more,
});

/** What differs from the usual report. */
export interface Parts {
  readonly reader?: Partial<ReaderReport>;
  readonly source?: Partial<SubtaskReport>;
  readonly sourceOperator?: Partial<OperatorReport>;
  readonly channel?: Partial<ChannelReport>;
  readonly window?: Partial<SubtaskReport>;
  readonly waiting?: OperatorWaiting;
  readonly job?: Partial<JobReport>;
}

export const hour: WaitingForTime = {
  atMs: NOON + HOUR_MS - 1,
  window: { start: NOON, end: NOON + HOUR_MS },
  keys: 7,
  timers: undefined,
  hasMore: false,
};

/** Two sources, of which subtask 0 is an hour ahead and subtask 1 is at noon; the first window waits. */
export function reportOf(parts: Parts = {}): JobReport {
  const waiting = parts.waiting ?? { event: hour };
  const ahead = subtaskOf(0, 0, {
    operators: [
      operatorOf({
        watermarkMs: NOON + HOUR_MS,
        reader: { ...reader, splits: [{ ...split, splitId: "part-1", watermarkMs: NOON + HOUR_MS }] },
      }),
    ],
  });
  const behind = subtaskOf(0, 1, {
    operators: [operatorOf({ reader: { ...reader, ...parts.reader }, ...parts.sourceOperator })],
    ...parts.source,
  });
  const windows = [0, 1].map((index) =>
    subtaskOf(1, index, {
      gates: [
        {
          edge: 0,
          status: "active",
          watermarkMs: NOON,
          channels: [channel(0, NOON + HOUR_MS), channel(1, NOON, parts.channel)],
        },
      ],
      operators: [
        operatorOf({ inputs: [{ status: "active", watermarkMs: NOON }], waiting }),
        operatorOf({ inputs: [{ status: "active", watermarkMs: NOON }] }),
      ],
      ...parts.window,
    }),
  );
  return {
    atMs: NOON + 2 * HOUR_MS,
    status: "RUNNING",
    failure: undefined,
    subtasks: [ahead, behind, ...windows],
    silentSlots: [],
    coordinators: [],
    alignments: [],
    checkpoints: {
      isEnabled: true,
      intervalMs: 10_000,
      completedCount: 1,
      failedCount: 0,
      sinceCompletedMs: 3000,
      pending: undefined,
    },
    ...parts.job,
  };
}
