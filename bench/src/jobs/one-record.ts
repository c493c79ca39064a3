import type { PipelineEnvironment } from "millrace";

/** The smallest job: what `bench all` starts to see how long a command takes until its job has finished. @internal */
export default function build(env: PipelineEnvironment): void {
  env.fromData(["one record"]).print();
}
