/**
 * What the operator keeps for a key, live and as plain data for snapshots. The plain form has every event and every node
 * of the runs' paths once:
 *
 *     names    ids of states and stages; the rest refers to them, and to events and nodes, by position
 *     events   what the nodes point to
 *     nodes    [stage, event, previous node or -1], a node after the one before it
 *     partial, completed   [state, newest node or -1], in the order of the heap's array (H1)
 *     waiting  events that the watermark has not reached, by time
 */
import { MillraceError, type Serializer, type Type, t } from "millrace";
import { type SlotCodec, serializerCodec } from "millrace/internal";
import type { Runs } from "./matcher.ts";
import type { Nfa } from "./nfa-state.ts";
import { type BufferedEvent, type PathNode, type Run, startRun } from "./run.ts";
import { RunHeap } from "./run-heap.ts";

/** Changed in place: the table writes it to a running snapshot before the operator sees it. */
export interface KeyMatches {
  runs: Runs;
  /** Of the next event. */
  nextSeq: number;
  /** By event time; of equal times in the order of arrival. */
  readonly waiting: Map<number, unknown[]>;
}

type Plain = {
  names: string[];
  nextSeq: number;
  events: { seq: number; at: number; value: unknown }[];
  nodes: [stage: number, event: number, previous: number][];
  partial: [state: number, node: number][];
  completed: [state: number, node: number][];
  waiting: { at: number; values: unknown[] }[];
};

/** Whom the state belongs to, for messages. */
export interface MatchesOwner {
  readonly operatorName: string;
  readonly uid: string;
}

/** @param nfa - Of the pattern that the state is read for. */
export function keyMatchesCodec(event: Type<unknown>, nfa: Nfa, owner: MatchesOwner): SlotCodec {
  const run = t.tuple([t.int32, t.int32]);
  const plain: Type<Plain> = t.object({
    names: t.array(t.string),
    nextSeq: t.int64,
    events: t.array(t.object({ seq: t.int64, at: t.float64, value: event })),
    nodes: t.array(t.tuple([t.int32, t.int32, t.int32])),
    partial: t.array(run),
    completed: t.array(run),
    waiting: t.array(t.object({ at: t.float64, values: t.array(event) })),
  });
  // A slot's values are of no type that the table knows.
  const codec = serializerCodec("_matches", plain.serializer as Serializer<unknown>);
  return {
    ...codec,
    write: (value, out) => codec.write(toPlain(value as KeyMatches), out),
    read: (input) => fromPlain(codec.read(input) as Plain, nfa, owner),
    readWrittenAs: (schema, where, kind) => {
      const read = codec.readWrittenAs(schema, where, kind);
      return (input) => fromPlain(read(input) as Plain, nfa, owner);
    },
  };
}

function toPlain(matches: KeyMatches): Plain {
  const names = new Positions<string>();
  const events = new Positions<BufferedEvent>();
  const nodes = new Positions<PathNode>();
  const runOf = ({ state, path }: Run): [number, number] => {
    for (const node of newNodesOf(path, nodes)) nodes.of(node);
    return [names.of(state.id), path === undefined ? -1 : nodes.of(path)];
  };
  const partial = [...matches.runs.partial].map(runOf);
  const completed = [...matches.runs.completed].map(runOf);
  const plainNodes = nodes.all.map(({ stage, event, previous }): [number, number, number] => [
    names.of(stage),
    events.of(event),
    previous === undefined ? -1 : nodes.of(previous),
  ]);
  return {
    names: names.all,
    nextSeq: matches.nextSeq,
    events: events.all.map(({ seq, timestampMs, value }) => ({ seq, at: timestampMs, value })),
    nodes: plainNodes,
    partial,
    completed,
    waiting: [...matches.waiting].map(([at, values]) => ({ at, values })),
  };
}

/** The end of a path that has no positions yet, first to last. */
function newNodesOf(path: PathNode | undefined, known: Positions<PathNode>): readonly PathNode[] {
  const added: PathNode[] = [];
  for (let node = path; node !== undefined && !known.has(node); node = node.previous) added.push(node);
  return added.reverse();
}

/** Numbers things in the order in which they are first asked for. */
class Positions<V> {
  readonly all: V[] = [];
  readonly #positions = new Map<V, number>();

  has(value: V): boolean {
    return this.#positions.has(value);
  }

  of(value: V): number {
    const known = this.#positions.get(value);
    if (known !== undefined) return known;
    this.#positions.set(value, this.all.length);
    return this.all.push(value) - 1;
  }
}

function fromPlain(plain: Plain, nfa: Nfa, owner: MatchesOwner): KeyMatches {
  const events = plain.events.map(({ seq, at, value }): BufferedEvent => ({ seq, timestampMs: at, value }));
  const stages = new Set(nfa.stages);
  const nodes: PathNode[] = [];
  const firsts: BufferedEvent[] = [];
  for (const [stageName, eventAt, previousAt] of plain.nodes) {
    const stage = plain.names[stageName]!;
    if (!stages.has(stage)) throw patternChanged(stage, owner);
    const event = events[eventAt]!;
    firsts.push(previousAt < 0 ? event : firsts[previousAt]!);
    nodes.push({ stage, event, previous: nodes[previousAt] });
  }
  const runOf = ([stateName, nodeAt]: readonly [number, number]): Run => {
    const id = plain.names[stateName]!;
    const state = nfa.states.get(id);
    if (state === undefined) throw patternChanged(id, owner);
    const first = firsts[nodeAt];
    if (first === undefined) return startRun(state);
    return { state, path: nodes[nodeAt], startSeq: first.seq, startMs: first.timestampMs };
  };
  return {
    runs: { partial: heapOf(plain.partial.map(runOf)), completed: heapOf(plain.completed.map(runOf)) },
    nextSeq: plain.nextSeq,
    waiting: new Map(plain.waiting.map(({ at, values }) => [at, values])),
  };
}

function heapOf(runs: readonly Run[]): RunHeap {
  const heap = new RunHeap();
  for (const run of runs) heap.add(run);
  return heap;
}

function patternChanged(name: string, owner: MatchesOwner): MillraceError {
  return new MillraceError("MR_PATTERN_STATE_INCOMPATIBLE", {
    what: "The checkpoint holds partial matches of another pattern",
    where: { operator: owner.operatorName, uid: owner.uid },
    found: `a match at "${name}"`,
    expected: "stages of the pattern, quantified as they were",
    todo: "Restore with the old pattern, or give the operator another uid and drop the old state",
  });
}
