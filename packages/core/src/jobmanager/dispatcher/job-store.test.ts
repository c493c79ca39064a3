import { describe, expect, test } from "vitest";
import { MillraceError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/sha256.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../../platform/simulated-platform.ts";
import { JobStore, type StoredJob } from "./job-store.ts";

const CODE = new TextEncoder().encode("export default () => {};");
const HASH = sha256Hex(CODE);

function job(jobId: string, submittedMs = 0): StoredJob {
  const configuration = [{ key: "parallelism.default", value: "2" }];
  return { jobId, name: `job ${jobId}`, codeHash: HASH, args: ["--day", "7"], configuration, submittedMs };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof MillraceError ? error.code : String(error)),
  );

function run<T>(platform: SimulatedPlatform, action: (store: JobStore) => Promise<T>): Promise<T> {
  return platform.run(async () => action(await JobStore.open(platform.fs, "/jobs")), 60_000);
}

describe("S58: what a JobManager keeps in its directory", () => {
  test("is there again after the machine has lost its power: jobs, their newest checkpoints and their ends", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await run(platform, async (store) => {
      await store.addJob(job("b", 2), CODE);
      await store.addJob(job("a", 1), CODE);
      await store.setCheckpoint("a", { checkpointId: 3, path: "/chk/3" });
      await store.setCheckpoint("a", { checkpointId: 2, path: "/chk/2" });
      await store.setEnd("b", { status: "FINISHED", endMs: 9, failure: undefined, removes: [] });
    });
    platform.powerOff("lost");
    await run(platform.restart(), async (store) => {
      expect(await store.load()).toEqual([
        { job: job("a", 1), checkpoint: { checkpointId: 3, path: "/chk/3" }, end: undefined },
        {
          job: job("b", 2),
          checkpoint: undefined,
          end: { status: "FINISHED", endMs: 9, failure: undefined, removes: [] },
        },
      ]);
      expect(await store.code(HASH)).toEqual(CODE);
      await store.setCheckpoint("a", { checkpointId: 1, path: "/chk/1" });
      expect((await store.load())[0]!.checkpoint!.checkpointId).toBe(3);
    });
  });

  test("belongs to the newest leadership: the epoch rises with every start, and older ones change nothing", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    await run(platform, async (first) => {
      await first.addJob(job("a"), CODE);
      const second = await JobStore.open(platform.fs, "/jobs");
      expect(second.epoch).toBeGreaterThan(first.epoch);
      expect(await codeOf(first.addJob(job("b"), CODE))).toBe("MR_FENCED");
      expect(await codeOf(first.setCheckpoint("a", { checkpointId: 1, path: null }))).toBe("MR_FENCED");
      expect(await second.load()).toHaveLength(1);
    });
  });

  test("a leadership that stands still before it writes changes nothing for those that have begun meanwhile", async () => {
    const write = async (
      action: (store: JobStore) => Promise<unknown>,
      before: (store: JobStore) => Promise<unknown>,
    ): Promise<readonly unknown[]> => {
      const platform = createSimulatedPlatform({ seed: 8 });
      const stateAfter = async (store: JobStore): Promise<unknown> => {
        const { checkpoint, end } = (await store.load()).find((each) => each.job.jobId === "a")!;
        return end?.status ?? checkpoint?.checkpointId;
      };
      return platform.run(async () => {
        const first = await JobStore.open(platform.fs, "/jobs");
        await first.addJob(job("a"), CODE);
        await before(first);
        let isHeld = true;
        let release = (): void => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const list = platform.fs.list.bind(platform.fs);
        platform.fs.list = async (path) => {
          const names = await list(path);
          // It has seen that it leads.
          if (isHeld && path.endsWith("/epochs")) {
            isHeld = false;
            await released;
          }
          return names;
        };
        const outcome = codeOf(action(first));
        await new Promise<void>((resolve) => platform.clock.after(10, resolve));
        const second = await JobStore.open(platform.fs, "/jobs");
        const taken = await stateAfter(second);
        release();
        const third = async (): Promise<unknown> => stateAfter(await JobStore.open(platform.fs, "/jobs"));
        return [await outcome, taken, await third()];
      });
    };
    const none = async (): Promise<void> => {};
    const first = (store: JobStore): Promise<void> => store.setCheckpoint("a", { checkpointId: 1, path: "/chk/1" });
    const next = (store: JobStore): Promise<void> => store.setCheckpoint("a", { checkpointId: 2, path: "/chk/2" });
    const finish = (store: JobStore): Promise<void> =>
      store.setEnd("a", { status: "FINISHED", endMs: 9, failure: undefined, removes: [] });
    expect(await write(first, none)).toEqual(["MR_FENCED", undefined, undefined]);
    expect(await write(next, first)).toEqual(["MR_FENCED", 1, 1]);
    expect(await write(finish, first)).toEqual(["MR_FENCED", 1, 1]);
  });

  test("leaderships that begin at the same time have different epochs", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const epochs = await platform.run(async () => {
      const stores = await Promise.all([1, 2, 3].map(() => JobStore.open(platform.fs, "/jobs")));
      return stores.map(({ epoch }) => epoch);
    }, 60_000);
    expect(new Set(epochs).size).toBe(3);
  });

  test("a crash at any effect leaves every answered submission, and none that is half there", async () => {
    for (let crashAt = 0; ; crashAt++) {
      const platform = createSimulatedPlatform({ seed: 4 });
      const answered: string[] = [];
      platform.storage.onEffect = ({ index, phase }) =>
        index === crashAt && phase === "after" ? { kind: "powerOff" } : undefined;
      let isFinished = false;
      void (async () => {
        const store = await JobStore.open(platform.fs, "/jobs");
        for (const jobId of ["a", "b"]) {
          await store.addJob(job(jobId), CODE);
          answered.push(jobId);
        }
        isFinished = true;
      })();
      await platform.scheduler.runUntil(() => isFinished || platform.isDead);
      platform.storage.onEffect = undefined;
      const stored = await run(platform.restart(), async (store) => {
        const jobs = await store.load();
        for (const each of jobs) expect(await store.code(each.job.codeHash)).toEqual(CODE);
        return jobs.map((each) => each.job.jobId);
      });
      expect(stored).toEqual(expect.arrayContaining(answered));
      if (isFinished) return;
    }
  });

  test("damaged records are refused by name, with the file", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    await run(platform, async (store) => {
      await store.addJob(job("a"), CODE);
      const file = await platform.fs.open("/jobs/jobs/a/job-1", "update");
      await file.write(new Uint8Array([1]), 40);
      await file.close();
      expect(await codeOf(store.load())).toBe("MR_JOB_STORE_CORRUPT");
      const code = await platform.fs.open(`/jobs/code/${HASH}`, "update");
      await code.write(new Uint8Array([1]), 3);
      await code.close();
      expect(await codeOf(store.code(HASH))).toBe("MR_JOB_STORE_CORRUPT");
    });
  });

  test("a disk that is full is named, and the store goes on when there is room again", async () => {
    const platform = createSimulatedPlatform({ seed: 6, disk: { capacityBytes: 100 } });
    await run(platform, async (store) => {
      expect(await codeOf(store.addJob(job("a"), CODE))).toBe("MR_JOB_STORE_FAILED");
      expect(await store.load()).toEqual([]);
    });
  });

  test("ended jobs that are forgotten take code with them that no other job has", async () => {
    const platform = createSimulatedPlatform({ seed: 7 });
    await run(platform, async (store) => {
      await store.addJob(job("a"), CODE);
      await store.addJob(job("b"), CODE);
      await store.removeJobs(["a"]);
      expect(await store.code(HASH)).toEqual(CODE);
      await store.removeJobs(["b"]);
      expect(await platform.fs.list("/jobs/code")).toEqual([]);
      expect(await store.load()).toEqual([]);
    });
  });
});
