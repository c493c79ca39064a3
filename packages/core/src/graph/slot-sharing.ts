/**
 * Which operators may share slots. A group is inherited from the inputs where all of them are in the same one, as in Flink;
 * operators of different groups are never fused and never share a slot.
 */
import { iterationEndOf } from "./iterations.ts";
import type { Transformation } from "./transformation.ts";

/** The group of operators that are in no other. */
export const DEFAULT_SLOT_SHARING_GROUP = "default";

/** @param transformations - In the order of creation. */
export function assignSlotSharingGroups(
  transformations: readonly Transformation[],
): ReadonlyMap<Transformation, string> {
  const groups = new Map<Transformation, string>();
  for (const transformation of transformations) groups.set(transformation, groupOf(transformation, groups));
  return groups;
}

function groupOf(transformation: Transformation, groups: ReadonlyMap<Transformation, string>): string {
  const end = iterationEndOf(transformation);
  if (end?.role === "tail") {
    // Both ends of a loop are in one thread.
    const head = [...groups.keys()].find((each) => iterationEndOf(each)?.loop === end.loop);
    if (head !== undefined) return groups.get(head)!;
  }
  if (transformation.slotSharingGroup !== undefined) return transformation.slotSharingGroup;
  const [first, ...others] = transformation.inputs.map((edge) => groups.get(edge.source)!);
  return first !== undefined && others.every((group) => group === first) ? first : DEFAULT_SLOT_SHARING_GROUP;
}
