import {
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type Type,
  t,
  type ValueState,
  valueState,
} from "millrace";
import { BID, type NexmarkEvent } from "../nexmark/events.ts";

/** An event and when it is due at the source; NaN while the job warms up. @internal */
export interface DueEvent {
  readonly event: NexmarkEvent;
  readonly dueMs: number;
}

interface DuePrice {
  readonly auction: number;
  readonly price: number;
  readonly dueMs: number;
}

/** The row of ds-keyed-sum with the due time of the bid behind it. @internal */
export interface DueSum {
  readonly auction: number;
  readonly count: number;
  readonly sum: number;
  readonly dueMs: number;
}

interface Sums {
  count: number;
  sum: number;
}

const SumsType: Type<Sums> = t.object({ count: t.int32, sum: t.int64 });

class RunningDueSums implements KeyedProcessFunction<number, DuePrice, DueSum> {
  private sums!: ValueState<Sums>;

  open(context: RuntimeContext): void {
    this.sums = context.getState(valueState("acc", SumsType));
  }

  processElement(bid: DuePrice, _context: KeyedProcessContext<number>, out: Collector<DueSum>): void {
    const sums = this.sums.value() ?? { count: 0, sum: 0 };
    sums.count++;
    sums.sum += bid.price;
    this.sums.update(sums);
    out.collect({ auction: bid.auction, count: sums.count, sum: sums.sum, dueMs: bid.dueMs });
  }
}

/** ds-keyed-sum whose records carry their due time from the source to the sink. @internal */
export function latencySum(events: DataStream<DueEvent>): DataStream<DueSum> {
  return events
    .filter(({ event }) => event.type === BID)
    .map(({ event, dueMs }): DuePrice => {
      // The filter lets bids through only.
      const bid = event as Extract<NexmarkEvent, { type: typeof BID }>;
      return { auction: bid.auction, price: bid.price, dueMs };
    })
    .keyBy((bid) => bid.auction)
    .process(new RunningDueSums())
    .uid("running-sums");
}
