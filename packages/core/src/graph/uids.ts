/**
 * Gives every operator the uid that its state is stored under. A uid set by the user is used as it is; otherwise it is
 * derived from the operator's place in the graph, so it changes when something upstream changes, which is why stateful
 * operators without one are warned about.
 */
import { MillraceError } from "../base/errors.ts";
import { isStateful } from "../operators/operator-spec.ts";
import { hashKey } from "../types/key-encoding.ts";
import type { PlanWarning } from "./lint.ts";
import type { Transformation } from "./transformation.ts";

export interface AssignedUids {
  readonly uids: ReadonlyMap<Transformation, string>;
  readonly warnings: readonly PlanWarning[];
}

/**
 * An operator with a `uidHash` only is called that. With both, its uid counts, and a checkpoint may hold its state under the other.
 *
 * @throws MillraceError `MR_UID_DUPLICATE`, or `MR_UID_REQUIRED` when generating is switched off.
 */
export function assignUids(transformations: readonly Transformation[], autoGenerate: boolean): AssignedUids {
  const uids = new Map<Transformation, string>();
  const owners = new Map<string, Transformation>();
  const warnings: PlanWarning[] = [];
  for (const transformation of transformations) {
    const uid = transformation.uid ?? transformation.uidHash ?? generatedUid(transformation, uids, owners);
    const owner = owners.get(uid);
    if (owner !== undefined) throw duplicate(uid, owner, transformation);
    owners.set(uid, transformation);
    uids.set(transformation, uid);
    if (transformation.uid !== undefined || transformation.uidHash !== undefined || !needsUid(transformation)) continue;
    if (!autoGenerate) throw required(transformation);
    warnings.push({
      code: "MR_LINT_UID_MISSING",
      operator: transformation.name,
      at: transformation.callSite,
      message:
        `keeps state but has no uid; it got "${uid}" from its place in the graph. Add .uid("…") so that its state is ` +
        "found again after the job changes.",
    });
  }
  checkHashes(transformations, owners);
  return { uids, warnings };
}

/** State has one owner: what one operator is called, another cannot take over. */
function checkHashes(transformations: readonly Transformation[], owners: ReadonlyMap<string, Transformation>): void {
  const claimed = new Map<string, Transformation>();
  for (const transformation of transformations) {
    const { uidHash } = transformation;
    if (uidHash === undefined) continue;
    const owner = owners.get(uidHash) ?? claimed.get(uidHash);
    if (owner !== undefined && owner !== transformation) throw duplicate(uidHash, owner, transformation);
    claimed.set(uidHash, transformation);
  }
}

// A source is known by its name, and a sink without state has nothing to find again.
function needsUid(transformation: Transformation): boolean {
  const { spec } = transformation;
  if (spec.kind === "source") return false;
  if (spec.kind === "sink")
    return spec.sink.createCommitter !== undefined || spec.sink.writerStateSerializer !== undefined;
  return isStateful(spec);
}

function generatedUid(
  transformation: Transformation,
  uids: ReadonlyMap<Transformation, string>,
  taken: ReadonlyMap<string, Transformation>,
): string {
  if (transformation.spec.kind === "source") {
    const uid = `source-${transformation.name.replace(/^Source: /, "")}`;
    if (!taken.has(uid)) return uid;
  }
  const inputs = transformation.inputs.map((edge) => `${uids.get(edge.source)}/${edge.sideOutput ?? ""}/${edge.input}`);
  const { spec } = transformation;
  const place = `${spec.kind === "transform" ? spec.label : spec.kind}(${inputs.join(",")})`;
  for (let sibling = 0; ; sibling++) {
    const uid = `auto-${[0, 1].map((half) => hashKey(`${half}:${sibling}:${place}`).toString(16).replace("-", "").padStart(8, "0")).join("")}`;
    if (!taken.has(uid)) return uid;
  }
}

function duplicate(uid: string, first: Transformation, second: Transformation): MillraceError {
  return new MillraceError("MR_UID_DUPLICATE", {
    what: "Two operators have the same uid",
    where: { uid },
    found: `"${first.name}" at ${first.callSite} and "${second.name}" at ${second.callSite}`,
    expected: "a uid of its own for every operator",
    todo: "Rename one of them; state is stored under the uid",
  });
}

function required(transformation: Transformation): MillraceError {
  return new MillraceError("MR_UID_REQUIRED", {
    what: "A stateful operator has no uid and pipeline.auto-generate-uids is false",
    where: { operator: transformation.name, at: transformation.callSite },
    todo: 'Add .uid("…") after the operator',
  });
}
