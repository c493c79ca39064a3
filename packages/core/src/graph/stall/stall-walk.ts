/**
 * The way from an operator that waits to what holds it back. One walk is for one question: where it has been it does not
 * come again, so it ends whatever the reports say.
 *
 * - S1. From an operator the walk goes to the input that holds its watermark back, and from a gate to such a channel: never
 *   to one that is above the minimum.
 * - S2. What is still in a channel is the reason only when it can bring the watermark that is waited for: the channel has to
 *   be read empty, or its producer has not come that far either, before the walk goes on to the subtask at its other end.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import { subtaskKey } from "../subtask-id.ts";
import * as causes from "./causes.ts";
import type { ChannelReport, GateReport, SubtaskReport } from "./job-report.ts";
import { holdingInput, type OperatorAt, type ReportedJob, type SourceAt } from "./reported-job.ts";
import type { StallCause, StallHop } from "./stall-explanation.ts";

/** A split that has had no record for less than this is not called silent. */
const SILENT_MS_MIN = 1000;

export class StallWalk {
  readonly #job: ReportedJob;
  readonly #neededMs: number | undefined;
  readonly #visited = new Set<string>();
  readonly path: StallHop[] = [];

  /** @param neededMs - The watermark that is waited for; undefined when it is not about event time. */
  constructor(job: ReportedJob, neededMs: number | undefined) {
    this.#job = job;
    this.#neededMs = neededMs;
  }

  /** Why the watermark of an operator is where it is. */
  upstream(at: OperatorAt): StallCause {
    const job = this.#job;
    const place = job.placeOf(at);
    const subtask = job.subtask(at);
    const watermarkMs = job.operator(at)?.watermarkMs ?? MIN_WATERMARK;
    this.path.push({ at: place, watermarkMs: watermarkMs === MIN_WATERMARK ? undefined : watermarkMs });
    if (subtask === undefined) return causes.noAnswer(place, job.silentSlotOf(at));
    const report = subtask.operators[at.operator];
    if (!subtask.isRunning || report === undefined) return causes.notStarted(place);
    if (!this.#enter(`up:${subtaskKey(at)}/${at.operator}`)) return causes.busy(place);
    const source = job.source(at);
    if (source !== undefined) return this.source(source);
    const { inputs, spec } = job.vertex(at).operators[at.operator]!;
    if (spec.kind === "timestamps") return this.#ownTimestamps(at, subtask);
    const { requests, loop } = report.waiting;
    const reported = inputs.map((input, slot) =>
      input.kind === "gate" ? subtask.gates[input.gate] : report.inputs[slot],
    );
    const known = reported.map((input) => input ?? { status: "active" as const, watermarkMs: MIN_WATERMARK });
    const slot = holdingInput(known);
    const comesTo = slot === undefined ? MAX_WATERMARK : known[slot]!.watermarkMs;
    if (comesTo > watermarkMs && requests !== undefined) return causes.asyncRequests(place, requests);
    if (comesTo > watermarkMs && loop !== undefined) return causes.iteration(place, loop.waiting);
    if (slot === undefined) return this.heldUp(subtask);
    const input = inputs[slot]!;
    if (input.kind === "fused") return this.upstream({ ...at, operator: input.from });
    const gate = subtask.gates[input.gate];
    return gate === undefined ? causes.notStarted(place) : this.#gate(subtask, gate);
  }

  /** S1 and S2. */
  #gate(subtask: SubtaskReport, gate: GateReport): StallCause {
    const index = holdingInput(gate.channels);
    const channel = index === undefined ? undefined : gate.channels[index]!;
    if (channel === undefined) return this.heldUp(subtask);
    if (channel.isBlocked) return this.#barrier(subtask);
    const producer = this.#job.producerOf(gate.edge, channel.producer);
    const sent = this.#job.operator(producer)?.watermarkMs;
    const canSuffice = sent === undefined || this.#neededMs === undefined || sent >= this.#neededMs;
    if (channel.hasNext && canSuffice) return this.heldUp(subtask);
    if (sent !== undefined && canSuffice && sent > channel.watermarkMs && channel.status === "active") {
      return causes.inTransit(this.#job.placeOf(producer), sent);
    }
    return this.upstream(producer);
  }

  /** Why a source is no further. */
  source({ at, place, spec, subtask, operator, reader }: SourceAt): StallCause {
    const { strategy, source } = spec;
    const isForTime = this.#neededMs !== undefined && this.#neededMs < MAX_WATERMARK;
    if (reader.hasEnded) return causes.inTransit(place, MAX_WATERMARK);
    if (isForTime && strategy.kind === "none") return causes.noWatermarks(place);
    if (reader.isStopped) return causes.stopping(place);
    if (reader.isBlocked) return this.#barrier(subtask);
    if (subtask.isBackPressured || subtask.operators.some((each) => !each.isAvailable)) return this.heldUp(subtask);
    const held = { at, place, spec, subtask, operator, reader };
    if (reader.isAligning) return this.#aligned(held, []);
    const cause = this.#splits(held);
    const isBounded = source.boundedness === "bounded";
    const isForEnd = this.#neededMs === MAX_WATERMARK;
    return isForEnd && (!isBounded || cause.kind === "behind") ? causes.notEnded(place, !isBounded) : cause;
  }

  #splits(held: SourceAt): StallCause {
    const { place, spec, operator, reader } = held;
    const { idlenessMs, outOfOrdernessMs, kind } = spec.strategy;
    const active = reader.splits.filter((split) => !split.isIdle);
    if (reader.isIdle) {
      const all = reader.splits.map(({ splitId }) => splitId);
      return causes.allIdle(place, all);
    }
    if (active.length === 0) return this.#withoutSplits(held);
    const lowestMs = Math.min(...active.map((split) => split.watermarkMs));
    const lowest = active.filter((split) => split.watermarkMs === lowestMs);
    const splits = lowest.map(({ splitId }) => splitId);
    if (lowest.every((split) => split.isPaused)) return this.#aligned(held, splits);
    const unread = lowest.filter((split) => split.silentMs === undefined).map(({ splitId }) => splitId);
    if (unread.length > 0) return causes.noRecordYet(place, unread, idlenessMs);
    const silentMs = Math.max(...lowest.map((split) => split.silentMs ?? 0));
    if (silentMs >= SILENT_MS_MIN) return causes.silent(place, splits, silentMs, idlenessMs);
    if (kind === "custom") return causes.generator(place, splits, lowestMs);
    return causes.behind(place, {
      splits,
      watermarkMs: operator.watermarkMs,
      delayMs: outOfOrdernessMs,
      records: operator.recordsOut,
    });
  }

