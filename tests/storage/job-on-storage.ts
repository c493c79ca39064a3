/** A job whose checkpoints and savepoints are in a file system that is found by the scheme of its URI, as a test. */
import {
  Configuration,
  DataGeneratorSource,
  type DataStream,
  DiscardingSink,
  StreamExecutionEnvironment,
} from "millrace";
import { createNodePlatform, FileSystems, loadCheckpoint } from "millrace/internal";
import { expect, vi } from "vitest";
import { readAll } from "./file-system-contract.ts";

const KEYS = 5;
const RECORDS = 2000;

type Settings = Readonly<Record<string, string>>;

/**
 * Runs a job, takes checkpoints and a savepoint, cancels it in the middle, and goes on from the newest checkpoint and from the
 * savepoint, which has been moved to another place.
 *
 * @param root - A place that nobody else uses.
 */
export async function runOnStorage(settings: Settings, root: string): Promise<void> {
  const all: Settings = {
    ...settings,
    "execution.checkpointing.interval": "100 ms",
    "execution.checkpointing.dir": `${root}/checkpoints`,
    "execution.checkpointing.data-inline-threshold": "0 b",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
  };
  const first = environment(all);
  counts(first, 100).sinkTo(DiscardingSink.of());
  const client = await first.executeAsync("first");
  const progress = (): ReturnType<typeof client.getProgress>["checkpoints"] => client.getProgress().checkpoints;
  await vi.waitFor(() => expect(progress().completed).toBeGreaterThan(1), { timeout: 30_000, interval: 20 });
  const savepoint = await client.triggerSavepoint(`${root}/savepoints`);
  await client.cancel();
  const checkpoint = progress().lastPath!;
  expect(checkpoint.startsWith(`${root}/checkpoints/`)).toBe(true);
  const files = FileSystems.of(createNodePlatform(), configurationOf(settings));
  expect(await files.list(checkpoint)).toContain("_metadata");

  const moved = `${root}/moved`;
  await move(files, savepoint, moved);
  for (const path of [checkpoint, `${moved}/_metadata`]) {
    const env = environment({ ...all, "execution.state-recovery.path": path });
    const last = new Map<number, number>();
    let rows = 0;
    for await (const { key, count } of counts(env, undefined).executeAndCollect("again")) {
      last.set(key, count);
      rows++;
    }
    // From the middle, and every record once.
    expect(rows).toBeLessThan(RECORDS);
    expect([...last.values()]).toEqual(Array.from({ length: KEYS }, () => RECORDS / KEYS));
  }
  expect((await loadCheckpoint(files, moved)).metadata.jobName).toBe("first");
}

function counts(
  env: StreamExecutionEnvironment,
  ratePerSecond: number | undefined,
): DataStream<{ readonly key: number; readonly count: number }> {
  const source = DataGeneratorSource.of((i) => i, RECORDS, ratePerSecond === undefined ? {} : { ratePerSecond });
  return env
    .fromSource(source, { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers")
    .uid("numbers")
    .map((n) => ({ key: n % KEYS, count: 1 }))
    .keyBy((value) => value.key)
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
    .uid("counts");
}

async function move(files: FileSystems, from: string, to: string): Promise<void> {
  for (const name of await files.list(from))
    await files.write(`${to}/${name}`, await readAll(files, `${from}/${name}`));
  await files.removeTree(from);
}

function environment(settings: Settings): StreamExecutionEnvironment {
  return StreamExecutionEnvironment.getExecutionEnvironment(configurationOf(settings));
}

function configurationOf(settings: Settings): Configuration {
  return Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
}
