/** What a restore would do with one state. */

/**
 * What becomes of a state: taken over as it is, as it is but under another type, or after its values have been migrated; kept
 * for the next checkpoint although nobody reads it; empty since the checkpoint has none; refused. @internal
 */
export type StateVerdict = "restored" | "reconfigured" | "migrated" | "kept" | "new" | "incompatible";

/** @internal */
export interface StateCheck {
  readonly name: string;
  /** value, list, map, windows, timers …, or how a list is dealt out: split, union, broadcast. */
  readonly kind: string;
  readonly verdict: StateVerdict;
  /** In the words of a declaration; undefined where there is none. */
  readonly written: string | undefined;
  readonly current: string | undefined;
  /** The job declares no type for its values: what was written is taken over, whatever it is. */
  readonly isUndeclared: boolean;
  /** Of an incompatible state: each field that does not fit. */
  readonly problem: string | undefined;
}
