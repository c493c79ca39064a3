/**
 * Finds stolen cards: a thief tries the data out with small payments before the large one.
 *
 *     millrace run examples/card-fraud/job.ts [--output DIRECTORY] [--payments N] [--rate PAYMENTS_PER_SECOND]
 */
import { join } from "node:path";
import { CEP } from "@millrace/cep";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  RESTART_STRATEGY_TYPE,
  type StreamExecutionEnvironment,
} from "millrace";
import { FraudAlerts, FraudType, fraud, SUSPICIONS, SuspicionType } from "./alerts.ts";
import { OUT_OF_ORDER_MAX_MS, PaymentType, paymentAt } from "./payments.ts";

export default function cardFraud(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/card-fraud");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};
  const payments = env
    .fromSource(
      DataGeneratorSource.of(paymentAt, args.number("payments", 30_000), rate),
      { boundedOutOfOrderness: OUT_OF_ORDER_MAX_MS, timestamp: (payment) => payment.at },
      "payments",
    )
    .returns(PaymentType);

  const frauds = CEP.pattern(
    payments.keyBy((payment) => payment.card),
    fraud,
  )
    .process(new FraudAlerts())
    .uid("fraud-pattern")
    .returns(FraudType);

  frauds
    .sinkTo(FileSink.to(join(output, "frauds"), jsonLines(FraudType)))
    .name("frauds")
    .uid("fraud-files");
  frauds
    .getSideOutput(SUSPICIONS)
    .sinkTo(FileSink.to(join(output, "suspicions"), jsonLines(SuspicionType)))
    .name("suspicions")
    .uid("suspicion-files");
  frauds
    .map(({ card, at, cents }) => `${new Date(at).toISOString()} card ${card}: ${(cents / 100).toFixed(2)}`)
    .print();
}
