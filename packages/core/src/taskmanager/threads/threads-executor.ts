/** A task executor whose slots are threads of this process. */
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
    const restoreOf: RestoreOf =
      restore === undefined ? () => undefined : await this.#options.readRestore(restore, tasks);
    return ThreadsDeployment.deploy({ ...this.#options, deployment, restoreOf, listener });
  }
}
