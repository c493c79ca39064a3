import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SharedStateRegistry } from "./shared-state-registry.ts";

describe("S31: files that several checkpoints refer to", () => {
  test("a file stays as long as one completed checkpoint refers to it", () => {
    const registry = new SharedStateRegistry();
    expect(registry.trigger(1, false)).toBeUndefined();
    registry.acknowledge(1, ["a", "b"]);
    expect(registry.complete(1, ["a", "b"])).toEqual([]);
    expect(registry.trigger(2, false)).toBe(1);
    registry.acknowledge(2, ["b", "c"]);
    expect(registry.complete(2, ["b", "c"])).toEqual([]);
    expect(registry.release(1)).toEqual(["a"]);
    expect(registry.release(2)).toEqual(["b", "c"]);
  });

  test("S2: what is pending keeps its base, though that is released meanwhile", () => {
    const registry = new SharedStateRegistry();
    registry.register(5, ["old"]);
    registry.trigger(6, false);
    expect(registry.trigger(7, false)).toBe(5);
    registry.acknowledge(6, ["newer"]);
    expect([...registry.complete(6, ["newer"]), ...registry.release(5)]).toEqual([]);
    registry.acknowledge(7, ["old"]);
    expect(registry.complete(7, ["old"])).toEqual([]);
    expect(registry.isHeld("old")).toBe(true);
    expect(registry.release(7)).toEqual(["old"]);
  });

  test("S3: an aborted checkpoint gives up its own files, and those that come too late, but none of its base", () => {
    const registry = new SharedStateRegistry();
    registry.register(1, ["a"]);
    registry.trigger(2, false);
    registry.acknowledge(2, ["a", "b"]);
    expect(registry.abort(2)).toEqual(["b"]);
    expect(registry.acknowledge(2, ["a", "c"])).toEqual(["c"]);
  });

  test("S3: a part that came twice leaves nothing behind", () => {
    const registry = new SharedStateRegistry();
    registry.trigger(1, false);
    registry.acknowledge(1, ["a"]);
    registry.acknowledge(1, ["twice"]);
    expect(registry.complete(1, ["a"])).toEqual(["twice"]);
  });

  test("S4: a savepoint refers to nothing, and nothing refers to it", () => {
    const registry = new SharedStateRegistry();
    registry.register(1, ["a"]);
    expect(registry.trigger(2, true)).toBeUndefined();
    expect(registry.complete(2, [])).toEqual([]);
    expect(registry.trigger(3, false)).toBe(1);
  });

  test("a restored snapshot that is not the job's own is no base: its first checkpoint refers to nothing", () => {
    const registry = new SharedStateRegistry();
    expect(registry.trigger(8, false)).toBeUndefined();
  });
});

