import { expect, test } from "vitest";
import { renderJobs } from "./list-command.ts";

const job = (jid: string, name: string, state: "RUNNING" | "CREATED" | "RESTARTING" | "FINISHED", minute: number) => ({
  jid: jid.repeat(32),
  name,
  state,
  "start-time": new Date(2026, 10, 21, 9, minute, 5).getTime(),
});

const jobs = [
  job("c", "third\u001b[31m", "RESTARTING", 3),
  job("b", "second", "FINISHED", 2),
  job("a", "first", "RUNNING", 1),
];

test("S50: jobs are listed in Flink's sections, the oldest first, with nothing in their names that a terminal obeys", () => {
  expect(renderJobs(jobs, {})).toBe(`------------------ Running/Restarting Jobs -------------------
21.11.2026 09:01:05 : ${"a".repeat(32)} : first (RUNNING)
21.11.2026 09:03:05 : ${"c".repeat(32)} : third?[31m (RESTARTING)
--------------------------------------------------------------
No scheduled jobs.
`);
});

test("S50: -r and -s choose a section, -a adds the jobs that have ended", () => {
  expect(renderJobs(jobs, { scheduled: true })).toBe("No scheduled jobs.\n");
  expect(renderJobs([job("d", "fourth", "CREATED", 4)], { running: true })).toBe("No running jobs.\n");
  expect(renderJobs([job("d", "fourth", "CREATED", 4)], { scheduled: true })).toContain("fourth (CREATED)");
  const all = renderJobs(jobs, { all: true });
  expect(all).toContain("No scheduled jobs.\n---------------------- Terminated Jobs -----------------------\n");
  expect(all).toContain("second (FINISHED)");
});
