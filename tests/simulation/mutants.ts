/**
 * Wrong edits of protocol code, each a mistake that somebody could make. `npm run sim:mutants` puts them into the engine one
 * by one; the simulation has to notice every one of them. A change that rewrites the code of a mutant rewrites the mutant.
 */
import { CLUSTER_MUTANTS } from "./cluster-mutants.ts";
import { FOUND_MUTANTS } from "./found-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { STATE_MUTANTS } from "./state-mutants.ts";

const COORDINATION: readonly Mutant[] = [
  {
    name: "ids do not rise",
    file: "core/src/deployment/take-over.ts",
    original: "(restore?.metadata.checkpointId ?? 0) + 1",
    mutated: "1",
    breaks: "A job that goes on numbers its checkpoints as if it were new: the newest on the disk is not the newest.",
  },
  {
    name: "one acknowledgement is enough",
    file: "core/src/checkpoint/coordinator.ts",
    original: "const next = this.#pending.find((pending) => pending.waitingFor.size === 0);",
    mutated: "const next = this.#pending.find((pending) => pending.waitingFor.size < this.#tasks.length);",
    breaks: "A checkpoint is stored while some of its tasks have not acknowledged it.",
  },
  {
    name: "savepoints are committed",
    file: "core/src/checkpoint/coordinator.ts",
    original: `if (pending.savepoint === "savepoint") {`,
    mutated: `if (pending.savepoint === ("never" as string)) {`,
    breaks: "What belongs to a savepoint is committed, and a restart from the checkpoint before it writes it again.",
  },
  {
    name: "a stop is never told",
    file: "core/src/checkpoint/coordinator.ts",
    original: `if (pending.savepoint === "savepoint") {`,
    mutated: "if (pending.savepoint !== undefined) {",
    breaks: "The sinks never hear that the last savepoint is complete, and the job never ends.",
  },
  {
    name: "a declined checkpoint is not given up",
    file: "core/src/checkpoint/coordinator.ts",
    original: `return this.#giveUp(pending, "CHECKPOINT_DECLINED", cause, nowMs);`,
    mutated: "return [];",
    breaks: "Nothing is checkpointed until the declined one has timed out.",
  },
  {
    name: "the newest checkpoint goes, the oldest stays",
    file: "core/src/jobmanager/jobmaster/job-checkpoints.ts",
    original: "this.#releaseInBackground(this.#completed.shift()!);",
    mutated: "this.#releaseInBackground(this.#completed.pop()!);",
    breaks: "After a failure the job goes on from before what it has committed.",
  },
  {
    name: "commit before the metadata is durable",
    file: "core/src/jobmanager/jobmaster/job-checkpoints.ts",
    original: "const path = await storage.storeMetadata(metadata);",
    mutated: "const storing = storage.storeMetadata(metadata); storing.catch(() => {}); const path = undefined;",
    breaks: "A checkpoint is announced that a crash may still take away.",
  },
  {
    name: "enumerators are not in checkpoints",
    file: "core/src/jobmanager/jobmaster/source-coordinators.ts",
    original: "states.get(source.uid)",
    mutated: "undefined",
    breaks: "After a restore all splits are given out again, beside those that readers have.",
  },
  {
    name: "enumerators are snapshotted late",
    file: "core/src/jobmanager/jobmaster/job-checkpoints.ts",
    original: "for (const [uid, bytes] of collected.coordinators) {",
    mutated:
      "for (const [uid, bytes] of this.#attempt?.snapshotCoordinators(checkpointId) ?? collected.coordinators) {",
    breaks: "Splits that were given out after the barrier are in nobody's state.",
  },
  {
    name: "split requests before the start are lost",
    file: "core/src/jobmanager/jobmaster/source-coordinator.ts",
    original: "reader.requests.push(() => this.onSplitRequest(subtaskIndex));",
    mutated: "",
    breaks: "A reader that asks before the enumerator has started waits for ever.",
  },
  {
    name: "restore what the user gave, not what is newest",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "this.#options.checkpoints.latest ?? this.#options.initialRestore",
    mutated: "this.#options.initialRestore ?? this.#options.checkpoints.latest",
    breaks: "A job that was started from a checkpoint goes back there at every failure.",
  },
  {
    name: "the end does not wait for the last commits",
    file: "core/src/jobmanager/jobmaster/region-execution.ts",
    original: "(this.#committed.get(subtaskKey(task)) ?? -1) >= checkpointId);",
    mutated: "(this.#committed.get(subtaskKey(task)) ?? -1) >= 0);",
    breaks: "A job finishes while sinks still have something to commit.",
  },
  {
    name: "a failed attempt does not restart",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "if (!this.#isAtEnd() && waiting.length > 0) void this.#deploy(waiting);",
    mutated: "",
    breaks: "A job stays RESTARTING.",
  },
  {
    name: "a dead thread is deployed to",
    file: "core/src/taskmanager/threads/threads-deployment.ts",
    original: "if (death !== undefined) return Promise.reject(death);",
    mutated: "",
    breaks: "A thread that dies between loading the job and its deployment is waited for for ever.",
    hosts: "threads",
  },
];

