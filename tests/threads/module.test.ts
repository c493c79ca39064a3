import { Configuration, type MillraceError, StreamExecutionEnvironment } from "millrace";
import { expect, test } from "vitest";

async function failureOf(module: string): Promise<MillraceError> {
  const configuration = Configuration.fromEntries([{ key: "parallelism.default", value: 2 }]);
  const env = await StreamExecutionEnvironment.ofJobModule(new URL(`./testdata/${module}`, import.meta.url), {
    configuration,
  });
  return env.execute("module").then(
    () => expect.unreachable("the job was to fail"),
    (error: MillraceError) => error,
  );
}

test("a module that builds another graph in a thread is refused with the first difference", async () => {
  const error = await failureOf("random-graph.ts");
  expect(error.code).toBe("MR_GRAPH_DIFFERS");
  expect(error.message).toContain("in another thread");
  expect(error.message).toContain("in the main thread");
});

test("a module that runs the job itself is refused", async () => {
  expect((await failureOf("executes.ts")).code).toBe("MR_EXECUTE_IN_MODULE");
});

test("a record that is an instance of a class cannot go to another thread, and the error says so", async () => {
  const error = await failureOf("class-records.ts");
  expect(error.code).toBe("MR_VALUE_UNSERIALIZABLE");
  expect(error.message).toMatch(/Reading|class/);
});

test("a module without a default function is refused before anything starts", async () => {
  const loading = StreamExecutionEnvironment.ofJobModule("data:text/javascript,export default 5");
  await expect(loading).rejects.toThrow(/MR_JOB_INVALID.*number/s);
});

test("what the command line says wins over the job's code in every thread", async () => {
  const entries = [{ key: "parallelism.default", value: 2 }];
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/own-parallelism.ts", import.meta.url), {
    configuration: Configuration.fromEntries(entries, "command line"),
  });
  expect((await env.execute("own parallelism")).recordsRead).toBe(10);
});
