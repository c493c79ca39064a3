import { MillraceError } from "../base/errors.ts";
import type { Serializer, Type } from "../types/type.ts";
import { type AsyncSinkClient, type AsyncSinkLimits, AsyncSinkWriter } from "./async-sink-writer.ts";
import {
  AIMDScalingStrategy,
  CongestionControlRateLimitingStrategy,
  type RateLimitingStrategy,
} from "./rate-limiting.ts";
import type { Sink, SinkWriteContext, WriterInitContext } from "./sink.ts";

const DEFAULT_LIMITS: AsyncSinkLimits = {
  maxBatchSize: 500,
  maxBatchSizeInBytes: 5 * 1024 * 1024,
  maxInFlightRequests: 50,
  maxBufferedRequests: 10_000,
  maxTimeInBufferMs: 5000,
  maxRecordSizeInBytes: 1024 * 1024,
};

/**
 * The base of sinks that send batches to a service and do not wait for its answers: batches by count, bytes and time, a
 * limit of requests on their way, and another try for entries that the service refused, at a rate that gives way when it
 * refuses some.
 *
 * At least once: entries that no answer has confirmed are in every checkpoint and are sent again after a restore. Into a
 * service that overwrites by key the result is the same as exactly once, see the guide to sinks.
 *
 * @example
 * class TableSink extends AsyncSinkBase<Total, Total> {
 *   constructor() {
 *     super("table", Total, { maxBatchSize: 100, maxInFlightRequests: 1 });
 *   }
 *   createClient(): AsyncSinkClient<Total> {
 *     return { submit: async (totals) => (await table.upsert(totals)).refused };
 *   }
 *   toEntry(total: Total): Total {
 *     return total;
 *   }
 *   sizeInBytes(total: Total): number {
 *     return total.user.length + 8;
 *   }
 * }
 * @public
 */
export abstract class AsyncSinkBase<T, EntryT> implements Sink<T, never, EntryT> {
  readonly description: Sink<T>["description"];
  readonly writerStateSerializer: Serializer<EntryT>;
  readonly #limits: AsyncSinkLimits;

  /**
   * @param kind - What plans call the sink.
   * @param entryType - What entries are, for checkpoints.
   * @throws MillraceError `MR_SINK_OPTION_INVALID`
   */
  constructor(kind: string, entryType: Type<EntryT>, limits: Partial<AsyncSinkLimits> = {}) {
    const all: AsyncSinkLimits = { ...DEFAULT_LIMITS, ...limits };
    checkLimits(kind, all);
    this.description = { kind, options: { ...all } };
    this.writerStateSerializer = entryType.serializer;
    this.#limits = all;
  }

  abstract createClient(context: WriterInitContext): AsyncSinkClient<EntryT>;
  abstract toEntry(value: T, context: SinkWriteContext): EntryT;
  abstract sizeInBytes(entry: EntryT): number;

  /** How much may be on its way. Override it for another strategy than additive increase and multiplicative decrease. */
  createRateLimitingStrategy(): RateLimitingStrategy {
    const { maxBatchSize, maxInFlightRequests } = this.#limits;
    return new CongestionControlRateLimitingStrategy({
      maxInFlightRequests,
      initialMaxInFlightMessages: maxBatchSize,
      scalingStrategy: new AIMDScalingStrategy({ rateThreshold: maxBatchSize * maxInFlightRequests }),
    });
  }

  createWriter(context: WriterInitContext, restored: readonly EntryT[]): AsyncSinkWriter<T, EntryT> {
    const options = {
      uid: context.uid,
      clock: context.platform.clock,
      limits: this.#limits,
      client: this.createClient(context),
      rateLimiting: this.createRateLimitingStrategy(),
      toEntry: (value: T, write: SinkWriteContext) => this.toEntry(value, write),
      sizeInBytes: (entry: EntryT) => this.sizeInBytes(entry),
    };
    return new AsyncSinkWriter<T, EntryT>(options, restored);
  }
}

function checkLimits(kind: string, limits: AsyncSinkLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw invalid(kind, `${name} ${value}`, "a whole number of at least 1");
  }
  const { maxBatchSize, maxBufferedRequests } = limits;
  if (maxBufferedRequests < maxBatchSize)
    throw invalid(kind, `maxBufferedRequests ${maxBufferedRequests}`, `at least maxBatchSize ${maxBatchSize}`);
}

function invalid(kind: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_SINK_OPTION_INVALID", {
    what: `The sink "${kind}" cannot work with these limits`,
    found,
    expected,
    todo: "Pass other limits to the constructor of AsyncSinkBase",
  });
}
