/**
 * Both ends of an exchange: `Stamp` numbers the records that a subtask sends, `EdgeCheck` holds what arrives against it.
 *
 * - V1. A consumer takes the records of one producer in the order they were sent, none of them twice.
 * - V2. Of the records of one producer and one lane none is missing. A lane is what is known to reach the same consumer: a
 *   key, a place in the round of `rebalance`, the one consumer of `global`. Only `shuffle` has none.
 * - V3. A record holds what its number says.
 * - V4. Once all is through, consumers have taken what their producers have sent: `Stamp` and `EdgeCheck` leave their
 *   counts and hashes in files when they are closed (totals.ts), which verify-round.ts compares.
 */
import { isDeepStrictEqual } from "node:util";
import type { MapFunction, RuntimeContext } from "millrace";
import { Pacing, stall } from "./pacing.ts";
import { Contents, type Dressed, extraOf, NO_LANE, type Parcel } from "./parcels.ts";
import type { RoundPlan } from "./round-plan.ts";
import { addTo, emptyTally, type Tally, writeEdgeTotals, writeProblem } from "./totals.ts";

/** A round and the directory for its counts. */
export interface RoundJob {
  readonly plan: RoundPlan;
  readonly directory: string;
}

/** The lane of the record that is the `seq`th, from 0, of its sender. */
export type LaneOf = (parcel: Parcel, seq: number) => number;

export const noLane: LaneOf = () => NO_LANE;
/** Where every record of a producer goes to the same consumers. */
export const oneLane: LaneOf = () => 0;

/** The producing end. */
export class Stamp<T extends Parcel> implements MapFunction<T, T> {
  private readonly job: RoundJob;
  private readonly edge: string;
  private readonly laneOf: LaneOf;
  private context!: RuntimeContext;
  private tally!: Tally;
  private laneSeqs!: Map<number, number>;

  constructor(job: RoundJob, edge: string, laneOf: LaneOf) {
    this.job = job;
    this.edge = edge;
    this.laneOf = laneOf;
  }

  open(context: RuntimeContext): void {
    this.context = context;
    this.tally = emptyTally();
    this.laneSeqs = new Map();
  }

  map(parcel: T): T {
    const seq = this.tally.count;
    const lane = this.laneOf(parcel, seq);
    const laneSeq = lane === NO_LANE ? 0 : (this.laneSeqs.get(lane) ?? 0);
    if (lane !== NO_LANE) this.laneSeqs.set(lane, laneSeq + 1);
    addTo(this.tally, parcel.n);
    return { ...parcel, from: this.context.indexOfThisSubtask, seq, lane, laneSeq };
  }

  close(): void {
    const { indexOfThisSubtask: subtask, attemptNumber: attempt } = this.context;
    const { edge } = this;
    writeEdgeTotals(this.job.directory, { edge, role: "sent", subtask, attempt, tallies: [this.tally] });
  }
}

/** What one producer has sent so far, as its consumer knows it. */
interface Sender {
  lastSeq: number;
  readonly tally: Tally;
  readonly laneSeqs: Map<number, number>;
}

/** The consuming end, for a function that is opened and closed with its subtask. */
export class EdgeCheck {
  readonly #job: RoundJob;
  readonly #edge: string;
  readonly #context: RuntimeContext;
  readonly #contents: Contents;
  readonly #senders: Sender[] = [];

  constructor(job: RoundJob, edge: string, context: RuntimeContext) {
    this.#job = job;
    this.#edge = edge;
    this.#context = context;
    this.#contents = new Contents(job.plan);
  }

  /** @throws Error when the record is not the one that had to come */
  take(parcel: Parcel): void {
    const sender = this.#senderOf(parcel.from);
    if (parcel.seq <= sender.lastSeq) throw this.#problem(parcel, `came after ${sender.lastSeq} (V1)`);
    sender.lastSeq = parcel.seq;
    if (parcel.lane !== NO_LANE) {
      const expected = sender.laneSeqs.get(parcel.lane) ?? 0;
      if (parcel.laneSeq !== expected) throw this.#problem(parcel, `came where ${expected} of its lane was due (V2)`);
      sender.laneSeqs.set(parcel.lane, expected + 1);
    }
    this.#checkContents(parcel);
    addTo(sender.tally, parcel.n);
  }

  close(): void {
    const { indexOfThisSubtask: subtask, attemptNumber: attempt } = this.#context;
    const tallies = Array.from(this.#senders, (sender) => sender.tally);
    writeEdgeTotals(this.#job.directory, { edge: this.#edge, role: "taken", subtask, attempt, tallies });
  }

  #senderOf(from: number): Sender {
    while (this.#senders.length <= from) {
      this.#senders.push({ lastSeq: -1, tally: emptyTally(), laneSeqs: new Map() });
    }
    return this.#senders[from]!;
  }

  #checkContents(parcel: Parcel | Dressed): void {
    const { n, key, text } = parcel;
    if (key !== this.#contents.keyOf(n)) throw this.#problem(parcel, `has key ${key} (V3)`);
    if (text !== this.#contents.textOf(n)) {
      throw this.#problem(parcel, `has another text, of ${text.length} characters (V3)`);
    }
    if ("extra" in parcel && !isDeepStrictEqual(parcel.extra, extraOf(n))) {
      throw this.#problem(parcel, `carries ${JSON.stringify(parcel.extra)} (V3)`);
    }
  }

  #problem({ n, from, seq, lane, laneSeq }: Parcel, what: string): Error {
    const to = this.#context.indexOfThisSubtask;
    const record = `record ${n}, number ${seq} from ${from} to ${to} (number ${laneSeq} of lane ${lane})`;
    const message = `edge ${this.#edge}, attempt ${this.#context.attemptNumber}: ${record} ${what}`;
    writeProblem(this.#job.directory, message);
    return new Error(message);
  }
}

/** Checks an edge and holds its thread up now and then. */
export class CheckMap<T extends Parcel> implements MapFunction<T, T> {
  private readonly job: RoundJob;
  private readonly edge: string;
  private check!: EdgeCheck;
  private pacing!: Pacing;

  constructor(job: RoundJob, edge: string) {
    this.job = job;
    this.edge = edge;
  }

  open(context: RuntimeContext): void {
    const { seed, stalls, ms } = this.job.plan;
    this.check = new EdgeCheck(this.job, this.edge, context);
    this.pacing = new Pacing(`${seed}/${this.edge}/${context.indexOfThisSubtask}`, stalls, ms);
  }

  map(parcel: T): T {
    this.check.take(parcel);
    stall(this.pacing.pauseAfter(1));
    return parcel;
  }

  close(): void {
    this.check.close();
  }
}
