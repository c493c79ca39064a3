import type { JobOverviewBody } from "@millrace/rest/client";
import { type ClusterOptions, clientOf } from "./cluster-client.ts";

/** What `millrace list` takes. @internal */
export interface ListOptions extends ClusterOptions {
  readonly all?: boolean;
  readonly running?: boolean;
  readonly scheduled?: boolean;
}

/** The jobs of a cluster, in Flink's sections. @internal */
export async function listJobs(options: ListOptions): Promise<string> {
  return renderJobs(await clientOf(options).jobs(), options);
}

type ListedJob = Pick<JobOverviewBody, "jid" | "name" | "state" | "start-time">;

const RULE = 62;

/** Jobs that have ended, and those that have not come so far as to run. Whatever is neither runs or restarts. */
const ENDED: ReadonlySet<string> = new Set(["FINISHED", "CANCELED", "FAILED", "SUSPENDED"]);
const SCHEDULED: ReadonlySet<string> = new Set(["CREATED", "INITIALIZING"]);

/** Without a flag those that have not ended. @internal */
export function renderJobs(
  jobs: readonly ListedJob[],
  { all = false, running = false, scheduled = false }: Pick<ListOptions, "all" | "running" | "scheduled">,
): string {
  const isDefault = !all && !running && !scheduled;
  const ended = jobs.filter(({ state }) => ENDED.has(state));
  const waiting = jobs.filter(({ state }) => SCHEDULED.has(state));
  const others = jobs.filter(({ state }) => !ENDED.has(state) && !SCHEDULED.has(state));
  let text = "";
  if (all || running || isDefault) text += section("Running/Restarting Jobs", others, "No running jobs.");
  if (all || scheduled || isDefault) text += section("Scheduled Jobs", waiting, "No scheduled jobs.");
  if (all) text += section("Terminated Jobs", ended, "No terminated jobs.");
  return text;
}

/** The oldest first, as in Flink. */
function section(title: string, jobs: readonly ListedJob[], none: string): string {
  if (jobs.length === 0) return `${none}\n`;
  const dashes = RULE - title.length - 2;
  const head = `${"-".repeat(Math.floor(dashes / 2))} ${title} ${"-".repeat(Math.ceil(dashes / 2))}`;
  const lines = jobs
    .toSorted((left, right) => left["start-time"] - right["start-time"])
    .map((job) => `${dateTime(job["start-time"])} : ${job.jid} : ${printable(job.name)} (${job.state})`);
  return `${[head, ...lines, "-".repeat(RULE)].join("\n")}\n`;
}

/** In the time zone of whoever reads it. */
function dateTime(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getDate())}.${two(date.getMonth() + 1)}.${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A job's name is whoever's who has submitted it. */
function printable(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, "?");
}
