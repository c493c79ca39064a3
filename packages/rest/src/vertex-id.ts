/**
 * The ids of vertices and slot sharing groups, 32 hexadecimal digits as Flink has them: the beginning of a SHA-256. That of a
 * vertex is of the uid of its first operator, so that it stays the same over restarts, savepoints and changes of the job as
 * long as the operator does.
 */
import { type JobPlan, sha256Hex } from "millrace/internal";
import type { HexId } from "./rest-bodies.ts";

/** By the engine's own number of the vertex. @internal */
export function vertexIdsOf(plan: JobPlan): ReadonlyMap<number, HexId> {
  return new Map(plan.vertices.map(({ id, operators }) => [id, idOf("vertex", operators[0]!.uid)]));
}

/** @internal */
export function slotSharingGroupId(group: string): HexId {
  return idOf("slot sharing group", group);
}

function idOf(kind: string, name: string): HexId {
  return sha256Hex(new TextEncoder().encode(`${kind}\0${name}`)).slice(0, 32);
}
