/** Looks names up in a file that the job was given. */
import { readFileSync } from "node:fs";
import {
  DiscardingSink,
  type JobArguments,
  type MapFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
} from "millrace";

class Names implements MapFunction<number, string> {
  private names: readonly string[] = [];

  open(context: RuntimeContext): void {
    this.names = readFileSync(context.getDistributedCache().getFile("names"), "utf8").trim().split("\n");
  }

  map(n: number): string {
    return this.names[n % this.names.length]!;
  }
}

class Counted implements MapFunction<string, string> {
  private context!: RuntimeContext;

  open(context: RuntimeContext): void {
    this.context = context;
  }

  map(name: string): string {
    this.context.getIntCounter(name).add(1);
    return name;
  }
}

export default function job(env: StreamExecutionEnvironment, args: JobArguments): void {
  env.registerCachedFile(args.get("names"), "names");
  env
    .fromSequence(0, 29)
    .map(new Names())
    .keyBy((name) => name)
    .map(new Counted())
    .sinkTo(DiscardingSink.of());
}
