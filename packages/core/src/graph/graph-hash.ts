import { u32Hex } from "../base/hex.ts";
import { hashKey } from "../types/key-encoding.ts";
import { describeVertex } from "./describe.ts";
import type { JobEdge, JobVertex } from "./job-graph.ts";

/** A hash over everything that state and exchanges depend on: the same job built twice has the same one. */
export function graphHash(vertices: readonly JobVertex[], edges: readonly JobEdge[]): string {
  const description = JSON.stringify([
    vertices.map(describeVertex),
    edges.map((edge) => [edge.source, edge.target, edge.partitioning.kind]),
  ]);
  return ["a", "b", "c", "d"].map((part) => u32Hex(hashKey(part + description))).join("");
}
