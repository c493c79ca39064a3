import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HybridSource } from "../connectors/hybrid/hybrid-source.ts";
import { NumberSequenceSource } from "../connectors/sequence-source.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { channelsOf } from "../taskmanager/slot-layout.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { buildJobGraph } from "./build-job-graph.ts";
import type { JobGraph } from "./job-graph.ts";
import { pipelinedRegions } from "./pipelined-regions.ts";

type Shape = Pick<JobGraph, "vertices" | "edges">;

/** Only what regions are made of. */
const shapes: fc.Arbitrary<Shape> = fc
  .array(fc.record({ parallelism: fc.integer({ min: 1, max: 4 }), inputs: fc.array(fc.nat(), { maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((vertices) =>
    fc.infiniteStream(fc.constantFrom("forward", "rescale", "hash", "rebalance", "broadcast")).map((kinds) => {
      const edges = vertices.flatMap(({ inputs, parallelism }, target) =>
        (target === 0 ? [] : inputs).map((input) => {
          const source = input % target;
          const kind = kinds.next().value!;
          const isEqual = vertices[source]!.parallelism === parallelism;
          return { source, target, partitioning: { kind: kind === "forward" && !isEqual ? "rescale" : kind } };
        }),
      );
      return {
        vertices: vertices.map(({ parallelism }, id) => ({ id, parallelism, operators: [] })),
        edges: edges.map((edge, id) => ({ ...edge, id })),
      } as unknown as Shape;
    }),
  );

const nameOf = ({ vertexId, subtaskIndex }: { vertexId: number; subtaskIndex: number }): string =>
  `${vertexId}/${subtaskIndex}`;

/** Spreads from a subtask over channels until nothing is added. */
function reachedFrom(shape: Shape, start: string): ReadonlySet<string> {
  const reached = new Set([start]);
  const channels = channelsOf(shape as JobGraph).map(({ edge, producer, consumer }) => {
    const { source, target } = shape.edges[edge]!;
    return [
      nameOf({ vertexId: source, subtaskIndex: producer }),
      nameOf({ vertexId: target, subtaskIndex: consumer }),
    ] as const;
  });
  for (let size = 0; size < reached.size; ) {
    size = reached.size;
    for (const [from, to] of channels) if (reached.has(from) || reached.has(to)) reached.add(from).add(to);
  }
  return reached;
}

const names = (regions: ReturnType<typeof pipelinedRegions>): readonly (readonly string[])[] =>
  regions.map((region) => region.map(nameOf));

function graphOf(build: (env: StreamExecutionEnvironment) => void, parallelism = 2): JobGraph {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  build(env);
  return buildJobGraph(env.getTransformations(), {
    name: "regions",
    parallelism,
    maxParallelism: undefined,
    isChainingEnabled: true,
    copiesRecords: false,
    autoGenerateUids: true,
  });
}

describe("S53: pipelined regions", () => {
  test("S53: a region is what channels connect, each subtask is in one, and the order is that of the subtasks", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const regions = names(pipelinedRegions(shape, "region"));
        const all = shape.vertices.flatMap(({ id, parallelism }) =>
          Array.from({ length: parallelism }, (_, subtaskIndex) => nameOf({ vertexId: id, subtaskIndex })),
        );
        expect(regions.flat().toSorted()).toEqual(all.toSorted());
        for (const region of regions) {
          expect(region.toSorted()).toEqual([...reachedFrom(shape, region[0]!)].toSorted());
          expect(region).toEqual(all.filter((name) => region.includes(name)));
        }
        const firsts = regions.map(([first]) => all.indexOf(first!));
        expect(firsts).toEqual(firsts.toSorted((left, right) => left - right));
      }),
    );
  });

  test("S53: with the strategy full there is one region", () => {
    fc.assert(fc.property(shapes, (shape) => pipelinedRegions(shape, "full").length === 1));
  });

  test("S53: pipelines without an exchange are a region each, also where the chain is cut", () => {
    const graph = graphOf((env) => {
      env
        .fromSequence(1, 9)
        .map((n) => n)
        .startNewChain()
        .print();
    });
    expect(names(pipelinedRegions(graph, "region"))).toEqual([
      ["0/0", "1/0"],
      ["0/1", "1/1"],
    ]);
  });

  test("S53: a shuffle makes one region, and a pipeline that is not connected to it another", () => {
    const graph = graphOf((env) => {
      env
        .fromSequence(1, 9)
        .keyBy((n) => n % 3)
        .reduce((sum, n) => sum + n)
        .print();
      env.fromSequence(1, 9).setParallelism(1).print().setParallelism(1);
    });
    expect(pipelinedRegions(graph, "region").map(({ length }) => length)).toEqual([4, 1]);
  });

  test("S53: the readers of a hybrid source start again together", () => {
    const hybrid = HybridSource.builder(NumberSequenceSource.of(1, 5)).addSource(NumberSequenceSource.of(6, 9)).build();
    const graph = graphOf((env) => void env.fromSource(hybrid, WatermarkStrategy.noWatermarks(), "numbers").print());
    expect(pipelinedRegions(graph, "region")).toHaveLength(1);
  });
});
