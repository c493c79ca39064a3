import { describe, expect, test } from "vitest";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { channelsOf, slotCountOf, slotOf, slotsOfChannel, subtasksOfSlot } from "../taskmanager/slot-layout.ts";
import { buildJobGraph, type JobGraphOptions } from "./build-job-graph.ts";
import { describeJobGraph } from "./describe.ts";
import { renderPlan } from "./explain.ts";
import type { JobGraph } from "./job-graph.ts";

const options: JobGraphOptions = {
  name: "slots",
  parallelism: 2,
  maxParallelism: undefined,
  isChainingEnabled: true,
  copiesRecords: false,
  autoGenerateUids: true,
};

function graphOf(build: (env: StreamExecutionEnvironment) => void): JobGraph {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  build(env);
  return buildJobGraph(env.getTransformations(), { ...options, isChainingEnabled: env.isChainingEnabled() });
}

const names = (graph: JobGraph): readonly string[] => graph.vertices.map(({ name }) => name);
const groups = (graph: JobGraph): readonly string[] => graph.vertices.map((vertex) => vertex.slotSharingGroup);

describe("S16: chains and slots", () => {
  test("S16: startNewChain cuts before an operator, disableChaining around it, disableOperatorChaining everywhere", () => {
    const build = (env: StreamExecutionEnvironment): void => {
      const numbers = env
        .fromSequence(1, 9)
        .map((n) => n)
        .name("a")
        .map((n) => n)
        .name("b")
        .startNewChain();
      numbers
        .map((n) => n)
        .name("c")
        .map((n) => n)
        .name("d")
        .disableChaining()
        .map((n) => n)
        .name("e");
    };
    expect(names(graphOf(build))).toEqual(["Source: Sequence Source -> a", "b -> c", "d", "e"]);
    const single = graphOf((env) => build(env.disableOperatorChaining()));
    expect(names(single)).toEqual(["Source: Sequence Source", "a", "b", "c", "d", "e"]);
  });

  test("S17: without a cut a forward edge of equal parallelism makes one task", () => {
    const graph = graphOf(
      (env) =>
        void env
          .fromSequence(1, 9)
          .map((n) => n)
          .filter((n) => n > 1)
          .print(),
    );
    expect(names(graph)).toHaveLength(1);
    expect(graph.edges).toEqual([]);
  });

  test("S16: a group is inherited where all inputs have it, is the default one otherwise, and ends chains", () => {
    const graph = graphOf((env) => {
      const heavy = env
        .fromSequence(1, 9)
        .map((n) => n)
        .name("heavy")
        .slotSharingGroup("heavy");
      const after = heavy.map((n) => n).name("after");
      after
        .union(env.fromSequence(1, 2))
        .map((n) => n)
        .name("both")
        .print()
        .slotSharingGroup("out");
    });
    expect(graph.vertices.map(({ name, slotSharingGroup }) => [name, slotSharingGroup])).toEqual([
      ["Source: Sequence Source", "default"],
      ["heavy -> after", "heavy"],
      ["Source: Sequence Source", "default"],
      ["both", "default"],
      ["Sink: print", "out"],
    ]);
  });

  test("S16: plans show groups; without any they are what they were", () => {
    const graph = graphOf(
      (env) =>
        void env
          .fromSequence(1, 9)
          .map((n) => n)
          .slotSharingGroup("heavy")
          .print(),
    );
    expect(renderPlan(graph)).toContain('at most 128, slots of group "heavy"\n');
    expect(renderPlan(graph)).toContain("2 vertices, 4 slots");
    expect(describeJobGraph(graph).vertices.map((vertex) => vertex.slotSharingGroup)).toEqual([undefined, "heavy"]);
  });

  test("S16: different groups never share a slot; within one, subtasks of the same number do", () => {
    const graph = graphOf((env) => {
      const heavy = env
        .fromSequence(1, 9)
        .map((n) => n)
        .slotSharingGroup("heavy")
        .setParallelism(3);
      heavy
        .rebalance()
        .map((n) => n)
        .slotSharingGroup("default")
        .print();
    });
    expect(groups(graph)).toEqual(["default", "heavy", "default"]);
    expect(slotCountOf(graph)).toBe(5);
    const slots = [0, 1, 2, 3, 4].map((slot) => subtasksOfSlot(graph, slot));
    expect(slots.map((tasks) => new Set(tasks.map(({ vertexId }) => groups(graph)[vertexId])).size)).toEqual([
      1, 1, 1, 1, 1,
    ]);
    expect(slots.flat()).toHaveLength(7);
    slots.forEach((tasks, slot) => {
      for (const task of tasks) expect(slotOf(graph, task)).toBe(slot);
    });
    const ends = channelsOf(graph).map((channel) => slotsOfChannel(graph, channel));
    expect(ends.every(({ from, to }) => from < 2 === to >= 2)).toBe(true);
  });

  test("S16: both ends of an iteration are in the slots of its start", () => {
    const graph = graphOf((env) => {
      const loop = env.fromSequence(1, 9).iterate().slotSharingGroup("loop");
      loop.closeWith(loop.map((n) => n).slotSharingGroup("body"));
    });
    expect(groups(graph)).toEqual(["default", "loop", "body", "loop"]);
  });
});
