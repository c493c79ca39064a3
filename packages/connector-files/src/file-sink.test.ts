import { t } from "millrace";
import { createSimulatedPlatform, type DiskEffect, type SimulatedPlatform } from "millrace/internal";
import { expect, test } from "vitest";
import { csv } from "./csv.ts";
import { FileSink, type FileSinkOptions } from "./file-sink.ts";
import { jsonLines } from "./json-lines.ts";
import { writeFiles } from "./testing/simulated-files.ts";
import { driveSink, filesIn, type SinkRunOptions, type StoredCheckpoint } from "./testing/sink-driver.ts";

const OUT = "/out/results";
const records = Array.from({ length: 40 }, (_, id) => ({ id, text: "é".repeat(id % 4) }));
const refused = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more });

const sinkWith = (options: FileSinkOptions = {}): FileSink<unknown> =>
  FileSink.to(OUT, jsonLines(), { rollingPolicy: { maxPartBytes: 150 }, ...options });

interface Run extends Partial<SinkRunOptions<unknown>> {
  readonly platform: SimulatedPlatform;
}

/** Runs to the end or to `stopAt`; gives the completed checkpoints. */
async function drive(run: Run): Promise<StoredCheckpoint[]> {
  const completed: StoredCheckpoint[] = [];
  const options = { sink: sinkWith(), records, parallelism: 2, checkpointEvery: 7, from: undefined, ...run };
  await run.platform.run(() =>
    driveSink({
      ...options,
      onComplete: (checkpoint) => {
        completed.push(checkpoint);
        run.onComplete?.(checkpoint);
      },
    }),
  );
  return completed;
}

const machine = (seed: string | number = 1): SimulatedPlatform => createSimulatedPlatform({ seed });
const files = (platform: SimulatedPlatform): Promise<Record<string, string>> =>
  platform.run(() => filesIn(platform, OUT));
const idsOf = (content: Record<string, string>): number[] =>
  Object.entries(content)
    .filter(([name]) => !name.startsWith("."))
    .flatMap(([, text]) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { id: number }).id),
    )
    .sort((left, right) => left - right);
const allIds = records.map(({ id }) => id);

/** Seeded parallelisms. */
function chainOf({ random }: SimulatedPlatform): number[] {
  const upTo = (max: number): number => 1 + (random.u32() % max);
  return Array.from({ length: 1 + upTo(3) }, () => upTo(4));
}

async function undisturbed(): Promise<Record<string, string>> {
  const platform = machine();
  await drive({ platform });
  return files(platform);
}

test("parts end with the record that reaches the size, whenever checkpoints happen", async () => {
  const expected = await undisturbed();
  expect(Object.keys(expected).slice(0, 3)).toEqual(["part-0-0.jsonl", "part-0-1.jsonl", "part-0-2.jsonl"]);
  expect(idsOf(expected)).toEqual(allIds);
  for (const text of Object.values(expected).slice(0, 2)) {
    const bytes = new TextEncoder().encode(text);
    expect(bytes.length).toBeGreaterThanOrEqual(150);
    expect(bytes.lastIndexOf(10, bytes.length - 2) + 1).toBeLessThan(150);
  }
  for (const checkpointEvery of [1, 2, 13, 1000]) {
    const platform = machine();
    await drive({ platform, checkpointEvery });
    expect(await files(platform)).toEqual(expected);
  }
});

test("nothing is visible before the checkpoint that covers it is complete", async () => {
  const platform = machine();
  await drive({ platform, stopAt: 34, checkpointEvery: 1000 });
  expect(Object.keys(await files(platform)).every((name) => name.startsWith("."))).toBe(true);
});

test("a second run in the same directory leaves identical files, and takes away what it does not write", async () => {
  const platform = machine();
  await drive({ platform, parallelism: 3, checkpointEvery: 5 });
  await platform.run(() =>
    writeFiles(platform, {
      [`${OUT}/part-0-99.jsonl`]: "old\n",
      [`${OUT}/part-5-r3-0.jsonl`]: "old\n",
      [`${OUT}/notes.txt`]: "mine",
    }),
  );
  await drive({ platform });
  const { "notes.txt": notes, ...parts } = await files(platform);
  expect(notes).toBe("mine");
  expect(parts).toEqual(await undisturbed());
});