const REGIONS: readonly Mutant[] = [
  {
    name: "all regions count as one",
    file: "core/src/graph/pipelined-regions.ts",
    original: `if (strategy === "full")`,
    mutated: "if (strategy.length > 0)",
    breaks: "A failure restarts what it has nothing to do with.",
    shapes: ["pipelines", "apart"],
  },
  {
    name: "every subtask is a region",
    file: "core/src/graph/pipelined-regions.ts",
    original: "sets.join(firsts[source]! + index, firsts[target]! + consumer);",
    mutated: "sets.find(firsts[source]! + index + consumer);",
    breaks: "Whoever exchanges records with a failed subtask goes on without them.",
  },
  {
    name: "splits are not given back",
    file: "core/src/jobmanager/jobmaster/source-coordinator.ts",
    original: "if (splits.length > 0) this.#enumerator.addSplitsBack(splits, subtaskIndex);",
    mutated: "",
    breaks: "Splits that a reader was given after the checkpoint that it goes back to are read by nobody.",
    shapes: ["pipelines", "apart"],
  },
  {
    name: "splits that the reader restores are given back, too",
    file: "core/src/jobmanager/jobmaster/split-assignments.ts",
    original: "|| firstCheckpointId > checkpointId,",
    mutated: "|| firstCheckpointId > checkpointId - 1,",
    also: [
      {
        original: "({ firstCheckpointId = checkpointId + 1 }) => firstCheckpointId > checkpointId,",
        mutated: "({ firstCheckpointId = checkpointId + 1 }) => firstCheckpointId > checkpointId - 1,",
      },
    ],
    breaks: "A split is in the state that a reader restores, and is given to another one.",
    shapes: ["pipelines", "apart"],
  },
  {
    name: "splits are given back twice",
    file: "core/src/jobmanager/jobmaster/split-assignments.ts",
    original: "this.#assigned = this.#assigned.filter((each) => each.subtaskIndex !== subtaskIndex);",
    mutated: "",
    breaks: "A reader that fails again before a checkpoint is completed has its splits given to others again.",
    shapes: ["pipelines", "apart"],
  },
  {
    name: "assignments count as checkpointed too early",
    file: "core/src/jobmanager/jobmaster/source-coordinator.ts",
    original: "    this.#assignments.onSnapshot(checkpointId);\n",
    mutated: "    this.#assignments.onCompleted(Number.MAX_SAFE_INTEGER);\n",
    breaks: "What was assigned before a checkpoint that is given up is not given back.",
    shapes: ["pipelines", "apart"],
  },
  {
    name: "a deployment has the number of another one",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "deploymentNumber: this.#deploymentNumber++",
    mutated: "deploymentNumber: 0 * this.#deploymentNumber++",
    breaks: "What an old deployment sends is not fenced off, and regions in one thread take each other's place.",
    hosts: "threads",
  },
  {
    name: "checkpoints are taken while a region is missing",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "    this.#areCheckpointsTaken = false;\n",
    mutated: "",
    breaks: "When the region is back nobody starts checkpoints again.",
  },
];

