import type { FastifyInstance } from "fastify";
import { type TaskManagerDetails, WEB_CANCEL_ENABLE, WEB_REFRESH_INTERVAL, WEB_SUBMIT_ENABLE } from "millrace/internal";
import { param } from "../request-input.ts";
import type { RestBackend } from "../rest-backend.ts";
import type {
  ClusterOverviewBody,
  ConfigurationBody,
  DashboardConfigurationBody,
  TaskManagerBody,
  TaskManagerDetailsBody,
  TaskManagersBody,
} from "../rest-bodies.ts";
import { forbidden, notFound } from "../rest-failures.ts";
import { FLINK_VERSION, MILLRACE_VERSION } from "../versions.ts";

/** The cluster as a whole. */
export function clusterRoutes(app: FastifyInstance, backend: RestBackend): void {
  const { api, configuration, onShutDown } = backend;
  app.get("/overview", (): ClusterOverviewBody => {
    const overview = api.overview();
    return {
      taskmanagers: overview.taskManagers,
      "slots-total": overview.slotsTotal,
      "slots-available": overview.slotsAvailable,
      "jobs-running": overview.jobsRunning,
      "jobs-finished": overview.jobsFinished,
      "jobs-cancelled": overview.jobsCancelled,
      "jobs-failed": overview.jobsFailed,
      "flink-version": FLINK_VERSION,
      "flink-commit": "",
      "millrace-version": MILLRACE_VERSION,
    };
  });
  app.get("/config", (): DashboardConfigurationBody => {
    const { name, offsetMs } = timeZone(backend.clock.wallMs());
    return {
      "refresh-interval": configuration.get(WEB_REFRESH_INTERVAL),
      "timezone-name": name,
      "timezone-offset": offsetMs,
      "flink-version": FLINK_VERSION,
      "flink-revision": `Millrace ${MILLRACE_VERSION}`,
      features: {
        "web-submit": configuration.get(WEB_SUBMIT_ENABLE),
        "web-cancel": configuration.get(WEB_CANCEL_ENABLE),
        "web-rescale": false,
        "web-history": false,
      },
    };
  });
  app.get(
    "/jobmanager/config",
    (): ConfigurationBody => api.configuration().map(({ key, value }) => ({ key, value: String(value) })),
  );
  app.get("/taskmanagers", (): TaskManagersBody => ({ taskmanagers: api.taskManagers().map(taskManagerBody) }));
  app.get("/taskmanagers/:taskmanagerid", ({ params }): TaskManagerDetailsBody => {
    const id = param(params, "taskmanagerid");
    const details = api.taskManagers().find(({ taskManagerId }) => taskManagerId === id);
    if (details === undefined) throw notFound("TaskManager", id);
    const allocatedSlots = details.allocations.map(({ jobId }) => ({ jobId }));
    return { ...taskManagerBody(details), allocatedSlots };
  });
  app.delete("/cluster", (_, reply) => {
    if (onShutDown === undefined) {
      throw forbidden("This JobManager cannot be ended from outside", "DELETE /cluster", "End its process");
    }
    // Who has asked hears of it first.
    reply.raw.once("finish", onShutDown);
    return {};
  });
}

function taskManagerBody(details: TaskManagerDetails): TaskManagerBody {
  const { taskManagerId, name, host, processId, dataAddress, slotCount, freeSlotCount, lastHeardMs } = details;
  const port = Number(dataAddress?.slice(dataAddress.lastIndexOf(":") + 1));
  return {
    id: taskManagerId,
    path: `${host}:${processId} ${name}`,
    dataPort: Number.isInteger(port) && port > 0 ? port : -1,
    timeSinceLastHeartbeat: lastHeardMs,
    slotsNumber: slotCount,
    freeSlots: freeSlotCount,
    hardware: { cpuCores: details.availableParallelism },
  };
}

/** Of this machine, at that time. */
function timeZone(atMs: number): { readonly name: string; readonly offsetMs: number } {
  const offsetMs = -new Date(atMs).getTimezoneOffset() * 60_000;
  return { name: new Intl.DateTimeFormat("en").resolvedOptions().timeZone, offsetMs };
}
