/**
 * Makes the input files of the oracle programs, the same ones every time:
 *
 *     node --import tsx -C @millrace/source tests/oracle/make-inputs.ts
 *
 * A line is one step of one stream `s`: a record (`k` key, `o` other key, `v` value, `t` event time in ms), a watermark
 * (`w`), or the stream falling idle until its next line (`idle`).
 */
import { writeFileSync } from "node:fs";
import { AUCTION, PERSON } from "../../bench/src/nexmark/events.ts";
import { NexmarkGenerator } from "../../bench/src/nexmark/generator.ts";
import { Seeded } from "../soak/seeded.ts";

type Line = Readonly<Record<string, string | number | boolean>>;

/** Records of one key and time that come up to `disorderMs` late, with watermarks that some of them miss. */
interface Disorder {
  readonly records: number;
  readonly keys: readonly string[];
  readonly stepMs: number;
  readonly disorderMs: number;
  /** How far watermarks trail behind, at least. */
  readonly lagMs: number;
  readonly record: (random: Seeded) => Line;
}

function disorder(random: Seeded, stream: string, fromMs: number, options: Disorder): Line[] {
  const lines: Line[] = [];
  let nowMs = fromMs;
  let watermark = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < options.records; i++) {
    nowMs += random.between(0, 2 * options.stepMs - 1);
    const k = random.pick(options.keys);
    const t = nowMs - random.between(0, options.disorderMs - 1);
    lines.push({ s: stream, k, ...options.record(random), t });
    if (!random.chance(1 / 6)) continue;
    watermark = Math.max(watermark, nowMs - options.lagMs - random.between(0, options.disorderMs - 1));
    lines.push({ s: stream, w: watermark });
  }
  return lines;
}

/** The lines of all streams in one file, mixed at random; each keeps its own order. */
function mixed(random: Seeded, ...streams: readonly (readonly Line[])[]): Line[] {
  const queues = streams.map((stream) => [...stream]);
  const lines: Line[] = [];
  for (;;) {
    // Drawn by what is left, so that all streams end at about the same time.
    const left = queues.flatMap((queue) => queue.map(() => queue));
    if (left.length === 0) return lines;
    const line = random.pick(left).shift();
    if (line !== undefined) lines.push(line);
  }
}

/** Puts a stream to sleep now and then: everything up to its next line goes on without it. */
function drowsy(random: Seeded, lines: readonly Line[], stream: string): Line[] {
  return lines.flatMap((line) =>
    line["s"] === stream && random.chance(1 / 12) ? [line, { s: stream, idle: true }] : [line],
  );
}

function nexmark(random: Seeded): Line[] {
  const generator = new NexmarkGenerator({ eventsPerSecond: 1000, baseMs: 1_767_290_400_000 });
  const lines: Line[] = [];
  for (let index = 0; index < 1500; index++) {
    const event = generator.event(index);
    const t = event.dateTime;
    if (event.type === PERSON) lines.push({ s: "person", k: `${event.id}`, o: event.state, v: 0, t });
    else if (event.type === AUCTION) {
      lines.push({ s: "auction", k: `${event.id}`, o: `${event.seller}`, v: event.reserve, t });
    } else lines.push({ s: "bid", k: `${event.auction}`, o: `${event.bidder}`, v: event.price, t });
  }
  for (let index = 0; index < lines.length; index++) {
    const other = Math.min(lines.length - 1, index + random.between(0, 14));
    [lines[index], lines[other]] = [lines[other]!, lines[index]!];
  }
  let highest = 0;
  return lines.flatMap((line, index) => {
    highest = Math.max(highest, line["t"] as number);
    const w = highest - 250;
    return index % 40 === 39 ? [line, { s: "bid", w }, { s: "auction", w }, { s: "person", w }] : [line];
  });
}

const value = (random: Seeded): Line => ({ v: random.between(0, 9) });
const LETTERS = ["a", "a", "a", "b", "b", "c", "c", "d"];

function write(name: string, lines: readonly Line[]): void {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(new URL(`inputs/${name}.jsonl`, import.meta.url), text);
}

write(
  "disorder",
  disorder(new Seeded("oracle 501"), "a", -1500, {
    records: 400,
    keys: ["k1", "k2", "k3", "k4", "k5"],
    stepMs: 25,
    disorderMs: 700,
    lagMs: 150,
    record: value,
  }),
);

const pair = { records: 110, keys: ["k1", "k2", "k3"], stepMs: 25, disorderMs: 250, lagMs: 30, record: value };
const pairs = new Seeded("oracle 502");
write("pairs", mixed(pairs, disorder(pairs, "a", 0, pair), disorder(pairs, "b", -100, pair)));

const idle = new Seeded("oracle 503");
const sleepy = mixed(idle, disorder(idle, "a", 0, pair), disorder(idle, "b", -100, pair));
write("idle", drowsy(idle, drowsy(idle, sleepy, "b"), "a"));

const rules = new Seeded("oracle 504");
const data = {
  ...pair,
  records: 160,
  record: (random: Seeded) => ({ o: random.pick(["x", "y", "z"]), v: random.between(0, 9) }),
};
const rule = { ...data, records: 16, keys: ["rule"], stepMs: 240 };
write("rules", mixed(rules, disorder(rules, "data", 0, data), disorder(rules, "rules", 0, rule)));

write(
  "letters",
  disorder(new Seeded("oracle 505"), "a", 0, {
    records: 260,
    keys: ["p", "q"],
    stepMs: 12,
    disorderMs: 60,
    lagMs: 10,
    record: (random) => ({ o: random.pick(LETTERS), v: random.between(0, 9) }),
  }),
);

write("nexmark", nexmark(new Seeded("oracle 506")));