const STORAGE: readonly Mutant[] = [
  {
    name: "no fsync of files",
    file: "core/src/checkpoint/local-file-system.ts",
    original: "      await file.sync();\n",
    mutated: "",
    breaks: "A loss of power leaves torn state and metadata behind their names.",
  },
  {
    name: "no fsync of the checkpoint's directory name",
    file: "core/src/checkpoint/durable-directory.ts",
    original: "if (parent !== path) await this.#fs.syncDirectory(parent);",
    mutated: "",
    breaks: "A loss of power takes a whole checkpoint away that sinks have committed on.",
  },
  {
    name: "no fsync behind the rename",
    file: "core/src/checkpoint/local-file-system.ts",
    original: "await this.#fs.rename(inProgress, path);\n    await this.syncDirectory(this.#parentOf(path));",
    mutated: "await this.#fs.rename(inProgress, path);",
    breaks: "A loss of power takes the name _metadata away from a checkpoint that sinks have committed on.",
  },
  {
    name: "no rename",
    file: "core/src/checkpoint/local-file-system.ts",
    original: "const inProgress = `${path}.inprogress`;",
    mutated: "const inProgress = path;",
    also: [
      {
        original: `    if ((await this.#fs.stat(path)) !== undefined) throw new FileSystemError("EEXIST", "create", path);\n`,
        mutated: "",
      },
    ],
    breaks: "Metadata that is half written is listed.",
  },
  {
    name: "a handle before its bytes",
    file: "core/src/checkpoint/snapshot-directory.ts",
    original: "await fs.write(fs.resolve(this.path, name), bytes);",
    mutated: "void fs.write(fs.resolve(this.path, name), bytes).catch(() => {});",
    breaks: "State is acknowledged before it is written.",
  },
  {
    name: "metadata is removed last",
    file: "core/src/checkpoint/snapshot-directory.ts",
    original: "  await fs.removeFiles(directory, [METADATA_FILE]);\n",
    mutated:
      "  for (const name of await fs.list(directory)) if (name !== METADATA_FILE) await fs.removeFiles(directory, [name]);\n",
    breaks: "A checkpoint that is half removed is listed.",
  },
  {
    name: "what is restored is not made durable",
    file: "core/src/checkpoint/checkpoint-reader.ts",
    original: "    await fs.syncDirectory(directory);\n",
    mutated: "",
    breaks: "A loss of power takes a checkpoint away that a job was started from and has committed.",
  },
];

const TASKS: readonly Mutant[] = [
  {
    name: "alignment is skipped",
    file: "core/src/checkpoint/barrier-aligner.ts",
    original: 'if (!this.#snapshotWhenReady(actions)) actions.push({ kind: "block", channel });',
    mutated: "this.#snapshotWhenReady(actions);",
    breaks: "Records from behind a barrier are in the snapshot, and are read again after a restore.",
  },
  {
    name: "acknowledged before the sinks have flushed",
    file: "core/src/task/subtask-checkpoints.ts",
    original: "snapshot.durable.then(",
    mutated: "Promise.resolve().then(",
    breaks: "State points to rows that are not there yet.",
  },
  {
    name: "the end of an attempt does not wait for its start",
    file: "core/src/task/subtask.ts",
    original: "    await this.#starting;\n",
    mutated: "",
    breaks: "An attempt that has been replaced still commits what it was restored with.",
  },
  {
    name: "the end of an attempt does not wait for its commits",
    file: "core/src/task/subtask.ts",
    original: "    await this.#commits;\n",
    mutated: "",
    breaks: "An attempt that has been replaced still commits.",
  },
  {
    name: "the input ends with requests under way",
    file: "core/src/task/subtask.ts",
    original: "if (this.chain.hasPending()) return;",
    mutated: "",
    breaks: "What asynchronous functions still wait for is lost at the end of the input.",
    shapes: ["async"],
  },
  {
    name: "channels are captured after their records",
    file: "core/src/task/subtask-checkpoints.ts",
    original: "for (const channel of channels) capture.begin(channel, this.#options.channels[channel]!);",
    mutated: "",
    breaks: "Records that an unaligned barrier has overtaken are in no state.",
  },
  {
    name: "the state of one subtask is restored",
    file: "core/src/deployment/restored-state.ts",
    original: "const dealt = redistributeLists(lists, vertex.parallelism);",
    mutated: "const dealt = redistributeLists(lists.slice(0, 1), vertex.parallelism);",
    breaks: "Operator state of all subtasks but the first is lost in a restore.",
  },
];

