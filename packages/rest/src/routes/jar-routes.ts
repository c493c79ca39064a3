import type { FastifyInstance, FastifyRequest } from "fastify";
import { type JobSubmission, MillraceError, REST_MAX_CONTENT_LENGTH, WEB_SUBMIT_ENABLE } from "millrace/internal";
import { planBody } from "../answers/plan-answers.ts";
import type { StoredJar } from "../jar-store.ts";
import { BodyFields, param, queryText } from "../request-input.ts";
import type { RestBackend } from "../rest-backend.ts";
import type { JarBody, JarRunBody, JarsBody, JarUploadBody, JobPlanBody } from "../rest-bodies.ts";
import { forbidden, notFound, requestInvalid, tooLarge } from "../rest-failures.ts";

/** What a form has beside the file. */
const FORM_OVERHEAD_BYTES = 64 * 1024;
const CLAIM_MODES = ["CLAIM", "NO_CLAIM", "LEGACY"] as const;
/** Stands for a job that is only planned. */
const NO_JOB = "0".repeat(32);

/** The files of jobs: a "jar" here is one file of JavaScript modules, as Flink's clients call it. */
export function jarRoutes(app: FastifyInstance, backend: RestBackend): void {
  const { api, jars, configuration, url } = backend;
  const bytesMax = configuration.get(REST_MAX_CONTENT_LENGTH);
  const checkEnabled = (): void => {
    if (configuration.get(WEB_SUBMIT_ENABLE)) return;
    throw forbidden("Jobs cannot be submitted over the REST API", "web.submit.enable: false", "Set web.submit.enable");
  };

  app.get("/jars", async (): Promise<JarsBody> => ({ address: url(), files: (await jars.list()).map(jarBody) }));
  app.get("/jars/:jarid", async ({ params }): Promise<JarBody> => jarBody(await found(backend, params)));
  app.post("/jars/upload", { bodyLimit: bytesMax + FORM_OVERHEAD_BYTES }, async (request): Promise<JarUploadBody> => {
    checkEnabled();
    const { name, bytes } = await uploaded(request, bytesMax);
    return { status: "success", filename: `/jars/${await jars.put(name, bytes)}` };
  });
  app.delete("/jars/:jarid", async ({ params }) => {
    checkEnabled();
    const id = param(params, "jarid");
    if (!(await jars.remove(id))) throw notFound("job file", id);
    return {};
  });
  app.post("/jars/:jarid/run", async (request): Promise<JarRunBody> => {
    checkEnabled();
    const jobId = new BodyFields(request.body).hexId("jobId");
    const submission = await submissionOf(backend, request);
    const submitted = await api.submitJob({ ...submission, ...(jobId === undefined ? {} : { jobId }) });
    return { jobid: submitted.jobId };
  });
  const plan = async (request: FastifyRequest): Promise<JobPlanBody> => {
    checkEnabled();
    const submission = await submissionOf(backend, request);
    const jobId = new BodyFields(request.body).hexId("jobId") ?? NO_JOB;
    const preview = await api.planJob(submission).catch((error: unknown) => {
      if (error instanceof MillraceError) throw error;
      // What the job's own code throws is nothing that this process has done wrong.
      throw requestInvalid("The code of the job cannot be run", String(error), "a default export that builds the job");
    });
    return { plan: planBody(jobId, preview.plan.name, preview.plan, preview.isBatch) };
  };
  app.get("/jars/:jarid/plan", plan);
  app.post("/jars/:jarid/plan", plan);
}

async function found({ jars }: RestBackend, params: unknown): Promise<StoredJar> {
  const id = param(params, "jarid");
  const jar = await jars.get(id);
  if (jar === undefined) throw notFound("job file", id);
  return jar;
}

async function uploaded(
  request: FastifyRequest,
  bytesMax: number,
): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  if (!request.isMultipart()) {
    const found = request.headers["content-type"] ?? "no content type";
    throw requestInvalid("The request brings no file", found, "multipart/form-data with the field jarfile");
  }
  const part = await request.file({ limits: { files: 1, fields: 8, fieldSize: 4096, fileSize: bytesMax } });
  if (part === undefined) throw requestInvalid("The request brings no file", "none", "the field jarfile");
  const bytes = await part.toBuffer();
  if (part.file.truncated) throw tooLarge(bytesMax);
  return { name: part.filename, bytes };
}

/** The body's words count above those of the query, as in Flink. */
async function submissionOf(
  backend: RestBackend,
  { params, query, body }: FastifyRequest,
): Promise<Omit<JobSubmission, "jobId">> {
  const { id, hash, name } = await found(backend, params);
  const fields = new BodyFields(body);
  const configuration = settingsOf(fields, query);
  const bytes = await backend.jars.read(id);
  if (bytes === undefined) throw notFound("job file", id);
  const named = configuration.findLast(({ key }) => key === "pipeline.name")?.value;
  return {
    name: typeof named === "string" && named !== "" ? named : name.replace(/\.mjs$/, ""),
    code: { bytes, hash },
    args: fields.texts("programArgsList") ?? queryText(query, "programArg")?.split(",") ?? [],
    configuration,
  };
}

/** Each with the field that it came from, for messages. */
function settingsOf(fields: BodyFields, query: unknown): JobSubmission["configuration"] {
  const entryClass = fields.text("entryClass") ?? queryText(query, "entry-class") ?? "";
  if (entryClass !== "")
    throw requestInvalid("A job file has one entry, its default export", entryClass, "no entryClass");
  const parallelism = fields.count("parallelism") ?? queryText(query, "parallelism");
  const savepointPath = fields.text("savepointPath") ?? queryText(query, "savepointPath");
  const ignoresUnclaimed = fields.flag("allowNonRestoredState") ?? queryText(query, "allowNonRestoredState");
  const claimMode = fields.oneOf("claimMode", CLAIM_MODES) ?? fields.oneOf("restoreMode", CLAIM_MODES);
  const named: readonly (readonly [key: string, value: unknown, origin: string])[] = [
    ["parallelism.default", parallelism, "parallelism"],
    ["execution.state-recovery.path", savepointPath === "" ? undefined : savepointPath, "savepointPath"],
    ["execution.state-recovery.ignore-unclaimed-state", ignoresUnclaimed, "allowNonRestoredState"],
    ["execution.state-recovery.claim-mode", claimMode, "claimMode"],
  ];
  const own = named.flatMap(([key, value, origin]) => (value === undefined ? [] : [{ key, value, origin }]));
  const keys = new Set(own.map(({ key }) => key));
  const settings = (fields.settings("flinkConfiguration") ?? [])
    .filter(([key]) => !keys.has(key))
    .map(([key, value]) => ({ key, value, origin: "flinkConfiguration" }));
  const ofFile = (fields.settings("fileConfiguration") ?? []).map(([key, value]) => ({
    ...{ key, value, origin: "fileConfiguration" },
    layer: "file" as const,
  }));
  return [...ofFile, ...settings, ...own];
}

function jarBody({ id, name, uploadedMs }: StoredJar): JarBody {
  return { id, name, uploaded: uploadedMs, entry: [{ name: "default", description: null }] };
}
