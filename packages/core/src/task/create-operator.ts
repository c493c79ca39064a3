/** Makes one subtask's operator from its spec: the runtime object and what generated code binds to. */
import { MillraceError, unreachable } from "../base/errors.ts";
import type { OperatorBinding } from "../codegen/compile-chain.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import { cloneFunction } from "../operators/clone-function.ts";
import { FunctionOperator, KeyedFunctionOperator } from "../operators/function-operator.ts";
import { FunctionStates } from "../operators/function-states.ts";
import type { KeySelector } from "../operators/functions.ts";
import { IntervalJoinOperator } from "../operators/interval-join/interval-join-operator.ts";
import type { BaseOperator, OperatorHost } from "../operators/operator-runtime.ts";
import { keySelectorOf, type WindowFold, type WindowSpec } from "../operators/operator-spec.ts";
import { ReduceOperator } from "../operators/reduce-operator.ts";
import { type SinkHost, SinkOperator } from "../operators/sink-operator.ts";
import { type SourceHost, SourceOperator } from "../operators/source-operator.ts";
import { type TimestampsHost, TimestampsOperator } from "../operators/timestamps-operator.ts";
import { PaneWindowOperator } from "../operators/window/pane-window-operator.ts";
import { SliceGrid } from "../operators/window/slice-grid.ts";
import { SlicedWindowOperator } from "../operators/window/sliced-window-operator.ts";
import { isSliced } from "../operators/window/slicing.ts";
import type { WindowFolding, WindowOperator, WindowSettings } from "../operators/window/window-operator.ts";
import { listSerializer } from "../state/state-handles.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Serializer, Type } from "../types/type.ts";
import type { OperatorRuntimeContext } from "./runtime-context.ts";

export interface CreatedOperator {
  readonly operator: BaseOperator;
  readonly binding: OperatorBinding;
}

/** The host of every kind of operator: sources and sinks need more than the others. */
export type AnyOperatorHost = SourceHost & SinkHost & TimestampsHost & { readonly context: OperatorRuntimeContext };

export function createOperator(plan: ChainedOperator, host: AnyOperatorHost): CreatedOperator {
  host.context.bindFunctionStates(new FunctionStates(host));
  const created = createFromSpec(plan, host);
  host.context.bindTable(created.operator.table);
  return created;
}

function createFromSpec(plan: ChainedOperator, host: AnyOperatorHost): CreatedOperator {
  const { spec } = plan;
  switch (spec.kind) {
    case "source": {
      const operator = new SourceOperator(host, spec);
      return bind(plan, operator, undefined, [], spec.strategy.timestampAssigner);
    }
    case "timestamps":
      return bind(plan, new TimestampsOperator(host, spec), undefined, [], spec.strategy.timestampAssigner);
    case "map":
    case "filter":
    case "flatMap":
    case "process": {
      const fn = cloneFunction<unknown>(spec.fn, plan.name);
      const key = keySelectorOf(spec, 0);
      if (key !== undefined) return bind(plan, new KeyedFunctionOperator(host, fn), fn, [key]);
      return bind(plan, new FunctionOperator(host, fn), fn, []);
    }
    case "keyedProcess": {
      const fn = cloneFunction<unknown>(spec.fn, plan.name);
      return bind(plan, new KeyedFunctionOperator(host, fn), fn, [spec.key]);
    }
    case "keyedReduce": {
      const fn = cloneFunction<unknown>(spec.fn, plan.name);
      return bind(plan, new ReduceOperator(host, fn, serializerOf(spec.type)), fn, [spec.key]);
    }
    case "co": {
      const fn = cloneFunction<unknown>(spec.fn, plan.name);
      const operator = spec.keys === undefined ? new FunctionOperator(host, fn) : new KeyedFunctionOperator(host, fn);
      return bind(plan, operator, fn, spec.keys ?? []);
    }
    case "intervalJoin": {
      const fn = cloneFunction<unknown>(spec.fn, plan.name);
      const [left, right] = spec.types;
      const serializers = [serializerOf(left), serializerOf(right)] as const;
      return bind(plan, new IntervalJoinOperator(host, fn, { ...spec, serializers }), fn, spec.keys);
    }
    case "transform":
      return bind(plan, spec.create(host), undefined, spec.keys);
    case "window":
      return createWindow(plan, spec, host);
    case "sink":
      return bind(plan, new SinkOperator(host, spec), undefined, []);
    default:
      return unreachable(spec);
  }
}

