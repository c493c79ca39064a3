import { expect, test } from "vitest";
import { callSiteOf, userCall } from "./call-site.ts";

const own = "file:///repo/packages/core/src/";

test("the call site is the first frame outside the package", () => {
  const stack = [
    "Error: call site",
    "    at currentCallSite (file:///repo/packages/core/src/api/call-site.ts:10:5)",
    "    at DataStream.map (file:///repo/packages/core/src/api/data-stream.ts:90:18)",
    "    at build (file:///home/ann/my%20jobs/first.ts:12:6)",
    "    at file:///home/ann/main.ts:3:1",
  ].join("\n");
  expect(callSiteOf(stack, own)).toBe("/home/ann/my jobs/first.ts:12:6");
});

test.each([
  ["    at /home/ann/job.js:1:2", "/home/ann/job.js:1:2"],
  ["    at async file:///home/ann/job.ts:1:2", "/home/ann/job.ts:1:2"],
  ["    at async Promise.all (index 0)\n    at new Job (file:///a/b.ts:3:4)", "/a/b.ts:3:4"],
  ["    at node:internal/modules:1:2\n    at Object.<anonymous> (C:\\jobs\\job.js:3:4)", "C:\\jobs\\job.js:3:4"],
  ["    at file:///a/100%25%zz.ts:3:4", "/a/100%25%zz.ts:3:4"],
])("a frame %j is read", (frame, place) => {
  expect(callSiteOf(`Error\n${frame}`, own)).toBe(place);
});

test("a package that is bundled with the job names the outermost frame; without frames there is no place", () => {
  const inside =
    "Error\n    at a (file:///repo/packages/core/src/x.js:1:1)\n    at file:///repo/packages/core/src/x.js:9:9";
  expect(callSiteOf(inside, own)).toBe("/repo/packages/core/src/x.js:9:9");
  expect(callSiteOf("Error: call site", own)).toBe("unknown");
});

test("a call knows its own place, whatever the trace limit of the program is", () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const call = userCall("map");
  expect(Error.stackTraceLimit).toBe(0);
  Error.stackTraceLimit = limit;
  expect(call.method).toBe("map");
  expect(call.callSite).toMatch(/\/api\/call-site\.test\.ts:\d+:\d+$/);
});
