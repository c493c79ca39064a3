/**
 * The REST API over a JobManager, as an application that answers requests and opens no port: Flink's paths, each as it is and
 * below `/v1`.
 */
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { MillraceError, REST_IDLENESS_TIMEOUT, REST_MAX_CONTENT_LENGTH } from "millrace/internal";
import { checkRequest } from "./request-guards.ts";
import type { RestBackend } from "./rest-backend.ts";
import { failureAnswer, notFound } from "./rest-failures.ts";
import { checkpointRoutes } from "./routes/checkpoint-routes.ts";
import { clusterRoutes } from "./routes/cluster-routes.ts";
import { jarRoutes } from "./routes/jar-routes.ts";
import { jobRoutes } from "./routes/job-routes.ts";

/** Every path of the REST API exists twice: as it is, and below each version's name, as in Flink. */
const PREFIXES = ["", "/v1"] as const;

/** Of what is no file. */
const JSON_BYTES_MAX = 1024 * 1024;
/** One part of a path. */
const PARAM_LENGTH_MAX = 300;
/** From the first byte of a request to its last. */
const REQUEST_TIMEOUT_MS = 300_000;
/** For its head alone. */
const HEADERS_TIMEOUT_MS = 10_000;

export async function createRestApp(backend: RestBackend): Promise<FastifyInstance> {
  const { configuration } = backend;
  const bytesMax = configuration.get(REST_MAX_CONTENT_LENGTH);
  const idlenessMs = configuration.get(REST_IDLENESS_TIMEOUT);
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> =>
    answerFailure(backend, bytesMax, error, request, reply);
  const app = fastify({
    bodyLimit: Math.min(JSON_BYTES_MAX, bytesMax),
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: idlenessMs,
    connectionTimeout: idlenessMs,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: true,
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX, ignoreTrailingSlash: true },
    // What cannot even be routed, such as a path that is badly encoded.
    frameworkErrors: (error, request, reply) => void answer(error, request as FastifyRequest, reply as FastifyReply),
  });
  app.addHook("onRequest", async (request) => checkRequest(request));
  app.addHook("onSend", async (_, reply) => {
    reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
  });
  app.setErrorHandler(answer);
  app.setNotFoundHandler((request, reply) =>
    answer(notFound(request.url.split("?")[0]!, request.method), request, reply),
  );
  acceptEmptyBodies(app);
  await app.register(multipart, { throwFileSizeLimit: true, limits: { fileSize: bytesMax } });
  for (const prefix of PREFIXES) {
    await app.register(
      async (versioned) => {
        clusterRoutes(versioned, backend);
        jobRoutes(versioned, backend);
        checkpointRoutes(versioned, backend);
        jarRoutes(versioned, backend);
      },
      { prefix },
    );
  }
  return app;
}

/** A request without a body is one with an empty object, as in Flink. */
function acceptEmptyBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  // Plain text is what pages of other origins can send without asking.
  app.removeContentTypeParser(["application/json", "text/plain"]);
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, {});
    else void parse(request, body as string, done);
  });
}

async function answerFailure(
  { api, onWarning }: RestBackend,
  bytesMax: number,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { status, body, isOwn } = failureAnswer(thrown, bytesMax);
  if (isOwn) onWarning(`${request.method} ${request.url} failed: ${body.errors[0]}`);
  const isTooEarly = thrown instanceof MillraceError && thrown.code === "MR_JOB_NOT_RUNNING";
  return reply.code(isTooEarly && (await isStarting(api, request)) ? 503 : status).send(body);
}

/** A client that waits for a while gets what it has asked for; one of a job that has ended does not. */
async function isStarting(api: RestBackend["api"], { params }: FastifyRequest): Promise<boolean> {
  const { jobid } = params as { readonly jobid?: string };
  const job = api.listJobs().find(({ jobId }) => jobId === jobid);
  return job !== undefined && job.endTimeMs === undefined;
}
