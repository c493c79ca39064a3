import { t, valueState, type RuntimeContext, type ValueState } from "millrace";

export class Counting {
  count!: ValueState<number>;

  open(context: RuntimeContext): void {
    // expect-error: Type 'string' is not assignable to type 'number'
    this.count = context.getState(valueState("count", t.string));
  }
}