test("old results stay until the new run commits something", async () => {
  const platform = machine();
  await drive({ platform });
  const before = await files(platform);
  await drive({ platform, records: records.map(({ id }) => ({ id: id + 100 })), stopAt: 30, checkpointEvery: 1000 });
  const after = await files(platform);
  for (const [name, text] of Object.entries(before)) expect(after[name]).toBe(text);
  // An empty result is a result: it replaces the old one when the input ends.
  await drive({ platform, records: [] });
  expect(await files(platform)).toEqual({});
});

/** Runs, dies at one effect, and starts again from the last complete checkpoint until the job is through. */
async function survive(
  dies: { at: number; phase: DiskEffect["phase"]; kind: "kill" | "powerOff" },
  earlier: boolean,
): Promise<Record<string, string>> {
  let platform = machine(dies.at);
  if (earlier)
    await drive({ platform, parallelism: 3, records: records.map(({ id }) => ({ id: -id, earlier: true })) });
  const first = platform.storage.effectCount;
  platform.storage.onEffect = ({ index, phase }) =>
    index - first === dies.at && phase === dies.phase ? { kind: dies.kind } : undefined;
  let from: StoredCheckpoint | undefined;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await drive({ platform, from, onComplete: (checkpoint) => (from = checkpoint) });
      break;
    } catch (error) {
      if (!platform.isDead) throw error;
      platform = platform.restart();
    }
  }
  platform.storage.onEffect = undefined;
  return files(platform.isDead ? platform.restart() : platform);
}

test.each(["kill", "powerOff"] as const)(
  "a %s at any moment, followed by a restore, leaves the files of an undisturbed run",
  async (kind) => {
    const expected = await undisturbed();
    for (const earlier of [false, true]) {
      const probe = machine();
      await drive({ platform: probe });
      for (let at = 0; at < probe.storage.effectCount + 20; at++) {
        for (const phase of ["before", "after"] as const) {
          expect(
            await survive({ at, phase, kind }, earlier),
            `${kind} ${phase} effect ${at}, earlier run ${earlier}`,
          ).toEqual(expected);
        }
      }
    }
  },
);

test("a restore at another parallelism loses and repeats nothing, and leaves no unfinished file", async () => {
  for (const [before, after] of [
    [3, 1],
    [1, 3],
    [3, 2],
    [2, 5],
  ] as const) {
    const platform = machine();
    // Results of an earlier, wider run that must be gone in the end.
    await drive({ platform, parallelism: 5, records: records.map(({ id }) => ({ id: id + 1000 })) });
    for (const stopAt of [9, 22]) {
      const completed = await drive({ platform, parallelism: before, stopAt });
      await drive({ platform, parallelism: after, from: completed.at(-1) });
      const content = await files(platform);
      expect(idsOf(content)).toEqual(allIds);
      expect(Object.keys(content).filter((name) => name.startsWith("."))).toEqual([]);
    }
  }
});

test("whatever the parallelisms of a chain of restores, each part that was committed stays", async () => {
  const seeded = machine(9);
  const chains = [[1, 2, 1, 1], [1, 2, 1, 4], [1, 3, 2, 1, 1], ...Array.from({ length: 30 }, () => chainOf(seeded))];
  for (const chain of chains) {
    const platform = machine();
    await drive({ platform, parallelism: 3, records: records.map(({ id }) => ({ id: id + 1000 })) });
    // Parts that no run fills: they end when the subtask that wrote them is gone.
    const sink = sinkWith({ rollingPolicy: { maxPartBytes: 1_000_000 } });
    let from: StoredCheckpoint | undefined;
    for (const [index, parallelism] of chain.entries()) {
      const isLast = index === chain.length - 1;
      const stopAt = isLast ? {} : { stopAt: 9 + 8 * index };
      const completed = await drive({ platform, sink, parallelism, checkpointEvery: 3, from, ...stopAt });
      from = completed.at(-1) ?? from;
    }
    const content = await files(platform);
    expect(idsOf(content), chain.join(" -> ")).toEqual(allIds);
    expect(Object.keys(content).filter((name) => name.startsWith("."))).toEqual([]);
  }
});

