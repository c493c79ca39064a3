import { invariant } from "../base/errors.ts";
import type { RecordBatch } from "../operators/record-batch.ts";
import type { ChainSource } from "./chain-source.ts";

/** Takes a record into the chain at one of its gates. */
export type RecordInput = (value: unknown, timestampMs: number) => void;

/** The functions of a compiled chain, by gate number. */
export type ChainInputs = readonly RecordInput[];

/** What generated code works on; see `ChainWriter.write`. */
export interface ChainRuntime {
  readonly operators: readonly OperatorBinding[];
  readonly writers: readonly { emit(value: unknown, timestampMs: number): void }[];
  /** Records that left each operator, by its index. */
  readonly counts: Float64Array;
  readonly mapKeyOf: (key: unknown) => unknown;
  readonly copyValue: (value: unknown) => unknown;
  readonly TimeWindow: new (start: number, end: number) => unknown;
}

/** One operator as generated code sees it. */
export interface OperatorBinding {
  readonly operator: unknown;
  /** The user's function of this subtask, or the functions of a window. */
  readonly fn: unknown;
  /** By input; undefined where it is not keyed. */
  readonly keys: readonly (((value: unknown) => unknown) | undefined)[];
  readonly timestampOf: ((value: unknown, timestampMs: number) => number) | undefined;
  /** All three throw a MillraceError that names the operator. */
  readonly rejectPromise: (method: string) => never;
  readonly checkFilter: (returned: unknown) => void;
  readonly rejectTimestamp: (timestamp: unknown) => never;
}

export type ProcessBatch = (batch: RecordBatch) => void;

/** Lines that the engine puts before the text of a function made from source. */
const HEADER_LINES = 2;

/** One subtask's compiled chain. Each call compiles anew, so that no two subtasks share call-site feedback. */
export class CompiledChain {
  readonly inputs: ChainInputs;
  /** By entry that the source was generated with. */
  readonly entries: ChainInputs;
  readonly #source: ChainSource;
  readonly #url: string;

  constructor(source: ChainSource, runtime: ChainRuntime, url: string, gateCount: number, entryCount: number = 0) {
    this.#source = source;
    this.#url = url;
    const factory = new Function("runtime", `${source.text}\n//# sourceURL=${url}`) as (
      runtime: ChainRuntime,
    ) => Readonly<Record<string, RecordInput>>;
    const table = factory(runtime);
    const inputsOf = (kind: "gate" | "entry", count: number): ChainInputs =>
      Array.from({ length: count }, (_, number) => {
        const input = table[`${kind}${number}`];
        invariant(input !== undefined, `the chain ${url} has no input for ${kind} ${number}`);
        return input;
      });
    this.inputs = inputsOf("gate", gateCount);
    this.entries = inputsOf("entry", entryCount);
  }

  /** Which operator was at work when `error` was thrown: the index, or undefined when the stack does not tell. */
  operatorOf(error: unknown): number | undefined {
    if (!(error instanceof Error) || error.stack === undefined) return undefined;
    const frame = new RegExp(`${this.#url.replaceAll(/[^A-Za-z0-9_-]/g, "\\$&")}:(\\d+):`).exec(error.stack);
    if (frame === null) return undefined;
    const operator = this.#source.operatorOfLine[Number(frame[1]) - 1 - HEADER_LINES];
    return operator === undefined || operator < 0 ? undefined : operator;
  }
}
