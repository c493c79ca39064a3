import { expect, test } from "vitest";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import { buildJobGraph, type JobGraphOptions } from "./build-job-graph.ts";
import type { Partitioning, Transformation } from "./transformation.ts";

const options: JobGraphOptions = {
  name: "test",
  parallelism: 1,
  maxParallelism: undefined,
  isChainingEnabled: true,
  copiesRecords: false,
  autoGenerateUids: true,
};

const key = (value: unknown): unknown => value;
const hash: Partitioning = { kind: "hash", key };

/** A tiny builder: operators by name, inputs with their partitioning. */
class Pipeline {
  readonly all: Transformation[] = [];

  add(
    name: string,
    inputs: readonly (Transformation | readonly [Transformation, Partitioning])[],
    more: Partial<Transformation> & { readonly spec?: OperatorSpec } = {},
  ): Transformation {
    const transformation: Transformation = {
      id: this.all.length,
      name,
      spec: { kind: "map", fn: (value: unknown) => value },
      inputs: inputs.map((input) => {
        const [source, partitioning] = Array.isArray(input)
          ? (input as [Transformation, Partitioning])
          : [input as Transformation, undefined];
        return { source, partitioning, sideOutput: undefined, input: 0, type: undefined };
      }),
      callSite: "job.ts:1:1",
      uid: undefined,
      parallelism: undefined,
      maxParallelism: undefined,
      chaining: "always",
      ...more,
    };
    this.all.push(transformation);
    return transformation;
  }

  vertices(over: Partial<JobGraphOptions> = {}): readonly string[] {
    return buildJobGraph(this.all, { ...options, ...over }).vertices.map((vertex) => vertex.name);
  }
}

const keyed: OperatorSpec = { kind: "keyedProcess", key, fn: { processElement: () => {} } };

test("S17: at parallelism 1 a job is one vertex, keyBy included", () => {
  const job = new Pipeline();
  const a = job.add("a", []);
  const b = job.add("b", [a]);
  job.add("c", [[b, hash]], { spec: keyed });
  expect(job.vertices()).toEqual(["a -> b -> c"]);
});

test("S17: a keyed exchange between several subtasks ends a chain", () => {
  const job = new Pipeline();
  const a = job.add("a", []);
  const b = job.add("b", [[a, hash]], { spec: keyed });
  job.add("c", [b]);
  expect(job.vertices({ parallelism: 2 })).toEqual(["a", "b -> c"]);
});

test("S16, S17: chains end where the user says so, and where chaining is switched off", () => {
  const job = new Pipeline();
  const a = job.add("a", []);
  const b = job.add("b", [a], { chaining: "head" });
  const c = job.add("c", [b], { chaining: "never" });
  job.add("d", [c]);
  expect(job.vertices()).toEqual(["a", "b", "c", "d"]);
  expect(job.vertices({ isChainingEnabled: false })).toEqual(["a", "b", "c", "d"]);
});

test("S17: a union of chained streams is one vertex; one that would close a cycle is not chained", () => {
  const union = new Pipeline();
  const left = union.add("left", []);
  const right = union.add("right", []);
  union.add("both", [left, right]);
  expect(union.vertices()).toEqual(["left -> right -> both"]);

  const diamond = new Pipeline();
  const a = diamond.add("a", []);
  const b = diamond.add("b", [a], { chaining: "never" });
  const c = diamond.add("c", [a]);
  diamond.add("d", [b, c]);
  expect(diamond.vertices()).toEqual(["a -> c", "b", "d"]);
});

test("two operators with one uid are refused with both call sites", () => {
  const job = new Pipeline();
  const a = job.add("a", [], { uid: "same", callSite: "job.ts:3:5" });
  job.add("b", [a], { uid: "same", callSite: "job.ts:9:5" });
  expect(() => job.vertices()).toThrow(/MR_UID_DUPLICATE.*job\.ts:3:5.*job\.ts:9:5/);
});

test("U18: a stateful operator without uid is warned about by call site, or refused", () => {
  const job = new Pipeline();
  const a = job.add("a", []);
  job.add("count", [[a, hash]], { spec: keyed, callSite: "job.ts:7:3" });
  expect(buildJobGraph(job.all, options).warnings).toMatchObject([{ code: "MR_LINT_UID_MISSING", at: "job.ts:7:3" }]);
  expect(() => job.vertices({ autoGenerateUids: false })).toThrow("MR_UID_REQUIRED");
});

test("a generated uid does not depend on unrelated parts of the graph", () => {
  const uidOf = (job: Pipeline): string =>
    buildJobGraph(job.all, options)
      .vertices.flatMap((vertex) => vertex.operators)
      .find((operator) => operator.name === "count")!.uid;
  const plain = new Pipeline();
  plain.add("count", [[plain.add("a", []), hash]], { spec: keyed });
  const more = new Pipeline();
  const a = more.add("a", []);
  more.add("side", [more.add("other", [a])]);
  more.add("count", [[a, hash]], { spec: keyed });
  expect(uidOf(more)).toBe(uidOf(plain));
});

test("parallelism above the maximum is refused with the call site", () => {
  const job = new Pipeline();
  job.add("a", [], { parallelism: 200, maxParallelism: 100, callSite: "job.ts:2:2" });
  expect(() => job.vertices()).toThrow(/MR_MAX_PARALLELISM_EXCEEDED.*job\.ts:2:2.*parallelism 200/);
});

test("S15: forward partitioning between different parallelisms is refused", () => {
  const job = new Pipeline();
  const a = job.add("a", [], { parallelism: 2 });
  job.add("b", [[a, { kind: "forward" }]], { parallelism: 3 });
  expect(() => job.vertices()).toThrow(/MR_PARTITIONING_INVALID.*2 -> 3/);
});

test("a job without operators is refused", () => {
  expect(() => buildJobGraph([], options)).toThrow("MR_JOB_EMPTY");
});

test("the hash changes with the graph and with nothing else", () => {
  const hashOf = (uid: string, name: string): string => {
    const job = new Pipeline();
    job.add("b", [[job.add("a", [], { uid: "first" }), hash]], { spec: keyed, uid });
    return buildJobGraph(job.all, { ...options, name }).hash;
  };
  expect(hashOf("x", "one")).toBe(hashOf("x", "two"));
  expect(hashOf("x", "one")).not.toBe(hashOf("y", "one"));
});
