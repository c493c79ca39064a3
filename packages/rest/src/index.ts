/**
 * Every path of the REST API exists twice: as it is, and under the version's name, as in Flink.
 *
 * @internal
 */
export const REST_API_VERSIONS = ["v1"] as const;
