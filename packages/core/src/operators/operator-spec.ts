/**
 * What an operator of the graph is: a discriminated union that the code generator and the runtime turn into one
 * subtask's code. Functions are the user's; everything else is data that plans can show.
 */
import type { Sink } from "../connectors/sink.ts";
import type { Source } from "../connectors/source.ts";
import type { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import { isCheckpointed } from "./checkpointed-function.ts";
import type {
  AggregateFunction,
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  KeySelector,
  MapFunction,
  ProcessFunction,
  ProcessJoinFunction,
  ProcessWindowFunction,
  ReduceFunction,
  WindowResultFunction,
} from "./functions.ts";
import type { OperatorHost } from "./operator-runtime.ts";
import type { OutputTag } from "./output-tag.ts";
import type { StreamOperator } from "./stream-operator.ts";

type U = unknown;

export interface SourceSpec {
  readonly kind: "source";
  readonly source: Source<U, never, U>;
  readonly strategy: WatermarkStrategy<U>;
  /** Where unreadable records go under `source.poison-records: dead-letter`. */
  readonly deadLetterTag: OutputTag<U>;
}

/** An operator without a key, or with one: that of a function object that may ask for keyed state. */
interface MaybeKeyed {
  readonly key?: KeySelector<U, U>;
}

export interface MapSpec extends MaybeKeyed {
  readonly kind: "map";
  readonly fn: ((value: U) => U) | MapFunction<U, U>;
}

export interface FilterSpec extends MaybeKeyed {
  readonly kind: "filter";
  readonly fn: ((value: U) => boolean) | FilterFunction<U>;
}

/** A plain function returns an iterable of results; an object collects them. */
export interface FlatMapSpec extends MaybeKeyed {
  readonly kind: "flatMap";
  readonly fn: ((value: U) => Iterable<U>) | FlatMapFunction<U, U>;
}

export interface ProcessSpec {
  readonly kind: "process";
  readonly fn: ProcessFunction<U, U>;
}

export interface KeyedProcessSpec {
  readonly kind: "keyedProcess";
  readonly key: KeySelector<U, U>;
  readonly fn: KeyedProcessFunction<U, U, U>;
}

/** A rolling reduce: emits the running value for every record. `sum` and its relatives are made of it. */
export interface KeyedReduceSpec {
  readonly kind: "keyedReduce";
  readonly key: KeySelector<U, U>;
  readonly fn: ((accumulated: U, value: U) => U) | ReduceFunction<U>;
  readonly type: Type<U> | undefined;
  /** What plans call it: reduce, sum, minBy … */
  readonly label: string;
}

/** What a window does with its elements. */
export type WindowFold =
  | {
      readonly kind: "aggregate";
      readonly aggregate: AggregateFunction<U, U, U>;
      readonly accumulatorType: Type<U> | undefined;
    }
  | { readonly kind: "reduce"; readonly fn: (accumulated: U, value: U) => U; readonly type: Type<U> | undefined }
  | { readonly kind: "list"; readonly type: Type<U> | undefined };

/** The user's functions of a fold. */
export function foldFunctions(fold: WindowFold): readonly unknown[] {
  if (fold.kind === "list") return [];
  return [fold.kind === "aggregate" ? fold.aggregate : fold.fn];
}

/** What a window emits. */
export type WindowEmit =
  | { readonly kind: "value" }
  | { readonly kind: "function"; readonly fn: WindowResultFunction<U, U, U> }
  | { readonly kind: "process"; readonly fn: ProcessWindowFunction<U, U, U> };

/** The user's functions of an emission. */
export function emitFunctions(emit: WindowEmit): readonly unknown[] {
  return emit.kind === "value" ? [] : [emit.fn];
}

export interface WindowSpec {
  readonly kind: "window";
  readonly key: KeySelector<U, U>;
  readonly assigner: SpanAssigner;
  readonly fold: WindowFold;
  readonly emit: WindowEmit;
  readonly allowedLatenessMs: number;
  readonly lateTag: OutputTag<U> | undefined;
}

export interface TimestampsSpec {
  readonly kind: "timestamps";
  readonly strategy: WatermarkStrategy<U>;
}

/** Two inputs, one operator; `keys` when both are keyed. */
export interface CoSpec {
  readonly kind: "co";
  readonly keys: readonly [KeySelector<U, U>, KeySelector<U, U>] | undefined;
  readonly fn:
    | CoMapFunction<U, U, U>
    | CoFlatMapFunction<U, U, U>
    | CoProcessFunction<U, U, U>
    | KeyedCoProcessFunction<U, U, U, U>;
  readonly flavour: "map" | "flatMap" | "process";
}

/**
 * Pairs of records of two keyed inputs, left and right, with `left + lowerMs <= right <= left + upperMs`. Whole
 * milliseconds; both bounds are inclusive.
 */
export interface IntervalJoinSpec {
  readonly kind: "intervalJoin";
  readonly keys: readonly [KeySelector<U, U>, KeySelector<U, U>];
  readonly fn: ProcessJoinFunction<U, U, U>;
  readonly lowerMs: number;
  readonly upperMs: number;
  /** What is kept of either side. */
  readonly types: readonly [Type<U> | undefined, Type<U> | undefined];
  readonly lateTags: readonly [OutputTag<U> | undefined, OutputTag<U> | undefined];
}

/** One end of an iteration, by which the graph finds the other. */
export interface IterationEnd {
  readonly role: "head" | "tail";
  /** The same object on both ends. */
  readonly loop: object;
  /** Undefined: the loop ends when it is empty. */
  readonly maxWaitMs: number | undefined;
}

/** An operator that is an object with methods instead of a template of generated code, see `StreamOperator`. */
export interface TransformSpec {
  readonly kind: "transform";
  /** What plans call it: coGroup, mapAsync … */
  readonly label: string;
  /** By input, one or two of them; undefined where the input is not keyed. */
  readonly keys: readonly (KeySelector<U, U> | undefined)[];
  /** Whether a checkpoint holds state of it. */
  readonly isStateful: boolean;
  /** What plans say about it besides its label: plain JSON. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Whether something may come out of the side output. */
  readonly hasSideOutput: (tagId: string) => boolean;
  /** Present on both ends of an iteration. */
  readonly iteration?: IterationEnd;
  /** The user's functions besides the keys, triggers and the like included: plans and warnings read them, nobody calls them. */
  readonly functions?: readonly unknown[];
  /** Makes the operator of one subtask and attempt; user functions have to be copied for it, see `cloneFunction`. */
  readonly create: (host: OperatorHost) => StreamOperator;
}

export interface SinkSpec {
  readonly kind: "sink";
  readonly sink: Sink<U, U, U>;
}

export type OperatorSpec =
  | SourceSpec
  | MapSpec
  | FilterSpec
  | FlatMapSpec
  | ProcessSpec
  | KeyedProcessSpec
  | KeyedReduceSpec
  | WindowSpec
  | TimestampsSpec
  | CoSpec
  | IntervalJoinSpec
  | TransformSpec
  | SinkSpec;

/** Operators whose state a checkpoint holds need a uid that stays the same. */
export function isStateful(spec: OperatorSpec): boolean {
  switch (spec.kind) {
    case "map":
    case "filter":
    case "flatMap":
      return spec.key !== undefined || isCheckpointed(spec.fn);
    case "process":
      return isCheckpointed(spec.fn);
    case "transform":
      return spec.isStateful;
    default:
      return spec.kind !== "timestamps";
  }
}

/** The key selectors of the operator's inputs; undefined where the input is not keyed. */
export function keySelectorOf(spec: OperatorSpec, input: number): KeySelector<U, U> | undefined {
  switch (spec.kind) {
    case "map":
    case "filter":
    case "flatMap":
    case "keyedProcess":
    case "keyedReduce":
    case "window":
      return spec.key;
    case "co":
      return spec.keys?.[input];
    case "intervalJoin":
    case "transform":
      return spec.keys[input];
    default:
      return undefined;
  }
}

/** Whether any of its inputs is keyed. */
export function isKeyed(spec: OperatorSpec): boolean {
  return keySelectorOf(spec, 0) !== undefined || keySelectorOf(spec, 1) !== undefined;
}

/** How many inputs the operator tells apart; each of them may have several producers. */
export function inputCountOf(spec: OperatorSpec): 0 | 1 | 2 {
  switch (spec.kind) {
    case "source":
      return 0;
    case "co":
    case "intervalJoin":
      return 2;
    case "transform":
      return spec.keys.length === 2 ? 2 : 1;
    default:
      return 1;
  }
}

/** Operators whose loss would lose something: keyed state, source positions, or what a sink has not committed. */
export function needsRestore(spec: OperatorSpec): boolean {
  if (spec.kind === "sink")
    return spec.sink.createCommitter !== undefined || spec.sink.writerStateSerializer !== undefined;
  if (spec.kind === "co") return spec.keys !== undefined || isCheckpointed(spec.fn);
  return isStateful(spec);
}
