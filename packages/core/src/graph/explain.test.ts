import { expect, test } from "vitest";
import type { KeyedProcessFunction, RuntimeContext } from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { mapState, valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";
import { buildJobGraph } from "./build-job-graph.ts";
import { explainJobGraph, renderPlan } from "./explain.ts";
import type { JobGraph } from "./job-graph.ts";

const Trip = t.object({ car: t.string, at: t.timestamp, km: t.float64 });

class Totals implements KeyedProcessFunction<string, { readonly km: number }, number> {
  readonly total = valueState("total", t.float64).enableTimeToLive("1 h");

  open(context: RuntimeContext): void {
    context.getState(this.total);
    // Not `valueState("in a comment")`, and no state of a name that is not known.
    context.getMapState(mapState<string, number>("seen"));
  }

  processElement(): void {}
}

function graph(parallelism = 2): JobGraph {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const trips = env
    .fromData([{ car: "a", at: 0, km: 1 }], Trip)
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: "5 s", timestamp: (trip) => trip.at });
  const byCar = trips.keyBy((trip) => trip.car);
  byCar
    .window(TumblingEventTimeWindows.of("1 h"))
    .allowedLateness("1 min")
    .sideOutputLateData(new OutputTag("late"))
    .reduce((left) => left)
    .uid("hourly")
    .print();
  byCar.process(new Totals()).print();
  return buildJobGraph(env.getTransformations(), {
    name: "trips",
    parallelism,
    maxParallelism: undefined,
    isChainingEnabled: true,
    copiesRecords: false,
    autoGenerateUids: true,
  });
}

test("S17: a plan shows chains, partitioners, uids, windows and what is known of states, in 100 columns", () => {
  const text = renderPlan(graph()).replaceAll(/\S+explain\.test\.ts:\d+:\d+/g, "PLACE");
  expect(text.split("\n").filter((line) => line.length > 100)).toEqual([]);
  expect(text).toMatch(/\[\d\] parallelism 2, at most 128\n {4}<-- \[\d\] hash\n {4}Window/);
  expect(text).toContain(`        uid     hourly
        window  TumblingEventTimeWindows(3600000)  trigger EventTimeTrigger()  lateness 60000 ms
                late records to "late"
        state   "windows"  value  object({ car: string, at: timestamp, km: float64 })
        at      PLACE
`);
  expect(text).toContain(`        state   "total"  value  float64  ttl 3600000 ms
        state   "seen"  map
        at      PLACE
`);
  expect(text).not.toContain("in a comment");
});

test("a plan ends with the warnings, each with its code and place", () => {
  const [before, warning] = renderPlan(graph()).split("\nwarning: ");
  expect(before).toContain('Job "trips"');
  expect(warning!.replaceAll(/\s+/g, " ")).toMatch(
    /^MR_LINT_UID_MISSING: operator "KeyedProcess" \(\S+explain\.test\.ts:\d+:\d+\) keeps state/,
  );
});

test("the plan as JSON is data that has everything that the text has", () => {
  const plan = explainJobGraph(graph(1));
  expect(JSON.parse(JSON.stringify(plan))).toMatchObject({
    name: "trips",
    vertices: [
      { parallelism: 1, operators: expect.arrayContaining([expect.objectContaining({ uid: "hourly" })]) as unknown },
    ],
    warnings: [{ code: "MR_LINT_UID_MISSING" }],
  });
  const operators = plan.vertices.flatMap((vertex) => vertex.operators);
  expect(operators.find((operator) => operator.uid === "hourly")?.window).toEqual({
    assigner: "TumblingEventTimeWindows(3600000)",
    trigger: "EventTimeTrigger()",
    evictor: undefined,
    allowedLatenessMs: 60_000,
    lateOutput: "late",
  });
  expect(operators.find((operator) => operator.kind === "keyedProcess")?.states).toEqual([
    { name: "total", kind: "value", type: "float64", ttlMs: 3_600_000 },
    { name: "seen", kind: "map", type: undefined, ttlMs: undefined },
  ]);
});
