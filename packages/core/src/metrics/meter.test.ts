import { expect, test } from "vitest";
import { Counter } from "./counter.ts";
import { Meter } from "./meter.ts";

test("a counter counts up and down, and its field may be written directly", () => {
  const counter = new Counter();
  counter.inc();
  counter.inc(10);
  counter.dec(2);
  counter.value += 1;
  expect(counter.getCount()).toBe(10);
});

test("a rate needs two samples at different times", () => {
  const meter = new Meter();
  meter.markEvent(7);
  expect(meter.getRate()).toBe(0);
  meter.sample(1000);
  meter.sample(1000);
  expect(meter.getRate()).toBe(0);
  expect(meter.getCount()).toBe(7);
});

test("a rate looks back one minute and forgets what was before", () => {
  const counter = new Counter();
  const meter = new Meter(counter);
  for (let second = 0; second <= 60; second += 5) {
    meter.sample(second * 1000);
    counter.inc(50);
  }
  expect(meter.getRate()).toBe(10);
  for (let second = 65; second <= 125; second += 5) meter.sample(second * 1000);
  expect(meter.getRate()).toBe(0);
});

test("a meter that was not sampled for long starts over instead of stretching its window", () => {
  const meter = new Meter();
  meter.sample(0);
  meter.markEvent(1000);
  meter.sample(600_000);
  expect(meter.getRate()).toBe(0);
});
