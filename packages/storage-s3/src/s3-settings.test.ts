import { Configuration, MillraceError } from "millrace";
import { describe, expect, test } from "vitest";
import { type S3Settings, s3SettingsOf } from "./s3-settings.ts";

type Env = Readonly<Record<string, string>>;

const KEYS: Env = { AWS_ACCESS_KEY_ID: "env-id", AWS_SECRET_ACCESS_KEY: "env-secret" };

function settings(given: Readonly<Record<string, string>>, env: Env = KEYS): S3Settings {
  const entries = Object.entries(given).map(([key, value]) => ({ key, value }));
  return s3SettingsOf({ configuration: Configuration.fromEntries(entries), env });
}

function failure(given: Readonly<Record<string, string>>, env: Env = KEYS): MillraceError {
  try {
    settings(given, env);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("not refused");
}

describe("S45: settings of S3", () => {
  test("Amazon's service of the region is asked unless there is an endpoint", () => {
    expect(settings({}).endpoint.href).toBe("https://s3.us-east-1.amazonaws.com/");
    expect(settings({}, { ...KEYS, AWS_REGION: "eu-central-1" })).toMatchObject({ region: "eu-central-1" });
    expect(settings({ "s3.region": "eu-west-1" }, { ...KEYS, AWS_REGION: "x" }).endpoint.host).toBe(
      "s3.eu-west-1.amazonaws.com",
    );
    expect(settings({ "s3.endpoint": "http://127.0.0.1:9000" }).endpoint.port).toBe("9000");
    expect(settings({ "s3.path-style-access": "true" }).isPathStyle).toBe(true);
  });

  test("key and secret are from one place, the settings before the environment", () => {
    expect(settings({}).credentials).toEqual({ accessKeyId: "env-id", secretAccessKey: "env-secret" });
    expect(settings({}, { ...KEYS, AWS_SESSION_TOKEN: "t" }).credentials.sessionToken).toBe("t");
    const own = { "s3.access.key": "own-id", "s3.secret.key": "own-secret" };
    expect(settings(own, { ...KEYS, AWS_SESSION_TOKEN: "t" }).credentials).toEqual({
      accessKeyId: "own-id",
      secretAccessKey: "own-secret",
    });
  });

  test("MR_S3_CREDENTIALS_MISSING says which half is missing, and shows neither", () => {
    expect(failure({}, {})).toMatchObject({
      code: "MR_S3_CREDENTIALS_MISSING",
      found: "no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY",
    });
    const half = failure({ "s3.secret-key": "own-secret" });
    expect(half).toMatchObject({ code: "MR_S3_CREDENTIALS_MISSING", found: "no s3.access-key" });
    expect(String(half)).not.toContain("own-secret");
  });

  test("MR_CONFIG_INVALID: an endpoint with more than a host is refused, and a password in it is not repeated", () => {
    for (const endpoint of ["minio:9000", "ftp://h", "http://h/bucket", "http://user:pass@h", "http://h?x=1"]) {
      const error = failure({ "s3.endpoint": endpoint });
      expect(error.code).toBe("MR_CONFIG_INVALID");
      expect(String(error)).not.toContain("pass@");
    }
  });
});
