import type { FastifyInstance } from "fastify";
import {
  type ErrorMessage,
  type JobDetails,
  MillraceError,
  toErrorMessage,
  type VertexDetails,
} from "millrace/internal";
import {
  accumulatorBodies,
  exceptionsBody,
  executionResultBody,
  jobConfigBody,
  jobDetailsBody,
  jobOverviewBody,
  progressBody,
} from "../answers/job-answers.ts";
import { metricBodies } from "../answers/metric-answers.ts";
import { planBody } from "../answers/plan-answers.ts";
import { subtaskBody, subtaskTimesBody, vertexDetailsBody, vertexOf } from "../answers/vertex-answers.ts";
import { hexId, queryText, wholeNumber } from "../request-input.ts";
import type { RestBackend } from "../rest-backend.ts";
import type {
  JobAccumulatorsBody,
  JobIdsBody,
  JobPlanBody,
  JobStatusBody,
  JobsOverviewBody,
  MetricsBody,
  StallBody,
} from "../rest-bodies.ts";
import { detailsGone, notFound, requestInvalid } from "../rest-failures.ts";

/** Failures that are told when nobody says how many. */
const EXCEPTIONS_SHOWN = 20;

/** Jobs, and how they are. */
export function jobRoutes(app: FastifyInstance, backend: RestBackend): void {
  const { api, clock, onWarning } = backend;
  const jobOf = (params: unknown): Promise<JobDetails> => api.job(hexId(params, "jobid"));

  app.get("/jobs", (): JobIdsBody => ({ jobs: api.listJobs().map(({ jobId, status }) => ({ id: jobId, status })) }));
  app.get("/jobs/overview", (): JobsOverviewBody => ({ jobs: api.listJobs().map(jobOverviewBody) }));
  app.get("/jobs/:jobid", async ({ params }) => jobDetailsBody(await jobOf(params), clock.wallMs()));
  app.get(
    "/jobs/:jobid/status",
    async ({ params }): Promise<JobStatusBody> => ({ status: (await jobOf(params)).status }),
  );
  app.get("/jobs/:jobid/plan", async ({ params }): Promise<JobPlanBody> => {
    const { jobId, name, status, plan, isBatch } = await jobOf(params);
    if (plan === undefined || isBatch === undefined) throw detailsGone(jobId, status);
    return { plan: planBody(jobId, name, plan, isBatch) };
  });
  app.get("/jobs/:jobid/config", async ({ params }) => jobConfigBody(await api.config(hexId(params, "jobid"))));
  app.get("/jobs/:jobid/exceptions", async ({ params, query }) => {
    const countMax = queryText(query, "maxExceptions") ?? String(EXCEPTIONS_SHOWN);
    if (!/^\d{1,6}$/.test(countMax))
      throw requestInvalid("Cannot resolve query parameter (maxExceptions)", countMax, "a whole number");
    return exceptionsBody(await api.exceptions(hexId(params, "jobid")), Number(countMax));
  });
  app.get("/jobs/:jobid/accumulators", async ({ params }): Promise<JobAccumulatorsBody> => {
    const accumulators = await api.accumulators(hexId(params, "jobid"));
    return {
      "job-accumulators": [],
      "user-task-accumulators": accumulatorBodies(accumulators),
      "serialized-user-task-accumulators": {},
    };
  });
  app.get("/jobs/:jobid/progress", async ({ params }) => progressBody(await api.progress(hexId(params, "jobid"))));
  app.get("/jobs/:jobid/stall", async ({ params }): Promise<StallBody> => {
    const { status, atMs, text, shortText } = await api.explainStall(hexId(params, "jobid"));
    return { status, atMs, text, shortText };
  });
  app.get("/jobs/:jobid/execution-result", async ({ params }) => {
    const job = await jobOf(params);
    return executionResultBody(job, job.endTimeMs === undefined ? new Map() : await accumulatorsOf(backend, job));
  });
  app.get("/jobs/:jobid/metrics", async ({ params, query }): Promise<MetricsBody> => {
    const job = await jobOf(params);
    const snapshots = await orNone(api.metrics(job.jobId));
    const { report } = await api.checkpoints(job.jobId);
    return metricBodies(job, report, snapshots, queryText(query, "get"));
  });
  app.patch("/jobs/:jobid", async ({ params, query }, reply) => {
    const mode = queryText(query, "mode") ?? "cancel";
    if (mode !== "cancel") throw requestInvalid("Cannot resolve query parameter (mode)", mode, "cancel");
    const { jobId, status } = await jobOf(params);
    if (status === "FINISHED" || status === "FAILED") throw detailsGone(jobId, status);
    api.cancelJob(jobId).catch((error: unknown) => onWarning(`job ${jobId} could not be cancelled: ${String(error)}`));
    return reply.code(202).send({});
  });
  vertexRoutes(app, backend, jobOf);
}

function vertexRoutes(
  app: FastifyInstance,
  { clock }: RestBackend,
  jobOf: (params: unknown) => Promise<JobDetails>,
): void {
  const path = "/jobs/:jobid/vertices/:vertexid";
  const found = async (params: unknown): Promise<{ readonly id: string; readonly vertex: VertexDetails }> => {
    const id = hexId(params, "vertexid");
    const vertex = vertexOf(await jobOf(params), id);
    if (vertex === undefined) throw notFound("vertex of the job", id);
    return { id, vertex };
  };
  app.get(path, async ({ params }) => {
    const { id, vertex } = await found(params);
    return vertexDetailsBody(id, vertex, clock.wallMs());
  });
  app.get(`${path}/subtasktimes`, async ({ params }) => {
    const { id, vertex } = await found(params);
    return subtaskTimesBody(id, vertex, clock.wallMs());
  });
  app.get(`${path}/subtasks/:subtaskindex`, async ({ params }) => {
    const { vertex } = await found(params);
    const index = wholeNumber(params, "subtaskindex");
    const subtask = vertex.subtasks.find(({ subtaskIndex }) => subtaskIndex === index);
    if (subtask === undefined) throw notFound("subtask of the vertex", String(index));
    return subtaskBody(subtask, clock.wallMs());
  });
}

async function accumulatorsOf(
  { api }: RestBackend,
  { jobId }: JobDetails,
): Promise<ReadonlyMap<string, unknown> | ErrorMessage> {
  try {
    return await api.accumulators(jobId);
  } catch (error) {
    return toErrorMessage(error);
  }
}

/** A job that does not run has no metrics of its slots. */
async function orNone<Item>(asked: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof MillraceError && error.code === "MR_JOB_NOT_RUNNING") return [];
    throw error;
  }
}
