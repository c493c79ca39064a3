/**
 * A slot's thread, from outside: starts it, hears from it, notices when it has died or does not answer, and says which
 * operator it was in.
 */

import { fromErrorMessage } from "../../base/error-message.ts";
import { MillraceError } from "../../base/errors.ts";
import { describeJobGraph, type JobPlan } from "../../graph/describe.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import { planDifference } from "../../graph/plan-difference.ts";
import type { SubtaskReport } from "../../graph/stall/job-report.ts";
import type { MetricSnapshot } from "../../metrics/metric-snapshot.ts";
import type { MergedAccumulator } from "../../operators/accumulators/merged-accumulators.ts";
import type { Cancel, Platform, StackFrame, WorkerHandle } from "../../platform/platform.ts";
import { subtasksOfSlot } from "../slot-layout.ts";
import { Questions } from "./questions.ts";
import { type BlockedPlace, blocked, diedOf, jobEnded, notClosed } from "./slot-errors.ts";
import type { AttemptMessage, FromSlot, SlotThreadInput, ToSlot } from "./slot-thread-messages.ts";

/** What a thread's owner hears. `onDead` is called once, whatever the thread died of; nothing is heard after it. */
export interface SlotThreadListener {
  onMessage(deploymentNumber: number, message: AttemptMessage): void;
  onDead(error: MillraceError): void;
  onWarning(text: string): void;
}

export interface SlotThreadOptions {
  readonly input: SlotThreadInput;
  /** The module whose `main` runs a slot's thread. */
  readonly mainUrl: string;
  /** See `SpawnOptions`. */
  readonly isSelfContained: boolean;
  readonly graph: JobGraph;
  readonly platform: Platform;
  readonly heapBytesMax: number | undefined;
  readonly blockedWarningMs: number;
  readonly blockedTimeoutMs: number;
  readonly cancellationTimeoutMs: number;
  readonly listener: SlotThreadListener;
}

/** A thread that is to cancel an attempt and does not answer for so long is ended. */
const CANCEL_ANSWER_MS = 5000;

/** What a thread is asked for and does not say within this time is not waited for. */
const ANSWER_MS = 2000;

export class SlotThread {
  readonly slot: number;
  /** Settles when the job is loaded and its graph is the right one. */
  readonly loaded: Promise<void>;
  readonly #options: SlotThreadOptions;
  readonly #worker: WorkerHandle;
  readonly #currentTasks: Int32Array;
  #settleLoaded: { resolve(): void; reject(error: Error): void } | undefined;
  /** Who waits for accumulators, by request. */
  readonly #merging = new Map<number, (merged: readonly MergedAccumulator[] | undefined) => void>();
  #requestCount = 0;
  #isLoaded = false;
  readonly #metrics: Questions<readonly MetricSnapshot[]>;
  readonly #descriptions: Questions<readonly SubtaskReport[]>;
  #isDead = false;
  /** Since when it is to cancel attempts, by their number, on the monotonic clock. */
  readonly #cancellingSinceMs = new Map<number, number>();
  #death: MillraceError | undefined;
  #watch: Cancel | undefined;
  #lastAnswerMs: number;
  #hasWarned = false;

