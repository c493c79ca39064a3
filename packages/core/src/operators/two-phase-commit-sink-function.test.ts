import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import {
  checkpointed,
  counted,
  countRows,
  environmentOn,
  numbers,
  RECORDS,
  type Settings,
} from "../testing/upgrade-jobs.ts";
import { t } from "../types/declared-types.ts";
import { TwoPhaseCommitSinkFunction } from "./two-phase-commit-sink-function.ts";

type State = "open" | "pre-committed" | "committed" | "aborted";

/** A store with transactions, beside the job. */
class Store {
  readonly calls: string[] = [];
  readonly transactions = new Map<string, { state: State; rows: string[] }>();
  commits = 0;

  get rows(): readonly string[] {
    const committed = [...this.transactions.values()].filter(({ state }) => state === "committed");
    return committed.flatMap(({ rows }) => rows).sort();
  }

  left(): readonly State[] {
    return [...this.transactions.values()]
      .map(({ state }) => state)
      .filter((state) => !/committed$|aborted/.test(state));
  }

  change(id: string, call: string, allowed: readonly State[], to: State): void {
    this.calls.push(`${call} ${id}`);
    const transaction = this.transactions.get(id)!;
    if (!allowed.includes(transaction.state)) throw new Error(`${call} of ${id}, which is ${transaction.state}`);
    transaction.state = to;
  }
}

class Rows extends TwoPhaseCommitSinkFunction<string, string> {
  private readonly store: Store;
  private readonly commits: (count: number) => void;
  private name = "";
  private count = 0;

  constructor(store: Store, commits: (count: number) => void = () => {}) {
    super(t.string);
    this.store = store;
    this.commits = commits;
  }

  override open({ platform }: { readonly platform: { readonly random: { uuid(): string } } }): void {
    this.name = this.store.transactions.size === 0 ? "first" : platform.random.uuid();
    this.store.calls.push("open");
  }

  beginTransaction(): string {
    const id = `${this.name}-${this.count++}`;
    this.store.calls.push(`begin ${id}`);
    this.store.transactions.set(id, { state: "open", rows: [] });
    return id;
  }

  invoke(id: string, row: string): void | Promise<void> {
    const transaction = this.store.transactions.get(id)!;
    if (transaction.state !== "open") throw new Error(`write into ${id}, which is ${transaction.state}`);
    const write = (): void => void transaction.rows.push(JSON.stringify(row));
    // Now and then the store answers later.
    return transaction.rows.length % 3 === 2 ? Promise.resolve().then(write) : write();
  }

  async preCommit(id: string): Promise<void> {
    this.store.change(id, "preCommit", ["open"], "pre-committed");
  }

  async commit(id: string): Promise<void> {
    this.commits(++this.store.commits);
    this.store.change(id, "commit", ["pre-committed"], "committed");
  }

  override async recoverAndCommit(id: string): Promise<void> {
    this.commits(++this.store.commits);
    this.store.change(id, "recoverAndCommit", ["pre-committed", "committed"], "committed");
  }

  async abort(id: string): Promise<void> {
    this.store.change(id, "abort", ["open"], "aborted");
  }

  override async recoverAndAbort(id: string): Promise<void> {
    this.store.change(id, "recoverAndAbort", ["open", "pre-committed", "aborted"], "aborted");
  }

  override finishProcessing(id: string): void {
    this.store.calls.push(`finish ${id}`);
  }

  override close(): void {
    this.store.calls.push("close");
  }
}

interface Upload {
  readonly parts: string[];
  tag?: string | undefined;
}

/** The store names every part, and in the end the whole; both names are needed to commit. */
class Uploads extends TwoPhaseCommitSinkFunction<number, Upload> {
  private readonly onCommit: (upload: Upload) => void;

  constructor(onCommit: (upload: Upload) => void) {
    super(t.object({ parts: t.array(t.string), tag: t.optional(t.string) }));
    this.onCommit = onCommit;
  }

  beginTransaction(): Upload {
    return { parts: [] };
  }

  async invoke(upload: Upload, n: number): Promise<void> {
    await Promise.resolve();
    upload.parts.push(`part ${n}`);
  }

  async preCommit(upload: Upload): Promise<void> {
    await Promise.resolve();
    upload.tag = `tag of ${upload.parts.length}`;
  }

  commit(upload: Upload): void {
    this.onCommit(upload);
  }

  abort(_upload: Upload): void {}
}

const restarting: Settings = {
  ...checkpointed,
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "10 ms",
};

interface Run {
  readonly settings?: Settings;
  readonly parallelism?: number;
  /** Called with every record, also with those that come again. */
  readonly onRecord?: () => void;
  readonly commits?: (count: number) => void;
  readonly cancelAtMs?: number;
}

