import {
  type BroadcastOnTimerContext,
  type Collector,
  type KeyedBroadcastContext,
  type KeyedBroadcastProcessFunction,
  type KeyedReadOnlyContext,
  type MapState,
  type MapStateDescriptor,
  mapState,
  type RuntimeContext,
  type Type,
  t,
} from "millrace";
import { type Impression, ImpressionType } from "./impressions.ts";
import { type Model, ModelType, predict } from "./model.ts";

/** How likely an impression is to be clicked, by which version of the model; version 0 knows nothing yet. */
export interface Score {
  id: number;
  version: number;
  probability: number;
}

export const ScoreType: Type<Score> = t.object({ id: t.int32, version: t.int32, probability: t.float64 });

/** The models by the time from which on each is used. Every subtask has all of them. */
export const MODELS: MapStateDescriptor<number, Model> = mapState("models", t.timestamp, ModelType);

/**
 * Scores impressions with the model of their time. The two inputs do not wait for each other, so an impression is kept until
 * the watermark, which is that of the slower input, has reached it: then every model up to its time is there, and the same
 * score comes out however the inputs were mixed.
 */
export class Scorer implements KeyedBroadcastProcessFunction<number, Impression, Model, Score> {
  private waiting!: MapState<number, Impression[]>;

  open(context: RuntimeContext): void {
    this.waiting = context.getMapState(mapState("waiting", t.timestamp, t.array(ImpressionType)));
  }

  processElement(impression: Impression, context: KeyedReadOnlyContext<number>): void {
    this.waiting.put(impression.at, [...(this.waiting.get(impression.at) ?? []), impression]);
    context.timerService.registerEventTimeTimer(impression.at);
  }

  onTimer(timeMs: number, context: BroadcastOnTimerContext<number>, out: Collector<Score>): void {
    const model = newestUntil(timeMs, context.getBroadcastState(MODELS).immutableEntries());
    for (const { id, features } of this.waiting.get(timeMs) ?? []) {
      out.collect({ id, version: model?.version ?? 0, probability: model ? predict(model, features) : 0.5 });
    }
    this.waiting.remove(timeMs);
  }

  processBroadcastElement(model: Model, context: KeyedBroadcastContext<number>): void {
    const models = context.getBroadcastState(MODELS);
    models.put(model.validFrom, model);
    // Of the models that the watermark has passed, the newest is still needed and no other.
    const current = newestUntil(context.currentWatermark(), models.immutableEntries());
    const outdated = [...models.entries()].map(([from]) => from).filter((from) => from < (current?.validFrom ?? 0));
    for (const from of outdated) models.remove(from);
  }
}

function newestUntil(timeMs: number, models: Iterable<[number, Model]>): Model | undefined {
  let newest: Model | undefined;
  for (const [from, model] of models) {
    if (from <= timeMs && from > (newest?.validFrom ?? Number.NEGATIVE_INFINITY)) newest = model;
  }
  return newest;
}
