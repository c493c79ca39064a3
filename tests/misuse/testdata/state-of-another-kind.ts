import { listState, type RuntimeContext } from "millrace";

export function open(context: RuntimeContext): void {
  // expect-error: Argument of type 'ListStateDescriptor<number>' is not assignable to parameter of type 'ValueStateDescriptor<
  context.getState(listState<number>("counts"));
}
