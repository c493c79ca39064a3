/**
 * Scores advertisements with a model that is being trained at the same time: the trainer keeps its parameters in state and
 * broadcasts every new version to all subtasks that score.
 *
 *     millrace run examples/online-model/job.ts [--output DIRECTORY] [--impressions N] [--rate IMPRESSIONS_PER_SECOND]
 */
import { join } from "node:path";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  RESTART_STRATEGY_TYPE,
  type StreamExecutionEnvironment,
} from "millrace";
import { FeedbackType, feedbackAt, ImpressionType, impressionAt } from "./impressions.ts";
import { ModelType } from "./model.ts";
import { MODELS, Scorer, ScoreType } from "./scorer.ts";
import { Trainer } from "./trainer.ts";

export default function onlineModel(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/online-model");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const count = args.number("impressions", 6_000);
  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};

  // Learning depends on the order, so there is one reader and one trainer.
  const models = env
    .fromSource(
      DataGeneratorSource.of(feedbackAt, count, rate),
      { boundedOutOfOrderness: 0, timestamp: (feedback) => feedback.at },
      "feedback",
    )
    .setParallelism(1)
    .returns(FeedbackType)
    .keyBy(() => "clicks")
    .process(new Trainer())
    .setParallelism(1)
    .uid("trainer")
    .returns(ModelType);

  models
    .map(({ version, weights }) => `model ${version}: ${weights.map((weight) => weight.toFixed(2)).join(" ")}`)
    .setParallelism(1)
    .print()
    .setParallelism(1);

  env
    .fromSource(
      DataGeneratorSource.of(impressionAt, count, rate),
      { boundedOutOfOrderness: 0, timestamp: (impression) => impression.at },
      "impressions",
    )
    .returns(ImpressionType)
    .keyBy((impression) => impression.user)
    .connect(models.broadcast(MODELS))
    .process(new Scorer())
    .uid("scorer")
    .returns(ScoreType)
    .sinkTo(FileSink.to(join(output, "scores"), jsonLines(ScoreType)))
    .name("scores")
    .uid("score-files");
}
