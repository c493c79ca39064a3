import { describe, expect, test } from "vitest";
import {
  bounded,
  channel,
  graph,
  HOUR_MS,
  hour,
  NOON,
  operatorOf,
  type Parts,
  reader,
  reportOf,
  split,
} from "../../testing/stall-reports.ts";
import { MIN_WATERMARK } from "../../time/timestamps.ts";
import { WatermarkStrategy } from "../../time/watermark-strategy.ts";
import type { JobGraph } from "../job-graph.ts";
import { notRunning } from "./causes.ts";
import { explainStall } from "./explain-stall.ts";
import type { JobReport } from "./job-report.ts";
import type { StallCauseKind, StallExplanation } from "./stall-explanation.ts";

function causeOf(parts: Parts, of: JobGraph = graph()): StallExplanation["findings"][number] {
  const explanation = explainStall(of, reportOf(parts));
  expect(explanation.findings, explanation.text).toHaveLength(1);
  return explanation.findings[0]!;
}

const aligned = bounded.withWatermarkAlignment("group", "5 s");
const custom = WatermarkStrategy.forGenerator<unknown>(() => ({ onEvent: () => {}, onPeriodicEmit: () => {} }));
const stuck = { isAvailable: false, waiting: { requests: { count: 2, capacity: 2 } } };