const SINKS: readonly Mutant[] = [
  {
    name: "commit on the barrier",
    file: "core/src/operators/sink-operator.ts",
    original: "durable: this.writer.flush(),",
    mutated: "durable: this.writer.flush().then(() => this.notifyCheckpointComplete(checkpointId)),",
    breaks: "Rows are visible before their checkpoint is complete.",
  },
  {
    name: "commit what belongs to the next checkpoint, too",
    file: "core/src/operators/sink-operator.ts",
    original: "commit.checkpointId <= checkpointId);",
    mutated: "commit.checkpointId <= checkpointId + 1);",
    breaks: "With two checkpoints under way, rows of the second are visible before it is complete.",
  },
  {
    name: "only the newest transaction is in the state",
    file: "core/src/operators/sink-operator.ts",
    original: "const pending = this.#pending.flatMap((commit) => commit.committables);",
    mutated: "const pending = committables;",
    breaks: "A transaction whose own checkpoint has failed is forgotten by the restart from the next one.",
  },
  {
    name: "restored transactions are forgotten",
    file: "core/src/operators/sink-operator.ts",
    original: "committables.length === 0 ? undefined : this.#committer!.commit(committables);",
    mutated: "undefined;",
    breaks: "What was not committed before a failure never is.",
  },
  {
    name: "restored transactions are left out of the next checkpoint",
    file: "core/src/operators/sink-operator.ts",
    original: "this.#restoredCommittables = readAll(lists.get(COMMITTABLES), committableSerializer);",
    mutated: "this.#restoredCommittables = readAll(lists.get(COMMITTABLES), committableSerializer).slice(1);",
    breaks: "One of several transactions that a checkpoint holds is lost.",
  },
  {
    name: "files are committed without waiting for their bytes",
    file: "connector-files/src/file-sink-writer.ts",
    original: "return this.#queue.drained();",
    mutated: "return Promise.resolve();",
    breaks: "A checkpoint points to files that are not written.",
    shapes: ["files"],
  },
];

const FILES: readonly Mutant[] = [
  {
    name: "in-progress files have the same name in every attempt",
    file: "connector-files/src/sink-directory.ts",
    original: "    this.attempt = own.attempt;\n",
    mutated: `    this.attempt = "00000000";\n`,
    also: [
      {
        original: `await this.#fs.open(this.inProgressPath(part), "createNew");`,
        mutated: `await this.#fs.open(this.inProgressPath(part), "create");`,
      },
      // What seems to be left over may be what is being written.
      {
        original: "    for (const part of parts) await this.#fs.remove(this.inProgressPath(part));\n",
        mutated: "    void parts;\n",
      },
      {
        original: "    const named = await this.#recoverFrom(this.inProgressPath(wanted), state);\n",
        mutated:
          "    if ((await this.#cut(this.inProgressPath(wanted), state.openBytes))) return;\n" +
          "    const named = await this.#recoverFrom(this.inProgressPath(wanted), state);\n",
      },
      {
        original: "  /** Undefined when the file has the bytes, and they are copied;",
        mutated: `  async #cut(path: string, sizeBytes: number): Promise<boolean> {
    const stat = await this.#fs.stat(path);
    if (stat === undefined || stat.sizeBytes < sizeBytes) return false;
    const file = await this.#fs.open(path, "update");
    await file.truncate(sizeBytes);
    await file.sync();
    await file.close();
    return true;
  }

  /** Undefined when the file has the bytes, and they are copied;`,
      },
    ],
    breaks:
      "An attempt that hung, was given up and goes on writes into the file that its successor has cut and continued.",
    shapes: ["files"],
    hosts: "cluster",
  },
];

