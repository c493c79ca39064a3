import { MillraceError } from "../base/errors.ts";
import { KeyEntry } from "./key-entry.ts";

/**
 * Stands where the current key's entry does while there is no current key. Whoever reads or writes state or timers through it
 * is told so; the states themselves need not check.
 */
export class NoEntry extends KeyEntry {
  constructor(owner: { readonly operatorName: string; readonly uid: string }) {
    super(undefined, 0);
    const refuse = (): never => {
      throw new MillraceError("MR_STATE_NO_KEY", {
        what: "Keyed state or a timer was used where there is no key",
        where: { operator: owner.operatorName, uid: owner.uid },
        expected: "a call for a keyed record or a timer",
        todo: "Use keyed state only in the methods that take keyed records, or applyToKeyedState for all keys",
      });
    };
    for (const name of ["s0", "s1", "more", "timers"]) Object.defineProperty(this, name, { get: refuse, set: refuse });
  }
}
