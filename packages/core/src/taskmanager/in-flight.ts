/**
 * The elements between subtasks as checkpoints see them: which channels of a subtask can be captured, and where the elements
 * of a restored checkpoint go.
 *
 * - Q1. Every restored record goes to exactly one subtask of the operator it was on its way to, whatever the parallelism is now:
 *   each subtask looks at the records that it may get, and keeps those that its edge would bring it.
 * - Q2. Records that were in one channel and come to the same subtask are in one channel again, in their order.
 * - Q3. An edge that is fused now has no channel: its records enter the chain behind the edge.
 * - Q4. Watermarks stay only where every channel is what it was. Elsewhere a producer says anew how far it is.
 */

import type { ChainEntry } from "../codegen/chain-source.ts";
import { type ChannelPlace, type ChannelState, decodeChannels } from "../exchange/channel-state.ts";
import { LocalChannel } from "../exchange/local-channel.ts";
import { edgeKeysOf } from "../graph/edge-keys.ts";
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import { keySelectorOf } from "../operators/operator-spec.ts";
import type { OperatorRestore } from "../task/chain.ts";
import type { CapturedChannel } from "../task/channel-capture.ts";
import { hashKey, keyGroup, subtaskForKeyGroup } from "../types/key-encoding.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Serializer } from "../types/type.ts";
import type { GateChannel } from "./slot-channels.ts";

/** What a subtask's checkpoints and its chain have to know of what is in flight. */
export interface SubtaskInFlight {
  /** By gate, then producer; undefined where barriers are always waited for. */
  readonly captured: readonly (readonly (CapturedChannel | undefined)[])[];
  /** Fused edges with restored records, and the records. */
  readonly entries: readonly CapturedChannel[];
  readonly chainEntries: readonly ChainEntry[];
}

/** Of the records on an edge. A learned codec is a channel's own, because what it has learned belongs to one stream. */
export function serializerOf(edge: JobEdge | undefined): Serializer<unknown> {
  return (edge?.type ?? learnedType<unknown>()).serializer;
}

/**
 * Whether the edge's barriers are always waited for. Broadcast records are the same in all channels of a producer, and each
 * of its consumers may have taken another part of them: at another parallelism nobody could say what a new one has to get.
 */
function isAlwaysAligned(edge: JobEdge): boolean {
  return edge.partitioning.kind === "broadcast";
}

/**
 * Says which channels of a subtask can be captured, and puts the restored elements into them.
 * @throws MillraceError `MR_DATA_CORRUPT`, `MR_STATE_SCHEMA_INCOMPATIBLE`
 */
export function inFlightOf(
  graph: JobGraph,
  vertex: JobVertex,
  subtaskIndex: number,
  gates: readonly (readonly GateChannel[])[],
  restore: ReadonlyMap<string, OperatorRestore> | undefined,
): SubtaskInFlight {
  const captured: (readonly (CapturedChannel | undefined)[])[] = gates.map(() => []);
  const entries: CapturedChannel[] = [];
  const chainEntries: ChainEntry[] = [];
  for (const operator of vertex.operators) {
    const keys = edgeKeysOf(graph, vertex, operator);
    const states = (restore?.get(operator.uid)?.channels ?? []).flatMap((bytes) => decodeChannels(bytes));
    for (const [index, input] of operator.inputs.entries()) {
      const own = states.filter(({ place }) => place.edge === keys[index]);
      const edge = input.kind === "gate" ? graph.edges[vertex.gates[input.gate]!]! : undefined;
      const target = new RestoreTarget(vertex, operator, input.input, edge, subtaskIndex);
      if (input.kind === "gate") {
        const { gate } = input;
        const producerCount = graph.vertices[edge!.source]!.parallelism;
        captured[gate] = gates[gate]!.map(({ reader, producer }) =>
          isAlwaysAligned(edge!)
            ? undefined
            : {
                reader,
                operatorUid: operator.uid,
                serializer: serializerOf(edge),
                place: target.place(keys[index]!, producer, producerCount),
              },
        );
        for (const state of own) target.restoreToGate(state, gates[gate]!, producerCount);
        continue;
      }
      for (const state of own) {
        const reader = new LocalChannel();
        target.restoreRecords(state, reader);
        if (reader.restoredCount === 0) continue;
        const { producer, producerCount } = state.place;
        const place = target.place(keys[index]!, producer, producerCount);
        entries.push({ reader, operatorUid: operator.uid, serializer: serializerOf(undefined), place });
        chainEntries.push({ operator: operator.index, input: input.input });
      }
    }
  }
  return { captured, entries, chainEntries };
}

/** One input of an operator in one subtask, as the end of an edge. */
class RestoreTarget {
  readonly #vertex: JobVertex;
  readonly #edge: JobEdge | undefined;
  readonly #subtaskIndex: number;
  readonly #keyOf: ((value: unknown) => unknown) | undefined;

  constructor(
    vertex: JobVertex,
    operator: ChainedOperator,
    input: number,
    edge: JobEdge | undefined,
    subtaskIndex: number,
  ) {
    this.#vertex = vertex;
    this.#edge = edge;
    this.#subtaskIndex = subtaskIndex;
    const partitioning = edge?.partitioning;
    this.#keyOf = keySelectorOf(operator.spec, input) ?? (partitioning?.kind === "hash" ? partitioning.key : undefined);
  }

  place(edge: string, producer: number, producerCount: number): ChannelPlace {
    return { edge, producer, producerCount, consumer: this.#subtaskIndex, consumerCount: this.#vertex.parallelism };
  }

  restoreToGate(state: ChannelState, channels: readonly GateChannel[], producerCount: number): void {
    const { place } = state;
    const same =
      place.producerCount === producerCount ? channels.find((each) => each.producer === place.producer) : undefined;
    const { reader } = same ?? channels[place.producer % channels.length]!;
    const isUnchanged = same !== undefined && place.consumerCount === this.#vertex.parallelism;
    this.restoreRecords(state, reader, isUnchanged);
  }

  /** Q1, Q4. */
  restoreRecords(state: ChannelState, reader: GateChannel["reader"], keepsWatermarks: boolean = false): void {
    const isOwn = this.#filterOf(state.place);
    state.read(
      serializerOf(this.#edge),
      (value, timestampMs) => {
        if (isOwn(value)) reader.restoreRecord(value, timestampMs);
      },
      (timestampMs) => {
        if (keepsWatermarks && state.place.consumer === this.#subtaskIndex) reader.restoreWatermark(timestampMs);
      },
    );
  }

  #filterOf(place: ChannelPlace): (value: unknown) => boolean {
    const { parallelism, maxParallelism } = this.#vertex;
    const own = this.#subtaskIndex;
    const keyOf = this.#keyOf;
    const partitioning = this.#edge?.partitioning;
    if (place.consumerCount === parallelism) return () => place.consumer === own;
    if (parallelism === 1) return () => true;
    if (keyOf !== undefined) {
      return (value) =>
        subtaskForKeyGroup(keyGroup(hashKey(keyOf(value)), maxParallelism), maxParallelism, parallelism) === own;
    }
    if (partitioning?.kind === "custom") {
      return (value) => partitioning.partition(partitioning.key(value), parallelism) === own;
    }
    if (partitioning?.kind === "global") return () => own === 0;
    // Any subtask will do; the records of one channel stay together.
    return () => place.consumer % parallelism === own;
  }
}