const SOURCES_AND_STATE: readonly Mutant[] = [
  {
    name: "readers lose their splits",
    file: "core/src/operators/source-operator.ts",
    original: "if (this.#restoredSplits.length > 0) this.#reader.addSplits(this.#restoredSplits);",
    mutated: "",
    breaks: "Splits that were being read are read by nobody after a restart.",
  },
  {
    name: "splits are dealt out twice",
    file: "core/src/checkpoint/operator-lists.ts",
    original: "else if (old.length === parallelism) listOf(oldSubtask, name).push(element);",
    mutated: "else if (old.length === parallelism) toAll(name, element);",
    breaks: "After a restart every reader has the splits of all.",
  },
  {
    name: "a rescale drops operator state",
    file: "core/src/checkpoint/operator-lists.ts",
    original: "next.set(name, (subtask + 1) % parallelism);",
    mutated: "next.set(name, subtask + 1);",
    breaks: "Elements of a list are dealt out to subtasks that there are not.",
  },
  {
    name: "broadcast state reaches one subtask",
    file: "core/src/checkpoint/operator-lists.ts",
    original: "if (oldSubtask === 0) toAll(name, element);",
    mutated: "if (oldSubtask === 0) listOf(0, name).push(element);",
    breaks: "After a restart the other subtasks know no rules.",
    shapes: ["broadcast"],
  },
  {
    name: "a union is dealt out like a split list",
    file: "core/src/checkpoint/operator-lists.ts",
    original: `if (mode === "union") toAll(name, element);`,
    mutated: `if (mode === "union") listOf(oldSubtask % parallelism, name).push(element);`,
    breaks: "Nobody has the whole union.",
    shapes: ["unionState"],
  },
  {
    name: "keyed state of other key groups",
    file: "core/src/deployment/restored-state.ts",
    original: "return old.start < range.end && range.start < old.end;",
    mutated: "return index === subtaskIndex;",
    breaks: "After a rescale keys have lost their state.",
  },
  {
    name: "the pre-image is skipped",
    file: "core/src/state/keyed-state-table.ts",
    original: "    this.#snapshot?.write(entry);\n",
    mutated: "",
    breaks: "Entries that change while a snapshot is written are in it as they are later, or not at all.",
  },
  {
    name: "timers are not in snapshots",
    file: "core/src/state/keyed-snapshot.ts",
    original: "if (entry.timers === undefined || entry.timers.size === 0) return;",
    mutated: "return;",
    breaks: "Timers that were registered before a failure never fire.",
    shapes: ["timers", "windows"],
  },
  {
    name: "restored timers are dropped",
    file: "core/src/state/keyed-state-table.ts",
    original: "this.restoreTimer(this.entryFor(timer.key), timer.domain, timer.timeMs, timer.seq);",
    mutated: "",
    breaks: "Timers that were registered before a failure never fire.",
    shapes: ["timers", "windows"],
  },
  {
    name: "timers fire early",
    file: "core/src/state/timer-queue.ts",
    original: "if (this.peekTimeMs() > timeMs) return undefined;",
    mutated: "if (this.peekTimeMs() > timeMs + 50) return undefined;",
    breaks: "A timer fires before its time.",
    shapes: ["timers", "windows"],
  },
  {
    name: "the fastest channel makes the watermark",
    file: "core/src/time/watermark-valve.ts",
    original: "if (watermark < activeMin) activeMin = watermark;",
    mutated: "activeMin = activeMin === MAX_WATERMARK ? watermark : Math.max(activeMin, watermark);",
    breaks: "The watermark overtakes records.",
  },
  {
    name: "requests under way are not in snapshots",
    file: "core/src/operators/async/async-operator.ts",
    original: "for (const { value, timestampMs } of this.#queue.records()) {",
    mutated: "for (const { value, timestampMs } of [...this.#queue.records()].slice(0, 0)) {",
    breaks: "Records that an asynchronous function is asked for are lost in a restart.",
    shapes: ["async"],
  },
];

export const MUTANTS: readonly Mutant[] = [
  ...COORDINATION,
  ...REGIONS,
  ...STORAGE,
  ...TASKS,
  ...SINKS,
  ...FILES,
  ...SOURCES_AND_STATE,
  ...CLUSTER_MUTANTS,
  ...FOUND_MUTANTS,
  ...STATE_MUTANTS,
];
