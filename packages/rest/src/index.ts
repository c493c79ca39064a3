/** Millrace's REST API v1: Flink's paths and bodies over a JobManager, and a typed client. */

export type * from "./checkpoint-bodies.ts";
export type * from "./rest-bodies.ts";
export { RestClient, type RestClientOptions, type RestSubmission, type WaitOptions } from "./rest-client.ts";
export { type RestEndpoint, type RestEndpointOptions, startRestEndpoint } from "./rest-endpoint.ts";
