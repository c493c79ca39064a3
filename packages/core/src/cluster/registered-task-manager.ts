/** One TaskManager as the JobManager sees it, for as long as its session lasts. */
import { MillraceError } from "../base/errors.ts";
import type { RpcMethod, RpcTell } from "../rpc/rpc-method.ts";
import type { CallOptions, RpcSession } from "../rpc/rpc-session.ts";
import { taskManagerLost } from "./cluster-errors.ts";
import type { TaskManagerRegistration, TasksEvent } from "./cluster-messages.ts";

/** What is deployed to a TaskManager and hears from it. */
export interface RemoteDeployment {
  onEvent(event: TasksEvent): void;
  onStatistics(packed: Uint8Array): void;
  onLost(error: MillraceError): void;
}

export class RegisteredTaskManager {
  readonly id: string;
  readonly registration: TaskManagerRegistration;
  /** Epoch ms. */
  readonly registeredMs: number;
  readonly #session: RpcSession;
  readonly #deployments = new Map<string, RemoteDeployment>();
  #loss: MillraceError | undefined;

  constructor(id: string, registration: TaskManagerRegistration, session: RpcSession, registeredMs: number) {
    this.id = id;
    this.registration = registration;
    this.registeredMs = registeredMs;
    this.#session = session;
  }

  /** Why it is gone; undefined while it is there. */
  get loss(): MillraceError | undefined {
    return this.#loss;
  }

  /** When it was heard of, last, in monotonic milliseconds. */
  get lastHeardMs(): number {
    return this.#session.lastHeardMs;
  }

  is(session: RpcSession): boolean {
    return this.#session === session;
  }

  add(deploymentId: string, deployment: RemoteDeployment): void {
    this.#deployments.set(deploymentId, deployment);
  }

  remove(deploymentId: string): void {
    this.#deployments.delete(deploymentId);
  }

  /** Undefined when it is over: what is still said about it is nobody's. */
  deployment(deploymentId: string): RemoteDeployment | undefined {
    return this.#deployments.get(deploymentId);
  }

  /** @throws MillraceError `MR_TASKMANAGER_LOST` when it is gone, or goes before it answers; otherwise as `RpcSession.call` */
  async call<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    if (this.#loss !== undefined) throw this.#loss;
    try {
      return await this.#session.call(method, request, options);
    } catch (error) {
      if (this.#loss !== undefined) throw this.#loss;
      if (error instanceof MillraceError && error.code === "MR_RPC_CONNECTION_LOST") throw this.#lossOf(error);
      throw error;
    }
  }

  tell<Message>(tell: RpcTell<Message>, message: Message): void {
    if (this.#loss === undefined) this.#session.tell(tell, message);
  }

  /** The session has ended. */
  lose(reason: MillraceError | undefined): void {
    this.#loss = this.#lossOf(reason);
    const deployments = [...this.#deployments.values()];
    this.#deployments.clear();
    for (const deployment of deployments) deployment.onLost(this.#loss);
  }

  /** Ends the session: the TaskManager does not do what it should. */
  giveUp(reason: MillraceError): void {
    this.#session.end(reason);
  }

  #lossOf(reason: MillraceError | undefined): MillraceError {
    return taskManagerLost(this.registration.name, this.registration.host, reason);
  }
}
