/** The typed client alone, without what the endpoint of a JobManager needs. */

export type * from "./checkpoint-bodies.ts";
export type * from "./rest-bodies.ts";
export { RestClient, type RestClientOptions, type RestSubmission, type WaitOptions } from "./rest-client.ts";
