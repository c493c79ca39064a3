import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OperatorWaiting } from "../../operators/waiting.ts";
import { bounded, graphOf, hour, map, reportOf, sourceSpec, vertexOf } from "../../testing/stall-reports.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import type { JobGraph } from "../job-graph.ts";
import { explainStall } from "./explain-stall.ts";
import type { ChannelReport, JobReport, OperatorReport, SubtaskReport } from "./job-report.ts";

const aligned = bounded.withWatermarkAlignment("group", "5 s");

describe("U09: the way through any reports", () => {
  const times = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(MIN_WATERMARK, MAX_WATERMARK));
  const status = fc.constantFrom("active" as const, "active" as const, "idle" as const, "finished" as const);
  const input = fc.record({ status, watermarkMs: times });
  const rarely = fc.nat(9).map((n) => n === 0);

  /** Four vertices, each of which may read all before it. */
  const shapes = fc.array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: 4, maxLength: 4 });

  function graphFrom(shape: readonly (readonly boolean[])[]): JobGraph {
    const edges = shape.flatMap((reads, target) =>
      reads.flatMap((isRead, source) =>
        source < target && (isRead || source === target - 1) ? [[source, target] as const] : [],
      ),
    );
    const vertices = shape.map((_, id) => {
      const gates = edges.flatMap(([, target], edge) => (target === id ? [edge] : []));
      const outputs = edges.flatMap(([source], edge) => (source === id ? [edge] : []));
      const first = [`v${id}`, id === 0 ? sourceSpec(aligned) : map] as const;
      return vertexOf(id, [first, [`w${id}`, map]], gates, outputs);
    });
    return graphOf(vertices, edges);
  }

  const subtaskArbitrary = (job: JobGraph, vertexId: number, subtaskIndex: number): fc.Arbitrary<SubtaskReport> => {
    const vertex = job.vertices[vertexId]!;
    const channelArbitrary = (producer: number): fc.Arbitrary<ChannelReport> =>
      fc.record({ producer: fc.constant(producer), status, watermarkMs: times, isBlocked: rarely, hasNext: rarely });
    const gate = (edge: number): fc.Arbitrary<SubtaskReport["gates"][number]> =>
      fc.record({
        edge: fc.constant(edge),
        status,
        watermarkMs: times,
        channels: fc.tuple(channelArbitrary(0), channelArbitrary(1)),
      });
    const splits = fc.array(
      fc.record({
        splitId: fc.constantFrom("a", "b"),
        watermarkMs: times,
        isIdle: rarely,
        isPaused: rarely,
        silentMs: fc.option(fc.nat(5000), { nil: undefined }),
      }),
      { maxLength: 3 },
    );
    const readers = fc.record({
      splits,
      isIdle: rarely,
      isAligning: rarely,
      allowedMs: fc.constant(undefined),
      isWaiting: fc.boolean(),
      hasEnded: rarely,
      isBlocked: rarely,
      isStopped: rarely,
    });
    const operator = (index: number): fc.Arbitrary<OperatorReport> =>
      fc.record({
        watermarkMs: times,
        inputs: fc.tuple(...vertex.operators[index]!.inputs.map(() => input)),
        recordsIn: fc.nat(9),
        recordsOut: fc.nat(9),
        isAvailable: fc.nat(9).map((n) => n > 0),
        waiting: fc.constantFrom<OperatorWaiting>(
          { event: { ...hour, atMs: 10 } },
          {},
          { isForEnd: true },
          { requests: { count: 1, capacity: 1 } },
        ),
        reader: vertexId === 0 && index === 0 ? readers : fc.constant(undefined),
      });
    const place = fc.record({ gate: fc.nat(2), channel: fc.nat(1) });
    return fc.record({
      vertexId: fc.constant(vertexId),
      subtaskIndex: fc.constant(subtaskIndex),
      isRunning: fc.nat(19).map((n) => n > 0),
      isInputFinished: rarely,
      isBackPressured: rarely,
      sortsInputs: rarely,
      gates: fc.tuple(...vertex.gates.map(gate)),
      full: fc.tuple(
        ...vertex.outputs.map(({ edge }) =>
          fc.record({ edge: fc.constant(edge), consumers: fc.subarray([0, 1], { minLength: 1 }) }),
        ),
      ),
      alignment: fc.option(fc.record({ checkpointId: fc.constant(1), missing: fc.array(place, { maxLength: 2 }) }), {
        nil: undefined,
      }),
      operators: fc.tuple(operator(0), operator(1)),
    });
  };

  const jobs = shapes.chain((shape) => {
    const job = graphFrom(shape);
    const subtasks = job.vertices.flatMap(({ id }) => [0, 1].map((index) => subtaskArbitrary(job, id, index)));
    const members = [0, 1].map((subtaskIndex) => ({ uid: "uid-v0", subtaskIndex, watermarkMs: subtaskIndex }));
    return fc
      .tuple(fc.constant(job), fc.tuple(...subtasks), fc.subarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 6 }))
      .map(([made, all, kept]): readonly [JobGraph, JobReport] => [
        made,
        { ...reportOf(), subtasks: kept.map((index) => all[index]!), alignments: [{ group: "group", members }] },
      ]);
  });

  test("it comes to an end, whatever the parts of the job say", () => {
    fc.assert(
      fc.property(jobs, ([job, report]) => {
        const explanation = explainStall(job, report);
        for (const finding of explanation.findings) {
          expect(finding.path.length).toBeLessThanOrEqual(8);
          expect(finding.cause.todo).not.toBe("");
          expect(finding.text).not.toContain("undefined");
        }
        expect(explanation.text).not.toBe("");
      }),
      { numRuns: 200 },
    );
  });

  test("it never goes to a channel above the minimum of those that are active", () => {
    fc.assert(
      fc.property(jobs, ([job, report]) => {
        for (const { path } of explainStall(job, report).findings) {
          path.slice(1).forEach(({ at }, index) => {
            const from = path[index]!.at;
            const vertexId = Number(from.operator.slice(1));
            const target = Number(at.operator.slice(1));
            if (vertexId === target) return;
            const subtask = report.subtasks.find(
              (each) => each.vertexId === vertexId && each.subtaskIndex === from.subtaskIndex,
            )!;
            const gates = subtask.gates.filter(({ edge }) => job.edges[edge]!.source === target);
            const isLowest = gates.some(({ channels }) => {
              const active = channels.filter((each) => each.status === "active");
              const taken = channels.find((each) => each.producer === at.subtaskIndex)!;
              return active.length === 0
                ? taken.status === "idle"
                : taken.status === "active" &&
                    taken.watermarkMs === Math.min(...active.map((each) => each.watermarkMs));
            });
            expect(isLowest).toBe(true);
          });
        }
      }),
      { numRuns: 200 },
    );
  });
});