function createWindow(plan: ChainedOperator, spec: WindowSpec, host: OperatorHost): CreatedOperator {
  const fold = spec.fold.kind === "aggregate" ? cloneFunction(spec.fold.aggregate, plan.name) : undefined;
  const emit = spec.emit.kind === "value" ? undefined : cloneFunction<unknown>(spec.emit.fn, plan.name);
  const folding: WindowFolding = foldingOf(spec.fold, fold);
  const fn = {
    fold: fold ?? (spec.fold.kind === "reduce" ? spec.fold.fn : undefined),
    emit,
    copy: spec.fold.kind === "aggregate" ? copierOf(spec.fold.accumulatorType) : undefined,
  };
  const settings = { folding, allowedLatenessMs: spec.allowedLatenessMs, emitFunction: emit };
  return bind(plan, windowOperatorOf(spec, host, settings), fn, [spec.key]);
}

function windowOperatorOf(spec: WindowSpec, host: OperatorHost, settings: WindowSettings): WindowOperator {
  const { assigner } = spec;
  if (assigner.kind === "session" || (assigner.kind === "sliding" && !isSliced(spec))) {
    return new PaneWindowOperator(host, settings, assigner);
  }
  const slideMs = assigner.kind === "sliding" ? assigner.slideMs : assigner.sizeMs;
  return new SlicedWindowOperator(host, settings, new SliceGrid(assigner.sizeMs, slideMs, assigner.offsetMs));
}

function copierOf(type: Type<unknown> | undefined): (value: unknown) => unknown {
  const declared = type ?? learnedType<unknown>();
  return (value) => declared.copy(value);
}

function foldingOf(
  fold: WindowFold,
  aggregate: Extract<WindowFold, { kind: "aggregate" }>["aggregate"] | undefined,
): WindowFolding {
  switch (fold.kind) {
    case "aggregate":
      return {
        createAccumulator: () => aggregate!.createAccumulator(),
        add: (value, accumulator) => aggregate!.add(value, accumulator),
        merge: aggregate!.merge === undefined ? undefined : (left, right) => aggregate!.merge!(left, right),
        serializer: serializerOf(fold.accumulatorType),
      };
    case "reduce":
      return {
        createAccumulator: undefined,
        add: (value, accumulator) => fold.fn(accumulator, value),
        merge: fold.fn,
        serializer: serializerOf(fold.type),
      };
    case "list":
      return {
        createAccumulator: () => [],
        add: (value, accumulator) => {
          (accumulator as unknown[]).push(value);
          return accumulator;
        },
        merge: (left, right) => {
          for (const value of right as unknown[]) (left as unknown[]).push(value);
          return left;
        },
        serializer: listSerializer(serializerOf(fold.type)),
      };
    default:
      return unreachable(fold);
  }
}

function serializerOf(type: Type<unknown> | undefined): Serializer<unknown> {
  return (type ?? learnedType<unknown>()).serializer;
}

function bind(
  plan: ChainedOperator,
  operator: BaseOperator,
  fn: unknown,
  keys: readonly (KeySelector<unknown, unknown> | undefined)[],
  timestampOf?: (value: unknown, timestampMs: number) => number,
): CreatedOperator {
  return { operator, binding: { operator, fn, keys, timestampOf, ...rejections(plan) } };
}

function rejections(plan: ChainedOperator): Pick<OperatorBinding, "rejectPromise" | "checkFilter" | "rejectTimestamp"> {
  const where = { operator: plan.name, uid: plan.uid, at: plan.callSite };
  return {
    rejectPromise: (method) => {
      throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
        what: `The ${method} function returned a Promise`,
        where,
        expected: "a plain value: functions on the data path are synchronous",
        todo: "Do the waiting in mapAsync or flatMapAsync, or look the data up before the job starts",
      });
    },
    checkFilter: (returned) => {
      if (returned instanceof Promise) {
        throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
          what: "The filter function returned a Promise",
          where,
          expected: "true or false: functions on the data path are synchronous",
          todo: "Do the waiting in mapAsync or flatMapAsync, or look the data up before the job starts",
        });
      }
    },
    rejectTimestamp: (timestamp) => {
      throw new MillraceError("MR_TIMESTAMP_INVALID", {
        what: "The timestamp assigner returned no usable event time",
        where,
        found: typeof timestamp === "number" ? `${timestamp}` : typeof timestamp,
        expected: "epoch milliseconds",
        todo: "Let the timestamp assigner return epoch milliseconds",
      });
    },
  };
}
