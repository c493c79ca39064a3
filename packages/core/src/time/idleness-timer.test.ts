import fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantViolation } from "../base/errors.ts";
import { IdlenessTimer } from "./idleness-timer.ts";

test("F09: I1: an input without records is idle once the idle time has passed, counted from the start", () => {
  const timer = new IdlenessTimer(100, 1000);
  expect(timer.idleAtMs).toBe(1100);
  expect(timer.isIdleAt(1099)).toBe(false);
  expect(timer.isIdleAt(1100)).toBe(true);
});

test("F09: I1: one record makes an idle input active, and the silence starts anew", () => {
  const timer = new IdlenessTimer(100, 0);
  expect(timer.isIdleAt(500)).toBe(true);
  timer.onActivity();
  expect(timer.isIdleAt(510)).toBe(false);
  expect(timer.isIdleAt(609)).toBe(false);
  expect(timer.isIdleAt(610)).toBe(true);
});

test("I2: an input is not found idle while it is not read, and the silence goes on afterwards where it was", () => {
  const timer = new IdlenessTimer(100, 0);
  timer.pause(60);
  expect(timer.idleAtMs).toBeUndefined();
  expect(timer.isIdleAt(10_000)).toBe(false);
  timer.resume(10_000);
  expect(timer.idleAtMs).toBe(10_040);
  expect(timer.isIdleAt(10_039)).toBe(false);
  expect(timer.isIdleAt(10_040)).toBe(true);
});

test("I2: a second pause or a resume without one changes nothing", () => {
  const timer = new IdlenessTimer(100, 0);
  timer.resume(10);
  timer.pause(60);
  timer.pause(80);
  timer.resume(200);
  timer.resume(300);
  expect(timer.idleAtMs).toBe(240);
});

test("I2: an input that was idle when reading stopped stays idle", () => {
  const timer = new IdlenessTimer(100, 0);
  timer.pause(150);
  expect(timer.isIdleAt(160)).toBe(true);
});

test("I3: a record is taken to have come when reading stopped, not when somebody looks afterwards", () => {
  const timer = new IdlenessTimer(100, 0);
  timer.onActivity();
  timer.pause(60);
  timer.onActivity();
  expect(timer.isIdleAt(100)).toBe(false);
  timer.resume(200);
  expect(timer.idleAtMs).toBe(300);
  expect(timer.isIdleAt(300)).toBe(true);

  timer.onActivity();
  timer.pause(400);
  timer.resume(500);
  expect(timer.isIdleAt(600)).toBe(true);
});

test("F09: I1-I3: idle is never found before the readable silence has lasted, and always by one check after it has", () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.nat(60), event: fc.constantFrom("record", "check", "check", "pause", "resume") }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), steps, (idlenessMs, list) => {
      const timer = new IdlenessTimer(idlenessMs, 0);
      let nowMs = 0;
      let isPaused = false;
      // Silence since the last record, and since the first look at the timer after it: the truth lies between.
      let silentMs = 0;
      let observedMs = 0;
      let isUnseen = false;
      for (const { afterMs, event } of list) {
        nowMs += afterMs;
        if (!isPaused) {
          silentMs += afterMs;
          if (!isUnseen) observedMs += afterMs;
        }
        if (event === "record") {
          timer.onActivity();
          silentMs = 0;
          observedMs = 0;
          isUnseen = true;
        } else if (event === "pause") {
          timer.pause(nowMs);
          isPaused = true;
          isUnseen = false;
        } else if (event === "resume") {
          timer.resume(nowMs);
          isPaused = false;
        } else {
          const isIdle = timer.isIdleAt(nowMs);
          isUnseen = false;
          if (isIdle) expect(silentMs).toBeGreaterThanOrEqual(idlenessMs);
          if (!isIdle) expect(observedMs).toBeLessThan(idlenessMs);
        }
      }
    }),
  );
});

test("an idle time of nothing is a bug of the engine", () => {
  expect(() => new IdlenessTimer(0, 0)).toThrow(InvariantViolation);
});
