import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobStatus } from "../jobmaster/job-status.ts";
import { isEnded, type JobEnd, JobTable } from "./job-table.ts";

const end = (status: JobEnd["status"], endMs: number): JobEnd => ({ status, endMs, failure: undefined });

describe("S56: the jobs of a JobManager", () => {
  test("the same id twice is one job", () => {
    const table = new JobTable(10);
    expect(table.submit("a", "first", 1)).toBe(true);
    expect(table.submit("a", "second", 2)).toBe(false);
    table.end("a", end("FINISHED", 3));
    expect(table.submit("a", "third", 4)).toBe(false);
    expect(table.jobs.map(({ name, status }) => [name, status])).toEqual([["first", "FINISHED"]]);
  });

  test("a job remembers when it came into each state", () => {
    const table = new JobTable(10);
    table.submit("a", "a", 1);
    table.setStatus("a", "RUNNING", 2);
    table.setStatus("a", "RESTARTING", 3);
    table.setStatus("a", "RUNNING", 4);
    expect(table.get("a")!.timestampsMs).toEqual({ CREATED: 1, RUNNING: 4, RESTARTING: 3 });
  });

  test("a submission that was withdrawn may come again", () => {
    const table = new JobTable(10);
    table.submit("a", "a", 1);
    table.withdraw("a");
    expect(table.submit("a", "a", 2)).toBe(true);
  });

  test("ended jobs stay as they ended, running ones are never forgotten, of the others the oldest", () => {
    const statuses: readonly JobStatus[] = ["RUNNING", "FAILING", "RESTARTING", "FINISHED", "FAILED", "CANCELED"];
    const changes = fc.array(fc.tuple(fc.nat(8), fc.constantFrom(...statuses)), { maxLength: 60 });
    fc.assert(
      fc.property(changes, (all) => {
        const table = new JobTable(2);
        const model = new Map<string, JobStatus>();
        let endedOrder: string[] = [];
        all.forEach(([number, status], nowMs) => {
          const jobId = `job${number}`;
          if (table.submit(jobId, jobId, nowMs)) {
            expect(model.has(jobId)).toBe(false);
            model.set(jobId, "CREATED");
          }
          if (!isEnded(status)) table.setStatus(jobId, status, nowMs);
          const wasEnded = isEnded(model.get(jobId)!);
          if (!wasEnded) model.set(jobId, status);
          if (isEnded(status)) {
            if (!wasEnded) endedOrder.push(jobId);
            const forgotten = table.end(jobId, end(status, nowMs));
            expect(forgotten).toEqual(wasEnded ? [] : endedOrder.slice(0, -2));
            for (const each of forgotten) model.delete(each);
            endedOrder = endedOrder.filter((each) => !forgotten.includes(each));
          }
          expect(new Map(table.jobs.map((job) => [job.jobId, job.status]))).toEqual(model);
        });
      }),
    );
  });
});
