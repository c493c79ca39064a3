import { expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { AsyncOperations } from "./async-operations.ts";

const ID = "00112233445566778899aabbccddeeff";

function start() {
  const platform = createSimulatedPlatform({ seed: 1 });
  return { platform, operations: new AsyncOperations({ ...platform, keptMs: 5000 }) };
}

test("an id is one request, under way and when it has ended; another scope's is another", async () => {
  const { platform, operations } = start();
  let begun = 0;
  const action = async () => ({ location: `/savepoint-${++begun}` });
  await platform.run(async () => {
    expect(operations.begin("job", action, ID)).toBe(ID);
    expect(operations.begin("job", action, ID)).toBe(ID);
    expect(operations.get("job", ID)).toEqual({ status: "IN_PROGRESS" });
    await Promise.resolve();
  });
  expect(operations.get("job", ID)).toEqual({ status: "COMPLETED", location: "/savepoint-1" });
  operations.begin("job", action, ID);
  expect(begun).toBe(1);
  expect(operations.get("other", ID)).toBeUndefined();
  expect(operations.begin("other", action, undefined)).toMatch(/^[0-9a-f]{32}$/);
  expect(begun).toBe(2);
});

test("a request that cannot even begin is none: it may be tried again", () => {
  const { operations } = start();
  const refuse = (): never => {
    throw new Error("not running");
  };
  expect(() => operations.begin("job", refuse, ID)).toThrow("not running");
  expect(operations.get("job", ID)).toBeUndefined();
});

test("results are kept for a while, what is under way until it ends", async () => {
  const { platform, operations } = start();
  const { scheduler, clock } = platform;
  operations.begin("job", () => new Promise((_, reject) => clock.after(60_000, () => reject(new Error("no")))), ID);
  await scheduler.advance(59_999);
  expect(operations.get("job", ID)).toEqual({ status: "IN_PROGRESS" });
  await scheduler.advance(2000);
  expect(operations.get("job", ID)).toMatchObject({ status: "FAILED", error: { message: "no" } });
  await scheduler.advance(5000);
  expect(operations.get("job", ID)).toBeUndefined();
});

test("of each scope only so many requests are remembered, the newest ones", async () => {
  const { platform, operations } = start();
  const ids = await platform.run(async () =>
    Array.from({ length: 70 }, () => operations.begin("job", async () => ({ location: undefined }))),
  );
  expect(ids.filter((id) => operations.get("job", id) !== undefined)).toEqual(ids.slice(-64));
});
