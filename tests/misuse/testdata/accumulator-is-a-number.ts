import type { RuntimeContext } from "millrace";

export function open(context: RuntimeContext): void {
  // expect-error: Argument of type 'number' is not assignable to parameter of type 'Accumulator<
  context.addAccumulator("lines", 0);
}