test("an earlier checkpoint can be restored after later parts were committed", async () => {
  const platform = machine();
  const completed = await drive({ platform });
  for (const from of completed) {
    await drive({ platform, from });
    expect(await files(platform)).toEqual(await undisturbed());
  }
});

test("committing again changes nothing", async () => {
  const platform = machine();
  const completed = await drive({ platform });
  const before = await files(platform);
  const context = {
    platform,
    subtaskIndex: 0,
    parallelism: 2,
    jobId: "job",
    uid: "sink",
    restoredCheckpointId: undefined,
  };
  const committer = sinkWith().createCommitter(context);
  const last = completed.at(-1)!.committables[0]!;
  await platform.run(() => committer.commit(last));
  await platform.run(() => committer.commit(last));
  expect(await files(platform)).toEqual(before);
});

test("unfinished files of this sink are removed at a fresh start, those of other sinks are not", async () => {
  const platform = machine();
  await drive({ platform, uid: "other", stopAt: 20 });
  const others = Object.keys(await files(platform)).filter((name) => name.startsWith("."));
  expect(others.length).toBeGreaterThan(1);
  await drive({ platform, stopAt: 20, sink: sinkWith({ partPrefix: "mine" }) });
  await drive({ platform, sink: sinkWith({ partPrefix: "mine" }) });
  const left = Object.keys(await files(platform)).filter((name) => name.startsWith("."));
  expect(left).toEqual(others);
});

test("existing: fail refuses a directory with results, existing: append writes beside them", async () => {
  const platform = machine();
  await drive({ platform });
  const before = await files(platform);
  await expect(drive({ platform, sink: sinkWith({ existing: "fail" }) })).rejects.toEqual(
    refused("MR_SINK_DIRECTORY_NOT_EMPTY", { where: { directory: OUT } }),
  );
  const completed = await drive({ platform, sink: sinkWith({ existing: "append" }), stopAt: 25 });
  await drive({ platform, sink: sinkWith({ existing: "append" }), from: completed.at(-1) });
  const after = await files(platform);
  for (const [name, text] of Object.entries(before)) expect(after[name]).toBe(text);
  expect(idsOf(after)).toEqual(allIds.flatMap((id) => [id, id]));
});

test("an unfinished file that is missing or too short at the restore is named, with its length", async () => {
  for (const damage of ["missing", "short"] as const) {
    const platform = machine();
    const from = (await drive({ platform, stopAt: 9 })).at(-1)!;
    const { openPart, openBytes, attempt } = from.states[0]!;
    const path = `${OUT}/.part-0-${openPart}.sink.${attempt}.inprogress`;
    await platform.run(async () => {
      if (damage === "missing") await platform.fs.remove(path);
      else await (await platform.fs.open(path, "update")).truncate(openBytes - 1);
    });
    const found = damage === "missing" ? "no file" : `${openBytes - 1} bytes`;
    await expect(drive({ platform, from })).rejects.toEqual(
      refused("MR_SINK_DATA_LOST", { where: { file: path }, found, expected: `at least ${openBytes} bytes` }),
    );
  }
});

test("a restore cuts what was written behind the checkpoint off, and removes what was begun behind it", async () => {
  for (const after of [2, 1]) {
    const platform = machine();
    const from = (await drive({ platform, stopAt: 9 })).at(-1)!;
    const open = from.states.find(({ openPart, subtask }) => openPart >= 0 && subtask === 1)!;
    const path = `${OUT}/.part-1-${open.openPart}.sink.${open.attempt}.inprogress`;
    await platform.run(async () => {
      const file = await platform.fs.open(path, "update");
      await file.write(new TextEncoder().encode('{"id":-1}\n'.repeat(100)), open.openBytes);
      await file.close();
      await writeFiles(platform, { [`${OUT}/.part-1-77.sink.inprogress`]: "begun later" });
    });
    await drive({ platform, from, parallelism: after });
    const content = await files(platform);
    expect(idsOf(content)).toEqual(allIds);
    expect(Object.keys(content).filter((name) => name.startsWith("."))).toEqual([]);
  }
});