type Step =
  | { readonly kind: "trigger"; readonly isSavepoint: boolean }
  | { readonly kind: "acknowledge" | "complete" | "abort" | "late"; readonly which: number; readonly reuse: number }
  | { readonly kind: "release"; readonly which: number }
  | { readonly kind: "restart" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("trigger" as const), isSavepoint: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("acknowledge" as const, "complete" as const, "abort" as const, "late" as const),
      which: fc.nat(),
      reuse: fc.nat(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

/** A job's checkpoints and the files on its disk, with tasks that refer to whatever the base allows. */
class Model {
  #registry = new SharedStateRegistry();
  #nextId = 1;
  #nextName = 0;
  readonly disk = new Set<string>();
  readonly completed = new Map<number, ReadonlySet<string>>();
  readonly #pending = new Map<number, { base: readonly string[]; parts: string[]; isSavepoint: boolean }>();
  readonly #ended: { id: number; base: readonly string[] }[] = [];

  run(step: Step): void {
    if (step.kind === "trigger") this.#trigger(step.isSavepoint);
    else if (step.kind === "acknowledge") this.#acknowledge(step.which, step.reuse);
    else if (step.kind === "late") this.#acknowledgeLate(step.which, step.reuse);
    else if (step.kind === "complete") this.#complete(step.which);
    else if (step.kind === "abort") this.#abort(step.which);
    else if (step.kind === "release") this.#release(step.which);
    else this.#restart();
  }

  /** Files that nothing refers to, though nothing is pending that might. */
  get leaked(): readonly string[] {
    const referred = new Set([...this.completed.values()].flatMap((names) => [...names]));
    for (const { base, parts } of this.#pending.values()) for (const name of [...base, ...parts]) referred.add(name);
    return [...this.disk].filter((name) => !referred.has(name));
  }

  get missing(): readonly string[] {
    return [...this.completed.values()].flatMap((names) => [...names].filter((name) => !this.disk.has(name)));
  }

  #trigger(isSavepoint: boolean): void {
    const id = this.#nextId++;
    const baseId = this.#registry.trigger(id, isSavepoint);
    expect(isSavepoint && baseId !== undefined).toBe(false);
    this.#pending.set(id, { base: [...(this.completed.get(baseId ?? 0) ?? [])], parts: [], isSavepoint });
  }

  #acknowledge(which: number, reuse: number): void {
    const id = picked([...this.#pending.keys()], which);
    if (id === undefined) return;
    const { base, parts, isSavepoint } = this.#pending.get(id)!;
    if (isSavepoint) return;
    const names = [...base.filter((_, index) => (reuse >> index) % 2 === 0), this.#write(), this.#write()];
    for (const name of base) expect(this.#registry.isReused(id, name)).toBe(true);
    parts.push(...names);
    this.#remove(this.#registry.acknowledge(id, names));
  }

  #acknowledgeLate(which: number, reuse: number): void {
    const ended = picked(this.#ended, which);
    if (ended === undefined) return;
    const names = [...ended.base.filter((_, index) => (reuse >> index) % 2 === 0), this.#write()];
    this.#remove(this.#registry.acknowledge(ended.id, names));
  }

  #complete(which: number): void {
    const id = picked([...this.#pending.keys()], which);
    // C5: completed ids rise.
    if (id === undefined || id < Math.max(0, ...this.completed.keys())) return;
    const { base, parts, isSavepoint } = this.#pending.get(id)!;
    // A part that came twice is not in the metadata.
    const names = new Set(parts.slice(0, parts.length - 1));
    this.#pending.delete(id);
    this.#ended.push({ id, base });
    if (!isSavepoint) this.completed.set(id, names);
    this.#remove(this.#registry.complete(id, [...names]));
  }

  #abort(which: number): void {
    const id = picked([...this.#pending.keys()], which);
    if (id === undefined) return;
    this.#ended.push({ id, base: this.#pending.get(id)!.base });
    this.#pending.delete(id);
    this.#remove(this.#registry.abort(id));
  }

  #release(which: number): void {
    const id = picked([...this.completed.keys()].slice(0, -1), which);
    if (id === undefined) return;
    this.completed.delete(id);
    this.#remove(this.#registry.release(id));
  }

  /** Another process takes the job over: what is completed it finds, the rest it sweeps. */
  #restart(): void {
    this.#registry = new SharedStateRegistry();
    for (const [id, names] of this.completed) this.#registry.register(id, [...names]);
    this.#pending.clear();
    this.#ended.length = 0;
    this.#remove([...this.disk].filter((name) => !this.#registry.isHeld(name)));
  }

  #write(): string {
    const name = `file-${this.#nextName++}`;
    this.disk.add(name);
    return name;
  }

  #remove(names: readonly string[]): void {
    for (const name of names) this.disk.delete(name);
  }
}

function picked<T>(items: readonly T[], which: number): T | undefined {
  return items[which % Math.max(1, items.length)];
}

test("S31: whatever happens to checkpoints, none lacks a file, and no file is left that none refers to", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (all) => {
      const model = new Model();
      for (const step of all) {
        model.run(step);
        expect(model.missing).toEqual([]);
        expect(model.leaked).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});
