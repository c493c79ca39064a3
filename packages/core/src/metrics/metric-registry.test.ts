import { expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import type { MetricGroup } from "./metric-group.ts";
import { MetricRegistry } from "./metric-registry.ts";
import { metricValue } from "./metric-value.ts";
import type { OperatorScope } from "./scope.ts";

const hourly: OperatorScope = {
  host: "alpha",
  taskManagerId: "tm-1",
  jobId: "5f3a",
  jobName: "delays",
  taskId: "c0ffee",
  taskName: "flights -> hourly",
  subtaskIndex: 2,
  attempt: 0,
  operatorId: "beef",
  operatorName: "hourly",
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error.code;
    throw error;
  }
  return "none";
}

function identifiers(registry: MetricRegistry): readonly string[] {
  return registry.list().map(({ identifier }) => identifier);
}

const operatorGroup = (): MetricGroup => new MetricRegistry().operatorGroup(hourly);

test("identifiers are Flink's: the scope of the job, task or operator, then groups, then the name", () => {
  const registry = new MetricRegistry();
  registry.operatorGroup(hourly).counter("numRecordsIn");
  registry
    .operatorGroup(hourly)
    .addGroup("airports")
    .addGroup("state", "CA")
    .gauge("open", () => 3);
  registry.taskGroup(hourly).meter("numBuffersOutPerSecond");
  registry.jobGroup(hourly).counter("numRestarts");
  expect(identifiers(registry)).toEqual([
    "alpha.jobmanager.delays.numRestarts",
    "alpha.taskmanager.tm-1.delays.flights -> hourly.2.numBuffersOutPerSecond",
    "alpha.taskmanager.tm-1.delays.hourly.2.airports.state.CA.open",
    "alpha.taskmanager.tm-1.delays.hourly.2.numRecordsIn",
  ]);
});

test("a group with a value is a variable of the metrics below it only", () => {
  const group = operatorGroup();
  const child = group.addGroup("topic", "orders");
  expect(child.getAllVariables().get("<topic>")).toBe("orders");
  expect(child.getAllVariables().get("<job_name>")).toBe("delays");
  expect(child.getAllVariables().get("<subtask_index>")).toBe("2");
  expect(group.getAllVariables().has("<topic>")).toBe(false);
});

test("scope formats can be changed, and a variable that does not exist stays visible", () => {
  const registry = new MetricRegistry({
    jobManagerJob: "jm",
    taskManagerJob: "tm",
    task: "<task_name>",
    operator: "<job_name>-<colour>",
  });
  registry.operatorGroup(hourly).counter("n");
  expect(identifiers(registry)).toEqual(["delays-<colour>.n"]);
});

test("asking twice for one name gives the same metric and the same group", () => {
  const group = operatorGroup();
  expect(group.counter("a")).toBe(group.counter("a"));
  expect(group.meter("b")).toBe(group.meter("b"));
  expect(group.histogram("c")).toBe(group.histogram("c"));
  expect(group.addGroup("g").counter("a")).toBe(group.addGroup("g").counter("a"));
  expect(group.addGroup("g").counter("a")).not.toBe(group.counter("a"));
});

test("one name cannot be two kinds of metric, nor two gauges", () => {
  const group = operatorGroup();
  group.counter("a");
  group.gauge("b", () => 1);
  expect(codeOf(() => group.meter("a"))).toBe("MR_METRIC_NAME_TAKEN");
  expect(codeOf(() => group.gauge("b", () => 2))).toBe("MR_METRIC_NAME_TAKEN");
});

test("a group holds 1000 metrics and groups, not one for every key", () => {
  const group = operatorGroup();
  for (let index = 0; index < 999; index++) group.counter(`key-${index}`);
  group.addGroup("last");
  expect(codeOf(() => group.counter("one too many"))).toBe("MR_METRIC_LIMIT");
  expect(codeOf(() => group.addGroup("one too many"))).toBe("MR_METRIC_LIMIT");
  expect(group.counter("key-0").value).toBe(0);
});

test("a removed group is no longer listed", () => {
  const registry = new MetricRegistry();
  const group = registry.operatorGroup(hourly);
  group.addGroup("g").counter("a");
  registry.remove(group);
  registry.remove(group);
  expect(registry.list()).toEqual([]);
});

test("sampling the registry gives every meter its rate", () => {
  const registry = new MetricRegistry();
  const group = registry.operatorGroup(hourly);
  const records = group.counter("numRecordsIn");
  const rate = group.addGroup("io").meter("numRecordsInPerSecond", records);
  registry.sampleMeters(0);
  records.inc(500);
  registry.sampleMeters(5000);
  expect(rate.getRate()).toBe(100);
});

test("every kind of metric can be read as JSON", () => {
  const registry = new MetricRegistry();
  const group = registry.operatorGroup(hourly);
  group.counter("a").inc(2);
  group.gauge("b", () => "RUNNING");
  group.meter("c").markEvent(3);
  const histogram = group.histogram("d");
  for (let value = 1; value <= 100; value++) histogram.update(value);
  const values = Object.fromEntries(registry.list().map((metric) => [metric.name, metricValue(metric)]));
  expect(values).toEqual({
    a: 2,
    b: "RUNNING",
    c: { count: 3, rate: 0 },
    d: {
      count: 100,
      min: 1,
      max: 100,
      mean: expect.closeTo(50.5),
      stddev: expect.closeTo(29.011, 3),
      p50: 50,
      p75: 75,
      p95: 95,
      p98: 98,
      p99: 99,
      p999: 100,
    },
  });
});