test("a part of an earlier run is there until the new one of its name takes its place", async () => {
  const platform = machine();
  await drive({ platform });
  const replaced: boolean[] = [];
  platform.storage.onEffect = ({ operation, phase, path }) => {
    const final = path.split(" to ")[1] ?? path;
    if (operation === "rename" && phase === "before") replaced.push(platform.storage.disk.stat(final) !== undefined);
    return undefined;
  };
  await drive({ platform, checkpointEvery: 1000 });
  expect(replaced.length).toBeGreaterThan(5);
  expect(replaced).not.toContain(false);
});

test("an unfinished part is not taken back from a committed file of other content", async () => {
  const platform = machine();
  const [from] = await drive({ platform });
  const path = `${OUT}/part-0-0.jsonl`;
  const text = (await files(platform))["part-0-0.jsonl"]!;
  await platform.run(() => writeFiles(platform, { [path]: text.replace("id", "di") }));
  await expect(drive({ platform, from })).rejects.toEqual(
    refused("MR_SINK_DATA_LOST", { found: "no file, and a committed file of its name with other content" }),
  );
});

test("a committable that is neither waiting nor committed fails the job by name", async () => {
  for (const damage of ["missing", "short"] as const) {
    const platform = machine();
    let from: StoredCheckpoint | undefined;
    // Dies between the complete checkpoint and its commit.
    await drive({
      platform,
      onComplete: (checkpoint) => {
        from = checkpoint;
        if (checkpoint.committables.flat().length > 0) platform.kill();
      },
    }).catch(() => {});
    const next = platform.restart();
    const lost = from!.committables.flat()[0]!;
    const path = `${OUT}/.part-${lost.subtask}-${lost.part}.sink.${lost.attempt}.inprogress`;
    await next.run(async () => {
      if (damage === "missing") await next.fs.remove(path);
      else await (await next.fs.open(path, "update")).truncate(1);
    });
    await expect(drive({ platform: next, from })).rejects.toEqual(refused("MR_COMMIT_LOST"));
  }
});

test("a full disk fails the job with the path and leaves nothing half visible; with space again it goes on", async () => {
  const platform = machine();
  let from: StoredCheckpoint | undefined;
  platform.storage.disk.capacityBytes = 500;
  const full = drive({ platform, onComplete: (checkpoint) => (from = checkpoint) });
  await expect(full).rejects.toEqual(
    refused("MR_DISK_FULL", { where: { file: expect.stringContaining(`${OUT}/.part-`) } }),
  );
  const expected = await undisturbed();
  const half = await files(platform);
  for (const [name, text] of Object.entries(half)) if (!name.startsWith(".")) expect(text).toBe(expected[name]);
  platform.storage.disk.capacityBytes = 1e6;
  await drive({ platform, from });
  expect(await files(platform)).toEqual(expected);
});

test("a failing disk is reported through the writer with the path", async () => {
  const platform = machine();
  platform.storage.onEffect = ({ operation, phase }) =>
    operation === "sync" && phase === "before" ? { kind: "fail", errno: "EIO" } : undefined;
  await expect(drive({ platform })).rejects.toEqual(refused("MR_FILE_UNWRITABLE", { found: "EIO" }));
});

test("a writer asks for a pause while much waits for the disk, and long records pass whole", async () => {
  const platform = machine();
  const sink = FileSink.to<string>(OUT, jsonLines<string>());
  const context = {
    platform,
    subtaskIndex: 0,
    parallelism: 1,
    jobId: "job",
    uid: "sink",
    restoredCheckpointId: undefined,
  };
  const writer = sink.createWriter(context, []);
  expect(writer.isAvailable()).toBe(false);
  await platform.run(() => writer.whenAvailable());
  const long = "x".repeat(1_000_000);
  let written = 0;
  for (; writer.isAvailable(); written++) writer.write(long);
  expect(written).toBe(5);
  await platform.run(() => writer.whenAvailable());
  writer.write("end");
  const [part] = writer.prepareCommit(true);
  await platform.run(async () => {
    await writer.flush();
    await sink.createCommitter(context).commit([part!]);
  });
  expect((await files(platform))["part-0-0.jsonl"]).toBe(`${`"${long}"\n`.repeat(5)}"end"\n`);
});

