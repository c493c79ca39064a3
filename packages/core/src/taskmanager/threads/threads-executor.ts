/** A task executor whose slots are threads of this process. */

import { slotsOf } from "../slot-layout.ts";
import type { DeployedTasks, DeploymentListener, ExecutorDeployment, TaskExecutor } from "../task-executor.ts";
import { ThreadsDeployment } from "./threads-deployment.ts";
import type { RestoreOf, ThreadsExecutorOptions } from "./threads-executor-options.ts";

export class ThreadsExecutor implements TaskExecutor {
  readonly #options: ThreadsExecutorOptions;

  constructor(options: ThreadsExecutorOptions) {
    this.#options = options;
  }

  get slots(): readonly number[] {
    return this.#options.threads.slots;
  }

  async deploy(deployment: ExecutorDeployment, listener: DeploymentListener): Promise<DeployedTasks> {
    const { restore, tasks } = deployment;
    const { graph, threads, readRestore } = this.#options;
    const reading: Promise<RestoreOf> =
      restore === undefined ? Promise.resolve(() => undefined) : readRestore(restore, tasks);
    // Threads that are missing load the job while its state is read.
    const [restoreOf] = await Promise.all([reading, threads.start(slotsOf(graph, tasks))]);
    return ThreadsDeployment.deploy({ ...this.#options, deployment, restoreOf, listener });
  }
}
