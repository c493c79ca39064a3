/**
 * User functions that every simulated job has at its front. They keep books of what they have seen, in operator state and in
 * keyed state, and know what has to come next.
 */
import type {
  CheckpointedFunction,
  Collector,
  FunctionInitializationContext,
  KeyedProcessContext,
  KeyedProcessFunction,
  ListState,
  MapFunction,
  MapState,
  RuntimeContext,
} from "millrace";
import { listState, mapState, t } from "millrace";
import type { Numbered } from "./numbered-source.ts";
import type { World } from "./world.ts";

/** How many records of a split have been seen, and the sum of their numbers. */
export interface Seen {
  readonly split: number;
  readonly count: number;
  readonly sum: number;
}

export const seenType = t.object({ split: t.int32, count: t.int32, sum: t.int64 });
export const LEDGER = "ledger";

/** What one subtask has seen, as operator state: all ledgers of a checkpoint together are what its sources have read. */
class Ledger {
  readonly #bySplit: Map<number, { count: number; sum: number }> = new Map();
  readonly #states: ListState<Seen>;
  readonly #isUnion: boolean;

  constructor(context: FunctionInitializationContext, isUnion: boolean) {
    const store = context.operatorStateStore;
    const descriptor = listState(LEDGER, seenType);
    this.#states = isUnion ? store.getUnionListState(descriptor) : store.getListState(descriptor);
    this.#isUnion = isUnion;
  }

  /** Of a union everybody gets everything: the first subtask goes on with it. */
  restore({ indexOfThisSubtask }: RuntimeContext): void {
    if (this.#isUnion && indexOfThisSubtask > 0) return;
    for (const { split, count, sum } of this.#states.get()) this.#add(split, count, sum);
  }

  add({ split, number }: Numbered): void {
    this.#add(split, 1, number);
  }

  snapshot(): void {
    this.#states.update([...this.#bySplit].map(([split, seen]) => ({ split, ...seen })));
  }

  #add(split: number, count: number, sum: number): void {
    const seen = this.#bySplit.get(split) ?? { count: 0, sum: 0 };
    this.#bySplit.set(split, { count: seen.count + count, sum: seen.sum + sum });
  }
}

/** The region of everything that is shuffled. */
const SHUFFLED = "shuffled";

/** Right behind the source. */
export class FrontLedger implements MapFunction<Numbered, Numbered>, CheckpointedFunction {
  private readonly world: World;
  private readonly isShuffled: boolean;
  private region = SHUFFLED;
  private ledger!: Ledger;

  /** @param isShuffled - Whether its records go to other subtasks; otherwise every subtask is a region. */
  constructor(world: World, isShuffled: boolean) {
    this.world = world;
    this.isShuffled = isShuffled;
  }

  initializeState(context: FunctionInitializationContext): void {
    this.ledger = new Ledger(context, false);
  }

  open(context: RuntimeContext): void {
    const { indexOfThisSubtask, attemptNumber } = context;
    if (!this.isShuffled) this.region = `pipeline ${indexOfThisSubtask}`;
    this.world.onOpen(this.region, attemptNumber);
    this.ledger.restore(context);
  }

  snapshotState(): void {
    this.ledger.snapshot();
  }

  map(record: Numbered): Numbered {
    this.world.onRecord(this.region);
    this.ledger.add(record);
    return record;
  }
}

/** After a shuffle: every record of a split and key comes once and in order (I1, I7), and before the watermark (I8). */
export class SequenceCheck implements KeyedProcessFunction<number, Numbered, Numbered>, CheckpointedFunction {
  private readonly world: World;
  private readonly isUnion: boolean;
  private ledger!: Ledger;
  /** By split: the last number of the key. */
  private last!: MapState<number, number>;
  private lastWatermark = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.world = world;
    this.isUnion = world.plan.shape === "unionState";
  }

  initializeState(context: FunctionInitializationContext): void {
    this.ledger = new Ledger(context, this.isUnion);
  }

  open(context: RuntimeContext): void {
    this.ledger.restore(context);
    this.last = context.getMapState(mapState("last", t.int32, t.int32));
  }

  snapshotState(): void {
    this.ledger.snapshot();
  }

  processElement(record: Numbered, context: KeyedProcessContext<number>, out: Collector<Numbered>): void {
    this.world.onRecord(SHUFFLED);
    this.ledger.add(record);
    const last = this.last.get(record.split) ?? -1;
    const next = this.world.numberAfter(record, last);
    if (next !== record.number) {
      const found = `record ${record.split}/${record.number} of key ${record.key} after ${last}`;
      this.world.violated(record.number <= last ? "I1" : "I7", `${found}; expected ${next}`);
    }
    this.last.put(record.split, record.number);
    this.checkWatermark(context.timerService.currentWatermark(), record);
    out.collect(record);
  }

  private checkWatermark(watermark: number, { at }: Numbered): void {
    if (watermark < this.lastWatermark) {
      this.world.violated("I8", `the watermark went back from ${this.lastWatermark} to ${watermark}`);
    }
    if (at <= watermark) this.world.violated("I8", `watermark ${watermark} came before the record of ${at}`);
    this.lastWatermark = watermark;
  }
}
