import { MillraceError } from "../base/errors.ts";

/** A test asked for something that the kit cannot do. @internal */
export function testKitMisused(what: string, found: string, todo: string): MillraceError {
  return new MillraceError("MR_TEST_KIT_MISUSED", { what, found, todo });
}