test("every CSV part begins with the header", async () => {
  const platform = machine();
  const sink = FileSink.to(OUT, csv(t.object({ id: t.int32, text: t.string })), {
    rollingPolicy: { maxPartBytes: 60 },
  });
  await drive({ platform, sink: sink as FileSink<unknown>, parallelism: 1 });
  const content = Object.values(await files(platform));
  expect(content.length).toBeGreaterThan(3);
  for (const text of content) expect(text.startsWith("id,text\n")).toBe(true);
  expect(content.map((text) => text.split("\n").length - 2).reduce((sum, count) => sum + count)).toBe(40);
});

test("a uid may hold any text; no two of them share a file name", async () => {
  const platform = machine();
  const uids = ["a/b", "a%2f%b", "ä", "x".repeat(300), `${"x".repeat(299)}y`];
  for (const uid of uids) await drive({ platform, uid, parallelism: 1, checkpointEvery: 3, stopAt: 4 });
  const withoutAttempts = Object.keys(await files(platform)).map((name) => name.replace(/\.[0-9a-f]{8}\./, "."));
  expect(new Set(withoutAttempts).size).toBe(uids.length);
});

test("options that make no sense are refused at once", () => {
  expect(() => FileSink.to("", jsonLines())).toThrow(/MR_SINK_OPTION_INVALID/);
  expect(() => sinkWith({ partPrefix: "../x" })).toThrow(/MR_SINK_OPTION_INVALID/);
  expect(() => sinkWith({ partPrefix: ".x" })).toThrow(/MR_SINK_OPTION_INVALID/);
  expect(() => sinkWith({ rollingPolicy: { maxPartBytes: 0 } })).toThrow(/MR_SINK_OPTION_INVALID/);
  expect(() => sinkWith({ existing: "keep" as "append" })).toThrow(/MR_SINK_OPTION_INVALID/);
});

test("an earlier run's parts are replaced also when the end of the input comes before the directory was listed", async () => {
  const platform = machine();
  await drive({ platform, parallelism: 1 });
  const context = {
    platform,
    subtaskIndex: 0,
    parallelism: 1,
    jobId: "job",
    uid: "sink",
    restoredCheckpointId: undefined,
  };
  const writer = sinkWith().createWriter(context, []);
  const committables = writer.prepareCommit(true);
  await platform.run(async () => {
    await writer.flush();
    await sinkWith().createCommitter(context).commit(committables);
  });
  expect(await files(platform)).toEqual({});
});

test("a commit that replaces an earlier run does not touch parts that others have committed meanwhile", async () => {
  const platform = machine();
  await drive({
    platform,
    sink: sinkWith({ rollingPolicy: { maxPartBytes: 20 } }),
    records: records.map(({ id }) => ({ id: id + 1000, earlier: true })),
  });
  const sink = sinkWith({ rollingPolicy: { maxPartBytes: 60 } });
  const held: StoredCheckpoint[] = [];
  // No commit happens: the checkpoint after next holds the committables of all three.
  await drive({
    platform,
    sink,
    checkpointEvery: 7,
    stopAt: 36,
    commits: false,
    onComplete: (checkpoint) => held.push(checkpoint),
  });
  const last = held.at(-1)!;
  const all = held.flatMap(({ committables }) => committables.flat());
  expect(all.length).toBeGreaterThan(3);
  // Restored at parallelism 3, they are dealt out: a later part may be committed before the one that replaces.
  const dealt = [all.slice(2), all.slice(0, 1), all.slice(1, 2)];
  await drive({ platform, sink, parallelism: 3, from: { ...last, committables: dealt } });
  expect(idsOf(await files(platform))).toEqual(allIds);
});
