import { expect, test } from "vitest";
import { checkRequest, type GuardedRequest } from "./request-guards.ts";

function isAdmitted(method: string, headers: GuardedRequest["headers"]): boolean {
  try {
    checkRequest({ method, headers });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "MR_REST_FORBIDDEN" });
    return false;
  }
}

test("G1: a request without a host, or with more than one, is for nobody", () => {
  expect(isAdmitted("GET", {})).toBe(false);
  expect(isAdmitted("GET", { host: "" })).toBe(false);
  expect(isAdmitted("GET", { host: ["localhost", "evil.example"] })).toBe(false);
  expect(isAdmitted("GET", { host: "localhost:8081:8081" })).toBe(false);
  expect(isAdmitted("GET", { host: "[::1]" })).toBe(true);
});

test("G2: a page may change what is of its own origin, and so may whatever is no page", () => {
  const host = "localhost:8081";
  expect(isAdmitted("POST", { host })).toBe(true);
  expect(isAdmitted("POST", { host, origin: "http://localhost:8081", "sec-fetch-site": "same-origin" })).toBe(true);
  expect(isAdmitted("POST", { host, origin: "https://localhost:8081" })).toBe(false);
  expect(isAdmitted("PATCH", { host, origin: "http://127.0.0.1:8081" })).toBe(false);
  expect(isAdmitted("DELETE", { host, "sec-fetch-site": "same-site" })).toBe(false);
  expect(isAdmitted("GET", { host, origin: "http://evil.example", "sec-fetch-site": "cross-site" })).toBe(true);
});
