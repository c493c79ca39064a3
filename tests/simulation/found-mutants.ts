/** The mistakes that the simulation has once found in the engine, made again, for `mutants.ts`: plans of the seed book kill them. */
import type { Mutant } from "./mutant.ts";

export const FOUND_MUTANTS: readonly Mutant[] = [
  {
    name: "a job is cancelled behind its end",
    file: "core/src/jobmanager/jobmaster/job-master.ts",
    original: "this.#cancelling ??= this.#ended ?? this.#cancel();",
    mutated: "this.#cancelling ??= this.#cancel();",
    breaks:
      "A job that removes its checkpoints because it has finished is CANCELED, with a checkpoint that is just being removed.",
  },
  {
    name: "checkpoints go on behind the last savepoint",
    file: "core/src/checkpoint/coordinator.ts",
    original: `if (pending.savepoint === "terminal") this.#isOver = true;`,
    mutated: "",
    breaks:
      "A checkpoint is taken between the stored savepoint and the end of the job, and is newer than what the job ends with.",
  },
  {
    name: "a flush that fails early is not heard of",
    file: "core/src/task/subtask-checkpoints.ts",
    original: "    inProgress.durable.catch(onFailed);\n",
    mutated: "",
    breaks:
      "Nobody waits for the failure of a writer while the rest of its snapshot is being written: the process ends.",
  },
  {
    name: "a state file that cannot be read is called damaged",
    file: "core/src/checkpoint/checkpoint-reader.ts",
    original: `    if (error.errno !== "ENOENT") throw unreadable(path, error);\n`,
    mutated: "",
    also: [{ original: "|| read === READS_MAX) throw error;", mutated: "|| read > 0) throw error;" }],
    breaks: "Somebody removes a checkpoint that is whole.",
  },
  {
    name: "restored watermarks come before what was on its way",
    file: "core/src/task/subtask.ts",
    original: "      await this.chain.initialize();\n",
    mutated: "      await this.chain.initialize();\n      this.chain.announceWatermarks();\n",
    breaks: "Where an edge is fused after a rescale, records that were on their way are late.",
  },
  {
    name: "a disk that was full before a start is no cause",
    file: "../tests/simulation/run-process.ts",
    original: "const hasCause = wasDisturbed || ",
    mutated: "const hasCause = ",
    breaks: "The simulation itself calls a job bad that had no room from the beginning.",
  },
  {
    name: "a region that waits while another is closed has not waited",
    file: "../tests/simulation/status-watch.ts",
    original: `if (this.#hasRegions ? !wasDown : status === "RESTARTING") followed`,
    mutated: `if (status === "RESTARTING") followed`,
    breaks: "The simulation itself calls a restart too early whose wait it has not seen from the beginning.",
  },
  {
    name: "a checkpoint that could not be made durable counts as the last one",
    file: "../tests/simulation/invariants.ts",
    original: "world.lastCheckpointId = world.completing.lastCheckpointId;",
    mutated: "",
    breaks: "The simulation itself takes a checkpoint that was given up for one that has completed.",
  },
  {
    name: "an older checkpoint comes before the savepoint that was committed on",
    file: "core/src/deployment/take-over.ts",
    original: 'known: isGiven ? given : [...older.map((each) => ownedBy("claimed", each, true)), ...newest],',
    mutated:
      'known: isGiven ? given : [...older.map((each) => ownedBy("claimed", each, true)), ...(isOwn ? newest : [])],',
    breaks: "What the job has committed since its older checkpoint comes out once more.",
  },
  {
    name: "a directory that is there is taken for durable",
    file: "core/src/checkpoint/durable-directory.ts",
    original: "if (isThere && this.#durable.has(path)) return;",
    mutated: "if (isThere) return;",
    breaks:
      "Where the disk has failed to sync the name of a directory, nobody does: a loss of power takes all in it away.",
  },
  {
    name: "the user goes on from a checkpoint that is being removed",
    file: "../tests/simulation/cluster-user.ts",
    original: " || newest?.directory.startsWith(`/checkpoints/${id}/`) === true",
    mutated: "",
    breaks: "The simulation itself starts a job again that has come to its end, and then from the beginning.",
  },
  {
    name: "a checkpoint counts before the JobManager has noted it",
    file: "../tests/simulation/invariants.ts",
    original: `if (operation !== "sync directory" || !isKnown || world.plan.hosts === "cluster") return;`,
    mutated: `if (operation !== "sync directory" || !isKnown) return;`,
    breaks: "The simulation itself takes a checkpoint for complete that who takes the job over removes.",
  },
];
