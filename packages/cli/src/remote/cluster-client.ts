import { RestClient } from "@millrace/rest/client";
import { type Configuration, MillraceError } from "millrace";
import { readSettings, type SettingOptions } from "../settings.ts";

/** How long a command that asks something once tries to reach its JobManager. */
const RETRY_MS = 2000;

/** What every command takes that asks a cluster. @internal */
export interface ClusterOptions extends Pick<SettingOptions, "config" | "D"> {
  /** `HOST:PORT` of the JobManager's REST endpoint. */
  readonly jobmanager?: string;
}

/** @internal */
export interface ClientTiming {
  /** How long calls are repeated while no JobManager answers. */
  readonly retryTimeoutMs?: number;
}

/** A client of the cluster that a command line names: with `-m`, or with `rest.address` and `rest.port`. @internal */
export function clientOf(
  options: ClusterOptions,
  { retryTimeoutMs = RETRY_MS }: ClientTiming = {},
  configuration: Configuration = readSettings(options),
): RestClient {
  const { jobmanager } = options;
  const given = jobmanager === undefined ? {} : parseJobManager(jobmanager);
  return RestClient.of(configuration, { ...given, retryTimeoutMs });
}

/** `HOST:PORT`, with an IPv6 address in brackets, as a URL too. @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function parseJobManager(text: string): { readonly host: string; readonly port: number } {
  const parts = /^(?:http:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]\s]+)):(\d{1,5})\/?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "The address of the JobManager cannot be read",
    found: `-m ${JSON.stringify(text)}`,
    expected: "HOST:PORT of its REST endpoint, such as localhost:8081",
    todo: "Correct it, or leave it out: rest.address and rest.port say where it is",
  });
}

/** @throws MillraceError `MR_JOB_ID_INVALID` @internal */
export function checkJobId(text: string): string {
  const jobId = text.toLowerCase();
  if (/^[0-9a-f]{32}$/.test(jobId)) return jobId;
  throw new MillraceError("MR_JOB_ID_INVALID", {
    what: "This is no id of a job",
    found: JSON.stringify(text),
    expected: "32 hexadecimal digits, as millrace list shows them",
    todo: "Copy it from there; a job's name is not its id",
  });
}