  /** Splits are known from their first record on: one that has had none may be there all the same. */
  #withoutSplits(held: SourceAt): StallCause {
    const counts = this.#job.readerCounts(held);
    const { place, spec, operator } = held;
    if (operator.recordsOut === 0 && counts !== undefined && counts.assignedCount > 0 && !counts.isAsking) {
      return causes.noRecordYet(place, [], spec.strategy.idlenessMs);
    }
    return causes.noSplit(place, counts?.isAsking === true);
  }

  /** The source is paused: what the slowest of its group waits for is the reason. */
  #aligned({ at, place, spec }: SourceAt, splits: readonly string[]): StallCause {
    const aligned = spec.strategy.alignment!;
    const members = this.#job.alignmentGroup(aligned.group)?.members ?? [];
    const others = members.filter(({ uid, subtaskIndex }) => uid !== place.uid || subtaskIndex !== at.subtaskIndex);
    const lowestMs = Math.min(...others.map((member) => member.watermarkMs));
    const slowest = others.find((member) => member.watermarkMs === lowestMs && lowestMs < MAX_WATERMARK);
    const slowestAt = slowest && this.#job.sourceWithUid(slowest.uid, slowest.subtaskIndex);
    const because =
      slowestAt !== undefined && this.#enter(`aligned:${subtaskKey(slowestAt)}/${slowestAt.operator}`)
        ? this.#memberOf(slowestAt)
        : undefined;
    return causes.alignment(place, splits, aligned, because);
  }

  #memberOf(at: OperatorAt): StallCause {
    const source = this.#job.source(at);
    if (source !== undefined) return this.source(source);
    const place = this.#job.placeOf(at);
    return this.#job.subtask(at) === undefined
      ? causes.noAnswer(place, this.#job.silentSlotOf(at))
      : causes.notStarted(place);
  }

  /** The operator makes its watermarks from the records that come to it: when none come, look at where they come from. */
  #ownTimestamps(at: OperatorAt, subtask: SubtaskReport): StallCause {
    const place = this.#job.placeOf(at);
    const { watermarkMs, recordsIn } = subtask.operators[at.operator]!;
    const { spec } = this.#job.vertex(at).operators[at.operator]!;
    const strategy = spec.kind === "timestamps" ? spec.strategy : undefined;
    if (subtask.isBackPressured || subtask.operators.some((each) => !each.isAvailable)) return this.heldUp(subtask);
    // Its own watermark is held back by its records, not by what the source says about time.
    const input = new StallWalk(this.#job, undefined);
    for (const source of this.#sourcesAbove(at)) {
      const cause = input.source(source);
      if (cause.kind !== "behind" && cause.kind !== "generator" && cause.kind !== "inTransit") return cause;
    }
    if (strategy?.kind === "none") return causes.noWatermarks(place);
    if (recordsIn > 0 && strategy?.kind === "custom") return causes.generator(place, [], watermarkMs);
    return causes.behind(place, {
      splits: [],
      watermarkMs,
      delayMs: strategy?.outOfOrdernessMs ?? 0,
      records: recordsIn,
    });
  }

  /** The sources that an operator's records may come from, all subtasks of each. */
  *#sourcesAbove(at: OperatorAt): Iterable<SourceAt> {
    const { graph } = this.#job;
    const seen = new Set<number>();
    const left = [at.vertexId];
    for (let vertexId = left.pop(); vertexId !== undefined; vertexId = left.pop()) {
      if (seen.has(vertexId)) continue;
      seen.add(vertexId);
      const vertex = graph.vertices[vertexId]!;
      left.push(...vertex.gates.map((edge) => graph.edges[edge]!.source));
      for (const { index, spec } of vertex.operators) {
        if (spec.kind !== "source") continue;
        for (const each of this.#job.allOf(vertex, index)) {
          const source = this.#job.source(each);
          if (source !== undefined) yield source;
        }
      }
    }
  }

  /** Why a subtask does not take what is there for it. */
  heldUp(subtask: SubtaskReport): StallCause {
    const job = this.#job;
    const place = job.placeOfTask(subtask);
    if (!this.#enter(`held:${subtaskKey(subtask)}`)) return causes.busy(place);
    if (!subtask.isRunning) return causes.notStarted(place);
    const waiting = subtask.operators.findIndex((each) => !each.isAvailable);
    if (waiting >= 0) return this.#unavailable({ ...subtask, operator: waiting });
    for (const { edge, consumers } of subtask.full) {
      const vertexId = job.graph.edges[edge]!.target;
      for (const subtaskIndex of consumers) {
        const at = { vertexId, subtaskIndex };
        const consumer = job.subtask(at);
        if (consumer === undefined) {
          return causes.backPressure(place, causes.noAnswer(job.placeOfTask(at), job.silentSlotOf(at)));
        }
        return causes.backPressure(place, this.#consumer(consumer, edge, subtask.subtaskIndex));
      }
    }
    return causes.busy(place);
  }

  /** Why the subtask at the other end of a full channel does not read it. */
  #consumer(consumer: SubtaskReport, edge: number, producer: number): StallCause {
    const gate = consumer.gates.find((each) => each.edge === edge);
    const channel: ChannelReport | undefined = gate?.channels.find((each) => each.producer === producer);
    return channel?.isBlocked === true ? this.#barrier(consumer) : this.heldUp(consumer);
  }

  #unavailable(at: OperatorAt): StallCause {
    const { waiting } = this.#job.operator(at)!;
    const place = this.#job.placeOf(at);
    if (waiting.requests !== undefined) return causes.asyncRequests(place, waiting.requests);
    if (waiting.loop !== undefined) return causes.iteration(place, waiting.loop.waiting);
    const { spec } = this.#job.vertex(at).operators[at.operator]!;
    return spec.kind === "sink" ? causes.slowSink(place) : causes.busy(place);
  }

  /** Why the barriers that a subtask waits for have not come. */
  #barrier(subtask: SubtaskReport): StallCause {
    const place = this.#job.placeOfTask(subtask);
    if (subtask.alignment === undefined || !this.#enter(`barrier:${subtaskKey(subtask)}`)) return causes.busy(place);
    const { checkpointId, missing } = subtask.alignment;
    return causes.barrier(place, checkpointId, this.#missingBarrier(subtask, checkpointId, missing));
  }

  /** Why a subtask has not acknowledged a checkpoint. */
  checkpoint(subtask: SubtaskReport, checkpointId: number): StallCause {
    const isAligning = subtask.alignment?.checkpointId === checkpointId;
    return isAligning ? this.#barrier(subtask) : this.#withoutBarrier(subtask, checkpointId);
  }

  /** Where a barrier is that has not come to a subtask. */
  #missingBarrier(
    subtask: SubtaskReport,
    checkpointId: number,
    missing: NonNullable<SubtaskReport["alignment"]>["missing"],
  ): StallCause {
    const [first] = missing;
    const gate = first && subtask.gates[first.gate];
    const channel = first && gate?.channels[first.channel];
    if (gate === undefined || channel === undefined || channel.hasNext) return this.heldUp(subtask);
    const producer = this.#job.producerOf(gate.edge, channel.producer);
    const above = this.#job.subtask(producer);
    if (above === undefined) return causes.noAnswer(this.#job.placeOfTask(producer), this.#job.silentSlotOf(producer));
    return this.checkpoint(above, checkpointId);
  }

  /** Nothing of the checkpoint has come to the subtask: its barrier is further up, or waits for the subtask. */
  #withoutBarrier(subtask: SubtaskReport, checkpointId: number): StallCause {
    const all = subtask.gates.flatMap(({ channels }, gate) =>
      channels.map((each, channel) => ({ ...each, gate, channel })),
    );
    const isRead = all.length > 0 && all.every((channel) => !channel.hasNext);
    if (subtask.isBackPressured || !isRead || !this.#enter(`without:${subtaskKey(subtask)}`))
      return this.heldUp(subtask);
    return this.#missingBarrier(subtask, checkpointId, all);
  }

  /** False when the walk has been there. */
  #enter(name: string): boolean {
    if (this.#visited.has(name)) return false;
    this.#visited.add(name);
    return true;
  }
}