  constructor(options: SlotThreadOptions) {
    this.#options = options;
    const { input, mainUrl, isSelfContained, platform, heapBytesMax } = options;
    this.#metrics = new Questions(platform.clock, ANSWER_MS);
    this.#descriptions = new Questions(platform.clock, ANSWER_MS);
    this.slot = input.slot;
    this.#currentTasks = new Int32Array(input.currentTasks);
    this.loaded = new Promise((resolve, reject) => {
      this.#settleLoaded = { resolve, reject };
    });
    // Whoever needs the thread awaits it; a thread that nobody waits for any more may fail unheard.
    this.loaded.catch(() => {});
    this.#worker = platform.workers.spawn(mainUrl, input, {
      name: `slot-${input.slot}`,
      isSelfContained,
      willImport: [input.module.url],
      ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
    });
    this.#worker.onMessage((message) => this.#onMessage(message as FromSlot));
    this.#worker.onExit((exitCode, failure) => this.#onExit(exitCode, failure));
    this.#lastAnswerMs = platform.clock.monoMs();
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** @param transfer - Memory in the message that becomes the thread's. */
  post(message: ToSlot, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#isDead) this.#worker.postMessage(message, transfer);
  }

  /** What the metrics in the thread show; nothing when it is dead or does not answer. */
  metrics(): Promise<readonly MetricSnapshot[]> {
    if (this.#isDead) return Promise.resolve([]);
    const metrics = this.#metrics.ask([]);
    this.post({ kind: "metrics" });
    return metrics;
  }

  /** How the subtasks of an attempt in the thread are; when it does not say so in time, where it is instead. */
  async describe(deploymentNumber: number): Promise<readonly SubtaskReport[] | { readonly place: string }> {
    if (this.#isDead) return { place: "it has ended" };
    const described = this.#descriptions.ask(undefined);
    this.post({ kind: "describe", deploymentNumber });
    const subtasks = await described;
    if (subtasks !== undefined) return subtasks;
    return this.#isDead ? { place: "it has ended" } : { place: this.#placeOf(await this.#worker.callStack()).text };
  }

  /**
   * Adds the accumulators of an attempt's subtasks in the thread to what has been merged; undefined when the thread is dead
   * or does not answer in time.
   */
  mergeAccumulators(
    deploymentNumber: number,
    merged: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<readonly MergedAccumulator[] | undefined> {
    // One that still loads has run nothing.
    if (this.#isDead || !this.#isLoaded) return Promise.resolve(undefined);
    const requestId = this.#requestCount++;
    return new Promise((resolve) => {
      const { clock } = this.#options.platform;
      const settle = (answer: readonly MergedAccumulator[] | undefined): void => {
        stopWaiting?.();
        this.#merging.delete(requestId);
        resolve(answer);
      };
      const stopWaiting =
        answerWithinMs === undefined ? undefined : clock.after(answerWithinMs, () => settle(undefined));
      this.#merging.set(requestId, settle);
      this.post({ kind: "mergeAccumulators", requestId, deploymentNumber, merged });
    });
  }

  /** Ends the thread. Nothing is told about that. */
  async terminate(): Promise<void> {
    this.#isDead = true;
    for (const settle of [...this.#merging.values()]) settle(undefined);
    this.#watch?.();
    this.#settleLoaded?.reject(jobEnded());
    await this.#worker.terminate();
  }

  #onMessage(message: FromSlot): void {
    if (this.#isDead) return;
    this.#lastAnswerMs = this.#options.platform.clock.monoMs();
    this.#hasWarned = false;
    switch (message.kind) {
      case "loaded":
        this.#onLoaded(message.graphHash, message.plan);
        return;
      case "notLoaded":
        this.#settleLoaded?.reject(fromErrorMessage(message.error));
        return;
      case "warning":
        this.#options.listener.onWarning(message.text);
        return;
      case "pong":
        return;
      case "metrics":
        this.#metrics.answer(message.metrics);
        return;
      case "described":
        this.#descriptions.answer(message.subtasks);
        return;
      case "accumulators":
        this.#merging.get(message.requestId)?.(message.merged);
        return;
      default:
        if (message.kind === "cancelled") this.#cancellingSinceMs.delete(message.deploymentNumber);
        this.#options.listener.onMessage(message.deploymentNumber, message);
    }
  }

  #onLoaded(graphHash: string, plan: JobPlan): void {
    const { graph, platform } = this.#options;
    if (graphHash !== graph.hash) {
      this.#settleLoaded?.reject(differentGraph(graph, plan));
      return;
    }
    this.#lastAnswerMs = platform.clock.monoMs();
    this.#isLoaded = true;
    this.#scheduleWatch();
    this.#settleLoaded?.resolve();
  }

  /** From now on the thread has to answer soon, and to have cancelled in time: what it runs is not wanted any more. */
  cancel(deploymentNumber: number): void {
    this.#cancellingSinceMs.set(deploymentNumber, this.#options.platform.clock.monoMs());
    this.post({ kind: "cancel", deploymentNumber });
  }

  #timeoutMs(): number {
    const { blockedTimeoutMs } = this.#options;
    return this.#cancellingSinceMs.size > 0 ? Math.min(CANCEL_ANSWER_MS, blockedTimeoutMs) : blockedTimeoutMs;
  }

  #scheduleWatch(): void {
    const { platform, blockedWarningMs, blockedTimeoutMs, cancellationTimeoutMs } = this.#options;
    const everyMs = Math.max(
      20,
      Math.min(1000, ...[blockedWarningMs, blockedTimeoutMs, cancellationTimeoutMs].map((ms) => ms / 2)),
    );
    this.#watch = platform.clock.after(everyMs, () => {
      if (this.#isDead) return;
      this.post({ kind: "ping" });
      void this.#checkAnswers();
    });
  }

  async #checkAnswers(): Promise<void> {
    const { platform, blockedWarningMs, cancellationTimeoutMs, listener } = this.#options;
    const cancellingSinceMs = Math.min(...this.#cancellingSinceMs.values());
    if (platform.clock.monoMs() - cancellingSinceMs >= cancellationTimeoutMs) {
      const error = notClosed({ slot: this.slot }, cancellationTimeoutMs);
      listener.onWarning(error.message);
      this.#die(error);
      await this.#worker.terminate();
      return;
    }
    const blockedTimeoutMs = this.#timeoutMs();
    const silentMs = platform.clock.monoMs() - this.#lastAnswerMs;
    if (silentMs >= blockedTimeoutMs) {
      const place = await this.#placeOf(await this.#worker.callStack());
      // It may have answered while it was looked at.
      if (platform.clock.monoMs() - this.#lastAnswerMs >= blockedTimeoutMs && !this.#isDead) {
        this.#die(blocked(silentMs, place, this.slot));
        await this.#worker.terminate();
        return;
      }
    } else if (silentMs >= blockedWarningMs && !this.#hasWarned) {
      this.#hasWarned = true;
      const place = await this.#placeOf(await this.#worker.callStack());
      listener.onWarning(`slot ${this.slot} has not answered for ${Math.round(silentMs)} ms: ${place.text}`);
    }
    if (!this.#isDead) this.#scheduleWatch();
  }

  #onExit(exitCode: number, failure: Error | undefined): void {
    if (this.#isDead) return;
    const task = this.#currentTaskName();
    const where = { slot: this.slot, ...(task === undefined ? {} : { task }) };
    this.#die(diedOf(exitCode, failure, where));
  }

  #die(error: MillraceError): void {
    this.#isDead = true;
    this.#death = error;
    this.#watch?.();
    for (const settle of [...this.#merging.values()]) settle(undefined);
    this.#settleLoaded?.reject(error);
    this.#options.listener.onDead(error);
  }

  /** What the thread died of. */
  get death(): MillraceError | undefined {
    return this.#death;
  }

  #currentTaskName(): string | undefined {
    // The thread counts the subtasks of its slot.
    const index = Atomics.load(this.#currentTasks, this.slot);
    if (index < 0) return undefined;
    const { graph } = this.#options;
    const subtask = subtasksOfSlot(graph, this.slot)[index];
    return subtask === undefined ? undefined : graph.vertices[subtask.vertexId]!.name;
  }

  #placeOf(stack: readonly StackFrame[]): BlockedPlace {
    const task = this.#currentTaskName();
    const own = stack.find(({ url }) => url !== "" && !url.startsWith("millrace-chain-") && !url.startsWith("node:"));
    const at =
      own === undefined ? undefined : `${own.functionName === "" ? "" : `${own.functionName} `}${own.url}:${own.line}`;
    const text = [
      task === undefined ? "its event loop is blocked" : `it is in "${task}"`,
      ...(at === undefined ? [] : [`at ${at}`]),
    ];
    return { task, at, text: text.join(", ") };
  }
}

/** What was built from the job's module is another job than the JobMaster's. */
export function differentGraph(graph: JobGraph, plan: JobPlan): MillraceError {
  return new MillraceError("MR_GRAPH_DIFFERS", {
    what: "A slot's thread built another graph from the job's module than the JobMaster",
    where: { job: graph.name },
    found:
      planDifference(comparable(describeJobGraph(graph)), comparable(plan)) ?? "a difference that plans do not show",
    expected: "the same operators, names, uids and parallelism every time the module builds the job",
    todo: "Do not let the pipeline depend on the time, on random numbers or on what only one thread has; pass such things as job arguments",
  });
}

/** What a plan says of the pipeline; its hash only says that something differs. */
function comparable({ vertices, edges }: JobPlan): Pick<JobPlan, "vertices" | "edges"> {
  return { vertices, edges };
}