describe("U09: every cause", () => {
  const causes: readonly (readonly [StallCauseKind, string, Parts, JobGraph?])[] = [
    ["silent", "part-3: no record for 34 s, and silence does not make it idle", {}],
    ["silent", "idle only after 1 h", {}, graph(bounded.withIdleness("1 h"))],
    [
      "noRecordYet",
      "no record has come yet",
      { reader: { splits: [{ ...split, watermarkMs: MIN_WATERMARK, silentMs: undefined }] } },
    ],
    ["noWatermarks", "has no watermark strategy", {}, graph(WatermarkStrategy.noWatermarks())],
    [
      "generator",
      "its watermark generator has emitted no watermark after 2013-01-01 12:00:00",
      { reader: { splits: [{ ...split, silentMs: 5 }] } },
      graph(custom),
    ],
    ["behind", "1 min behind the latest record", { reader: { splits: [{ ...split, silentMs: 5 }] } }],
    [
      "idle",
      "all of it is idle",
      { reader: { isIdle: true, splits: [{ ...split, isIdle: true }] }, channel: { status: "idle" }, job: {} },
    ],
    ["noSplit", "it has nothing to read", { reader: { splits: [] } }],
    [
      "noSplit",
      "its enumerator has not answered",
      {
        reader: { splits: [] },
        job: {
          coordinators: [{ uid: "uid-flights", readers: [readerCounts(), { ...readerCounts(), isAsking: true }] }],
        },
      },
    ],
    ["alignment", 'more than 5 s ahead in alignment group "group"', { reader: { isAligning: true } }, graph(aligned)],
    ["alignment", "part-3 is paused", { reader: { splits: [{ ...split, isPaused: true }] } }, graph(aligned)],
    ["checkpoint", "the job is being stopped", { reader: { isStopped: true } }],
    ["busy", "still at work", { channel: { hasNext: true }, sourceOperator: { watermarkMs: NOON + HOUR_MS } }],
    ["silent", "part-3: no record for 34 s", { channel: { hasNext: true } }],
    [
      "inTransit",
      "emitted watermark 2013-01-01 13:00:00, which is on its way",
      { sourceOperator: { watermarkMs: NOON + HOUR_MS } },
    ],
    ["silent", "part-3: no record for 34 s", { sourceOperator: { watermarkMs: NOON + 10_000 } }],
    ["notStarted", "is being started", { source: { isRunning: false, operators: [] } }],
    ["asyncRequests", "waits for 2 answers (capacity 2)", { sourceOperator: stuck }],
    [
      "backPressure",
      '"hourly -> rows" subtask 2/2 is still at work',
      { source: { isBackPressured: true, full: [{ edge: 0, consumers: [1] }] } },
    ],
    [
      "barrier",
      'waits for the barrier of checkpoint 7 on other inputs, because "flights" subtask 1/2',
      { channel: { isBlocked: true }, window: { alignment: { checkpointId: 7, missing: [{ gate: 0, channel: 0 }] } } },
    ],
  ];

  const cases = causes.map(([kind, text, parts, of = graph()]) => ({ kind, text, parts, of }));

  test.each(cases)("$kind: $text", ({ kind, text, parts, of }) => {
    const explanation = explainStall(of, reportOf(fixed(kind, parts)));
    const found = explanation.findings.filter((finding) => finding.what === "window");
    expect(found.map(({ cause }) => cause.kind)).toContain(kind);
    expect(found.map((finding) => finding.text).join("\n")).toContain(text);
    expect(found[0]!.cause.todo).not.toBe("");
  });

  test("the whole sentence, what to do, and the way there", () => {
    expect(explainStall(graph(), reportOf()).text).toBe(
      [
        '1. window [2013-01-01 12:00:00, 13:00:00) of "hourly" (14 keys, all subtasks) waits for watermark 2013-01-01 12:59:59.999; it is at 2013-01-01 12:00:00: "flights" subtask 2/2, split part-3: no record for 34 s, and silence does not make it idle.',
        '   way: "hourly" 1/2 <- "flights" 2/2',
        '   If it may be silent while others have records, let it fall idle: .withIdleness("30 s") on the source\'s WatermarkStrategy.',
      ].join("\n"),
    );
  });

  test("a slot that does not answer is named first, and so is what waits for it", () => {
    const report = reportOf();
    const silentSlots = [{ slot: 1, subtasks: [{ vertexId: 0, subtaskIndex: 1 }], place: 'it is in "flights"' }];
    const subtasks = report.subtasks.filter((each) => each.vertexId !== 0 || each.subtaskIndex !== 1);
    const { findings } = explainStall(graph(), { ...report, subtasks, silentSlots });
    expect(findings.map(({ what, cause }) => [what, cause.kind])).toEqual([
      ["job", "noAnswer"],
      ["window", "noAnswer"],
    ]);
    expect(findings[0]!.text).toContain('the thread of slot 1 is blocked, it is in "flights"');
  });

  test("a job that does not run says what it is and what it ended with", () => {
    const report = { ...reportOf(), subtasks: [], status: "RESTARTING", failure: "the disk is full" };
    const { findings } = explainStall(graph(), report);
    expect(findings[0]!.text).toBe("the job is RESTARTING after: the disk is full");
  });

  test("an operator that emits at the end of an unbounded input waits for ever", () => {
    expect(causeOf({ waiting: { isForEnd: true } }).text).toContain("is unbounded: its input never ends");
    expect(causeOf({ waiting: { isForEnd: true } }, graph(bounded, "bounded")).cause.kind).toBe("silent");
  });

  test("requests, iterations, triggers and timers of the clock are named without a way", () => {
    const { findings } = explainStall(
      graph(),
      reportOf({
        waiting: {
          requests: { count: 1, capacity: 9 },
          loop: { waiting: 3, hasInputEnded: true },
          triggerKeys: 12_000,
          processing: { ...hour, atMs: NOON + 3 * HOUR_MS },
        },
      }),
    );
    expect(findings.map(({ what }) => what)).toEqual(["requests", "iteration", "trigger", "processingTimer"]);
    expect(findings.at(-1)!.text).toContain("in 1 h");
    expect(findings.at(-2)!.text).toContain("24,000 keys");
  });

  test("a timer of the clock that is due waits for its subtask", () => {
    expect(causeOf({ waiting: { processing: { ...hour, atMs: NOON } } }).cause.kind).toBe("busy");
  });

  test("rows that wait for a checkpoint: none taken, one under way, the next one", () => {
    const commits = { commits: { pending: 1 } };
    const checkpoints = reportOf().checkpoints;
    const kinds = [
      { ...checkpoints, isEnabled: false },
      { ...checkpoints, pending: { checkpointId: 3, sinceMs: 65_000, missing: [{ vertexId: 0, subtaskIndex: 1 }] } },
      checkpoints,
    ].map(
      (each) => explainStall(graph(), reportOf({ waiting: commits, job: { checkpoints: each } })).findings[0]!.text,
    );
    expect(kinds[0]).toContain("takes no checkpoints");
    expect(kinds[1]).toContain("checkpoint 3 has been under way for 1 min 5 s, with 1 subtask missing");
    expect(kinds[1]).toContain('"flights" subtask 2/2 is still at work');
    const usual = explainStall(graph(), reportOf({ waiting: commits })).findings.at(-1)!.text;
    expect(usual).toContain("the last was complete 3 s ago, and one is due every 10 s");
  });

  test("a job in which nothing waits says so", () => {
    const report = reportOf({ waiting: {}, reader: { hasEnded: true } });
    const ended = { ...reader, hasEnded: true };
    const subtasks = report.subtasks.map((each) =>
      each.vertexId === 0 ? { ...each, operators: [operatorOf({ reader: ended })] } : each,
    );
    expect(explainStall(graph(), { ...report, subtasks }).text).toBe(
      "Nothing of the job waits for anything that it knows of.",
    );
  });

  test("the short form has one line for each of the first findings", () => {
    const { shortText } = explainStall(graph(), reportOf());
    expect(shortText.split("\n")).toHaveLength(1);
    expect(shortText).toMatch(/^- window .* idle\. If it may be silent/);
  });
});

/** What goes with a cause on the side of the window. */
function fixed(kind: StallCauseKind, parts: Parts): Parts {
  return kind === "idle" ? { ...parts, window: { gates: [idleGate] } } : parts;
}

const idleGate = {
  edge: 0,
  status: "idle" as const,
  watermarkMs: NOON,
  channels: [channel(0, NOON - 1, { status: "idle" }), channel(1, NOON, { status: "idle" })],
};

function readerCounts(): JobReport["coordinators"][number]["readers"][number] {
  return { assignedCount: 1, isAsking: false, hasAllSplits: false };
}

test.each([
  ["FAILED", "start the job again"],
  ["FINISHED", "has ended"],
  ["CANCELED", "has ended"],
  ["CREATED", "Wait until it is RUNNING"],
])("U09: a job that is %s is told what it can still do", (status, todo) => {
  const found = notRunning(status, "the disk is full.");
  expect(found.text).toBe(`the job is ${status} after: the disk is full`);
  expect(found.todo).toContain(todo);
});