async function run(
  store: Store,
  { settings = restarting, parallelism = 1, onRecord, commits, cancelAtMs }: Run,
): Promise<string> {
  const platform = createSimulatedPlatform({ seed: 81 });
  return platform.run(async () => {
    const env = environmentOn(platform, { ...settings, "parallelism.default": String(parallelism) });
    const stream = numbers(env).map((n) => {
      onRecord?.();
      return n;
    });
    counted(stream, "a", "counts").sinkTo(new Rows(store, commits)).uid("rows");
    const client = await env.executeAsync();
    if (cancelAtMs !== undefined) platform.clock.after(cancelAtMs, () => void client.cancel());
    return client.getJobExecutionResult().then(
      () => "",
      (error: unknown) => String(error),
    );
  }, 600_000);
}

describe("S59: TwoPhaseCommitSinkFunction", () => {
  test("pre-commits at the barrier, commits when the checkpoint is complete, begins the next one at the barrier", async () => {
    const store = new Store();
    expect(await run(store, {})).toBe("");
    expect(store.calls.slice(0, 6)).toEqual([
      "open",
      "begin first-0",
      "begin first-1",
      "preCommit first-0",
      "commit first-0",
      "begin first-2",
    ]);
    expect(store.calls.filter((call) => call.startsWith("finish"))).toHaveLength(1);
    expect(store.calls.at(-1)).toBe("close");
    expect(store.left()).toEqual([]);
    expect(store.rows).toEqual(countRows("a"));
  });

  test("aborts what a job that is cancelled has not pre-committed", async () => {
    const store = new Store();
    expect(await run(store, { cancelAtMs: 550 })).toContain("MR_JOB_CANCELED");
    expect(store.calls.slice(-2)).toEqual([expect.stringMatching(/^abort first-/), "close"]);
    expect(store.left()).toEqual([]);
    expect(store.rows.length).toBeGreaterThan(50);
  });

  test.each([1, 2])(
    "after any failures every row is committed once, what was begun is aborted, at parallelism %i",
    async (parallelism) => {
      const failures = fc.array(fc.integer({ min: 1, max: 2 * RECORDS }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(
          failures,
          fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }),
          async (records, commits) => {
            const store = new Store();
            let count = 0;
            const failure = await run(store, {
              parallelism,
              onRecord: () => {
                if (records.includes(++count)) throw new Error("now");
              },
              commits: (index) => {
                if (commits.includes(index)) throw new Error("the store is away");
              },
            });
            expect(failure).toBe("");
            expect(store.rows).toEqual(countRows("a"));
            expect(store.left()).toEqual([]);
          },
        ),
        { numRuns: 12 },
      );
    },
  );

  test("a restore commits what its checkpoint holds, and aborts what was begun behind it", async () => {
    const store = new Store();
    const failure = await run(store, {
      commits: () => {
        if (store.calls.filter((call) => call === "open").length === 1) throw new Error("the store is away");
      },
    });
    expect(failure).toBe("");
    const recovered = store.calls.indexOf("recoverAndCommit first-0");
    expect(recovered).toBeGreaterThan(store.calls.lastIndexOf("preCommit first-0"));
    expect(store.calls).toContain("recoverAndAbort first-1");
    expect(store.rows).toEqual(countRows("a"));
  });

  test("what invoke and preCommit have added to a transaction, later too, is there when it is committed after a restore", async () => {
    const seen: Upload[] = [];
    let isAway = true;
    const platform = createSimulatedPlatform({ seed: 82 });
    await platform.run(async () => {
      const env = environmentOn(platform, restarting);
      const uploads = new Uploads((upload) => {
        if (isAway) {
          isAway = false;
          throw new Error("the store is away");
        }
        seen.push(upload);
      });
      numbers(env).sinkTo(uploads).uid("uploads");
      await env.execute();
    }, 600_000);
    expect(seen.length).toBeGreaterThan(2);
    for (const { parts, tag } of seen) expect(tag).toBe(`tag of ${parts.length}`);
    expect(seen.flatMap(({ parts }) => parts)).toEqual(Array.from({ length: RECORDS }, (_, n) => `part ${n}`));
  });

  test("a transaction that is gone ends the job by name, whatever the restart strategy", async () => {
    const store = new Store();
    const failure = await run(store, {
      commits: (count) => {
        if (count === 2)
          throw new MillraceError("MR_COMMIT_LOST", {
            what: "The store has forgotten a transaction",
            todo: "Start from an earlier savepoint",
          });
      },
    });
    expect(failure).toMatch(/MR_COMMIT_LOST.*forgotten/s);
    expect(store.calls.filter((call) => call === "open")).toHaveLength(1);
  });
});
