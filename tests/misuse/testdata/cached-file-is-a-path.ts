import type { RuntimeContext } from "millrace";

export function open(context: RuntimeContext): Uint8Array {
  // expect-error: Type 'string' is not assignable to type 'Uint8Array
  return context.getDistributedCache().getFile("airports");
}
