/** Wrong edits of what JobManager and TaskManagers do with each other, for `mutants.ts`. */
import type { Mutant } from "./mutant.ts";

const LEADERSHIP: readonly Mutant[] = [
  {
    name: "a JobManager forgets its jobs",
    file: "core/src/cluster/job-manager.ts",
    original: "for (const state of states) jobManager.#takeOver(state);",
    mutated: "void states;",
    breaks: "The next JobManager with the directory does not go on with what was submitted.",
  },
  {
    name: "a submission is answered before it is stored",
    file: "core/src/cluster/job-manager.ts",
    original: "      await submitting;\n",
    mutated: "      submitting.catch(() => {});\n",
    breaks: "A JobManager that is killed right after its answer leaves a job that nobody knows.",
  },
  {
    name: "the same submission runs twice",
    file: "core/src/cluster/job-manager.ts",
    original: "if (!this.#table.submit(jobId, name, submittedMs)) {",
    mutated: "if (!this.#table.submit(jobId, name, submittedMs) && this.#isClosed) {",
    breaks: "A client that repeats what was not answered has two runs of its job.",
  },
  {
    name: "an end is told before it is stored",
    file: "core/src/cluster/job-manager.ts",
    original: "if (known.end === undefined) await this.#storeEndAtLast(known, ending);",
    mutated: "if (known.end === undefined) void this.#storeEndAtLast(known, ending);",
    breaks: "The next JobManager runs a job whose end its client knows.",
  },
  {
    name: "the restart point is not noted",
    file: "core/src/cluster/job-manager.ts",
    original: "this.#orStop(() => this.#store.setCheckpoint(jobId, { checkpointId, path: path ?? null })),",
    mutated: "Promise.resolve(void [checkpointId, path]),",
    breaks: "The next JobManager goes on from before what has been committed.",
  },
  {
    name: "who leads is never looked at",
    file: "core/src/cluster/job-manager.ts",
    original: "    jobManager.#lookWhoLeads();\n",
    mutated: "",
    breaks: "A JobManager that was replaced keeps TaskManagers for which it has no jobs.",
  },
  {
    name: "a replaced leader goes on writing",
    file: "core/src/jobmanager/dispatcher/job-store.ts",
    original: "if (newest === this.epoch) return;",
    mutated: "if (newest >= this.epoch) return;",
    breaks: "Two JobManagers have the same jobs, and each answers for them.",
  },
  {
    name: "who leads is not looked at after the write",
    file: "core/src/jobmanager/dispatcher/job-store.ts",
    original:
      "        await action();\n        // K1: one that has begun meanwhile may have looked before this was there.\n        await this.checkLeads();\n",
    mutated: "        await action();\n",
    breaks: "A leader that stood still settles for what the next one has not seen.",
  },
];

const TASK_MANAGERS: readonly Mutant[] = [
  {
    name: "heartbeats never time out",
    file: "core/src/rpc/heartbeat-monitor.ts",
    original: "if (nowMs >= this.#deadlineMs) return",
    mutated: "if (nowMs >= this.#deadlineMs + 1e9) return",
    breaks: "A process that hangs, or is cut off, is waited for for ever.",
  },
  {
    name: "a TaskManager keeps the tasks of a session that has ended",
    file: "core/src/cluster/task-manager.ts",
    original: "    if (reason !== undefined) this.#warn(reason);\n    this.#endAll();\n",
    mutated: "    if (reason !== undefined) this.#warn(reason);\n    this.#session = undefined;\n",
    breaks: "Tasks that nobody counts on any more go on, beside those that have taken their place.",
  },
  {
    name: "slots of lost TaskManagers are kept",
    file: "core/src/cluster/cluster-slots.ts",
    original: "this.#slots[slot]?.taskManager.loss !== undefined || !this.#slots[slot];",
    mutated: "!this.#slots[slot];",
    breaks: "A job is deployed to where nobody is.",
  },
  {
    name: "a predecessor stays registered",
    file: "core/src/cluster/job-manager.ts",
    original: "        this.#giveUpPredecessor(registration);\n",
    mutated: "",
    breaks: "A TaskManager that has started again is there twice.",
  },
  {
    name: "credit is not returned",
    file: "core/src/exchange/wire/receiving-ends.ts",
    original: "      credits.push({ number: receiving.number, bytes });\n",
    mutated: "",
    breaks: "A channel between TaskManagers carries as much as fits into it once, and then nothing any more.",
  },
  {
    name: "more is sent than there is credit for",
    file: "core/src/exchange/wire/sending-ends.ts",
    original: "creditBytes - plannedBytes, DATA_BYTES_MAX);",
    mutated: "DATA_BYTES_MAX);",
    breaks: "What the receiver has no room for arrives.",
  },
  {
    name: "restarts do not wait",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "clock.after(decision.delayMs, () => {",
    mutated: "clock.after(0, () => {",
    breaks: "The delay of a restart strategy is none.",
  },
];

export const CLUSTER_MUTANTS: readonly Mutant[] = [...LEADERSHIP, ...TASK_MANAGERS].map((mutant) => ({
  ...mutant,
  hosts: "cluster",
}));
