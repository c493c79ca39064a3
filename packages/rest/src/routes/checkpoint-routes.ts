import type { FastifyInstance } from "fastify";
import type { AsyncOperation, CheckpointStatistics } from "millrace/internal";
import {
  checkpointBody,
  checkpointConfigBody,
  checkpointsBody,
  taskCheckpointBody,
} from "../answers/checkpoint-answers.ts";
import { failureCauseBody } from "../answers/job-answers.ts";
import { BodyFields, hexId, wholeNumber } from "../request-input.ts";
import type { RestBackend } from "../rest-backend.ts";
import type {
  AsyncOperationBody,
  CheckpointBody,
  DisposalBody,
  HexId,
  SavepointBody,
  TriggerBody,
} from "../rest-bodies.ts";
import { detailsGone, notFound, requestInvalid } from "../rest-failures.ts";
import { vertexIdsOf } from "../vertex-id.ts";

const FORMATS = ["CANONICAL", "NATIVE"] as const;

/** Checkpoints and savepoints: what is known of them, and requests for more. */
export function checkpointRoutes(app: FastifyInstance, backend: RestBackend): void {
  statisticsRoutes(app, backend);
  triggerRoutes(app, backend);
  disposalRoutes(app, backend);
}

function statisticsRoutes(app: FastifyInstance, { api }: RestBackend): void {
  app.get("/jobs/:jobid/checkpoints", async ({ params }) =>
    checkpointsBody((await api.checkpoints(hexId(params, "jobid"))).report),
  );
  app.get("/jobs/:jobid/checkpoints/config", async ({ params }) => {
    const jobId = hexId(params, "jobid");
    const { execution } = await api.config(jobId);
    if (execution === undefined) throw detailsGone(jobId, (await api.job(jobId)).status);
    return checkpointConfigBody(execution);
  });
  const remembered = async (
    params: unknown,
  ): Promise<{ readonly statistics: CheckpointStatistics; readonly ids: ReadonlyMap<number, HexId> }> => {
    const jobId = hexId(params, "jobid");
    const checkpointId = wholeNumber(params, "checkpointid");
    const { report } = await api.checkpoints(jobId);
    const { plan } = await api.job(jobId);
    const { completed, savepoint, failed } = report?.latest ?? {};
    const all = [...(report?.history ?? []), completed, savepoint, failed];
    const statistics = all.find((each) => each?.checkpointId === checkpointId);
    if (statistics === undefined || plan === undefined) throw notFound("checkpoint of the job", String(checkpointId));
    return { statistics, ids: vertexIdsOf(plan) };
  };
  const details = "/jobs/:jobid/checkpoints/details/:checkpointid";
  app.get(details, async ({ params }) => {
    const { statistics, ids } = await remembered(params);
    return checkpointBody(statistics, ids);
  });
  app.get(`${details}/subtasks/:vertexid`, async ({ params }) => {
    const vertexId = hexId(params, "vertexid");
    const { statistics, ids } = await remembered(params);
    const task = statistics.tasks.find((each) => ids.get(each.vertexId) === vertexId);
    if (task === undefined) throw notFound("vertex of the checkpoint", vertexId);
    return taskCheckpointBody(statistics, task);
  });
}

function triggerRoutes(app: FastifyInstance, { api }: RestBackend): void {
  app.post("/jobs/:jobid/savepoints", async ({ params, body }, reply): Promise<TriggerBody> => {
    const jobId = hexId(params, "jobid");
    const fields = new BodyFields(body);
    const options = {
      ...given("directory", fields.text("target-directory")),
      ...given("format", fields.oneOf("formatType", FORMATS)),
      ...given("requestId", fields.hexId("triggerId")),
      cancelsJob: fields.flag("cancel-job") ?? false,
    };
    const requestId = await api.triggerSavepoint(jobId, options);
    reply.code(202);
    return { "request-id": requestId };
  });
  app.post("/jobs/:jobid/stop", async ({ params, body }, reply): Promise<TriggerBody> => {
    const jobId = hexId(params, "jobid");
    const fields = new BodyFields(body);
    const options = {
      ...given("directory", fields.text("targetDirectory")),
      ...given("format", fields.oneOf("formatType", FORMATS)),
      ...given("requestId", fields.hexId("triggerId")),
      drain: fields.flag("drain") ?? false,
    };
    const requestId = await api.stopWithSavepoint(jobId, options);
    reply.code(202);
    return { "request-id": requestId };
  });
  app.post("/jobs/:jobid/checkpoints", async ({ params, body }, reply): Promise<TriggerBody> => {
    const jobId = hexId(params, "jobid");
    const fields = new BodyFields(body);
    if (fields.oneOf("checkpointType", ["CONFIGURED", "FULL", "INCREMENTAL"]) === "INCREMENTAL") {
      throw requestInvalid("Checkpoints are complete here", "INCREMENTAL", "CONFIGURED or FULL");
    }
    const requestId = await api.triggerCheckpoint(jobId, given("requestId", fields.hexId("triggerId")));
    reply.code(202);
    return { "request-id": requestId };
  });
  app.get("/jobs/:jobid/savepoints/:triggerid", async ({ params }): Promise<AsyncOperationBody<SavepointBody>> => {
    const operation = api.operation(hexId(params, "jobid"), hexId(params, "triggerid"));
    return operationBody(operation, ({ location }) => given("location", location));
  });
  app.get("/jobs/:jobid/checkpoints/:triggerid", async ({ params }): Promise<AsyncOperationBody<CheckpointBody>> => {
    const operation = api.operation(hexId(params, "jobid"), hexId(params, "triggerid"));
    return operationBody(operation, ({ checkpointId }) => given("checkpointId", checkpointId));
  });
}

function disposalRoutes(app: FastifyInstance, { api }: RestBackend): void {
  app.post("/savepoint-disposal", ({ body }): TriggerBody => {
    const fields = new BodyFields(body);
    const path = fields.text("savepoint-path");
    if (path === undefined || path === "")
      throw requestInvalid("Field savepoint-path must not be omitted or be null", "nothing", "the path of a savepoint");
    return { "request-id": api.disposeSavepoint(path, given("requestId", fields.hexId("triggerId"))) };
  });
  app.get(
    "/savepoint-disposal/:triggerid",
    ({ params }): AsyncOperationBody<DisposalBody> =>
      operationBody(api.disposal(hexId(params, "triggerid")), () => ({})),
  );
}

function operationBody<Result>(
  operation: AsyncOperation,
  resultOf: (completed: AsyncOperation & { readonly status: "COMPLETED" }) => Result,
): AsyncOperationBody<Result | DisposalBody> {
  switch (operation.status) {
    case "IN_PROGRESS":
      return { status: { id: "IN_PROGRESS" } };
    case "COMPLETED":
      return { status: { id: "COMPLETED" }, operation: resultOf(operation) };
    case "FAILED":
      return { status: { id: "COMPLETED" }, operation: { "failure-cause": failureCauseBody(operation.error) } };
    default:
      return operation satisfies never;
  }
}

/** The option, unless nobody has given it. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Each in Name]?: Value } {
  // An object with that one key, or none.
  return (value === undefined ? {} : { [name]: value }) as { readonly [Each in Name]?: Value };
}
