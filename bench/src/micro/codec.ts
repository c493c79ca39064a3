import { BinaryReader, BinaryWriter, type Serializer, type Type, t } from "millrace";
import { learnedSerializer } from "../../../packages/core/src/types/learned-type.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";
import { scrambled } from "./sequence.ts";

/** Values a sample has; a power of two. */
const SAMPLE = 1024;
/** Like a channel's, so that the writer stays in the processor's caches. */
const BUFFER_BYTES = 65_536;

interface Flight {
  readonly carrier: string;
  readonly origin: string;
  readonly destination: string;
  readonly flight: number;
  readonly delay: number;
  readonly distance: number;
  readonly at: number;
}

const FlightType: Type<Flight> = t.object({
  carrier: t.string,
  origin: t.string,
  destination: t.string,
  flight: t.int32,
  delay: t.float64,
  distance: t.float64,
  at: t.timestamp,
});

const BidPriceType: Type<{ auction: number; bidder: number; price: number }> = t.object({
  auction: t.int64,
  bidder: t.int64,
  price: t.int64,
});

const airports = ["AMS", "CDG", "FRA", "HND", "JFK", "LHR", "SFO", "SYD"];

function flight(seed: number): Flight {
  return {
    carrier: `Carrier ${seed % 20}`,
    origin: airports[seed % 8]!,
    destination: airports[(seed >> 3) % 8]!,
    flight: seed % 10_000,
    delay: (seed % 977) / 3,
    distance: seed / 7,
    at: 1_700_000_000_000 + seed * 1000,
  };
}

/** A string of `length` characters from `alphabet`, another one for every seed. */
function text(alphabet: string, length: number): (seed: number) => string {
  const characters = [...alphabet];
  return (seed) => Array.from({ length }, (_, at) => characters[(seed + at * 7) % characters.length]).join("");
}

const letters = "abcdefghijklmnopqrstuvwxyz";
const latin = "aeiouäöüéèñçß";
const wide = "日本語テキスト€αβγ";

interface Subject {
  readonly name: string;
  /** A new one every time: a learned codec remembers. */
  readonly serializer: () => Serializer<never>;
  readonly value: (seed: number) => unknown;
}

function declared<T>(name: string, type: Type<T>, value: (seed: number) => T): Subject {
  // The subject's values are the type's.
  return { name, serializer: () => type.serializer as Serializer<never>, value };
}

function learned(name: string, value: (seed: number) => unknown): Subject {
  return { name: `learned ${name}`, serializer: () => learnedSerializer<never>(), value };
}

const subjects: readonly Subject[] = [
  declared("boolean", t.boolean, (seed) => seed % 2 === 0),
  declared("int32", t.int32, (seed) => seed),
  declared("int64", t.int64, (seed) => seed * 1_000_003),
  declared("float64", t.float64, (seed) => seed / 3),
  declared("bigint", t.bigint, (seed) => BigInt(seed) * 1_000_003n),
  declared("timestamp", t.timestamp, (seed) => 1_700_000_000_000 + seed),
  declared("bytes", t.bytes, (seed) => new Uint8Array(32).fill(seed)),
  declared("json", t.json, (seed) => ({ id: seed, tags: ["a", "b"] })),
  declared("literal", t.literal("new", "paid", "sent"), (seed) => (["new", "paid", "sent"] as const)[seed % 3]!),
  declared("tuple", t.tuple([t.int32, t.float64]), (seed) => [seed, seed / 3]),
  declared("array", t.array(t.int32), (seed) => [seed, seed + 1, seed + 2, seed + 3]),
  declared("nullable", t.nullable(t.int32), (seed) => (seed % 2 === 0 ? null : seed)),
  declared("set", t.set(t.int32), (seed) => new Set([seed, seed + 1, seed + 2])),
  declared(
    "map",
    t.map(t.string, t.int32),
    (seed) =>
      new Map([
        ["left", seed],
        ["right", seed + 1],
      ]),
  ),
  declared("string ascii 8", t.string, text(letters, 8)),
  declared("string ascii 80", t.string, text(letters, 80)),
  declared("string latin1 8", t.string, text(latin, 8)),
  declared("string latin1 80", t.string, text(latin, 80)),
  declared("string utf8 8", t.string, text(wide, 8)),
  declared("string utf8 80", t.string, text(wide, 80)),
  declared("object of 3 numbers", BidPriceType, (seed) => ({ auction: 1000 + seed, bidder: seed, price: seed * 100 })),
  declared("object of 7 fields", FlightType, flight),
  learned("number", (seed) => seed),
  learned("string ascii 8", text(letters, 8)),
  learned("object of 3 numbers", (seed) => ({ auction: 1000 + seed, bidder: seed, price: seed * 100 })),
  learned("object of 7 fields", flight),
];

/** Writing and reading one value of each type. @internal */
export const codecBenchmarks: readonly MicroBenchmark[] = subjects.flatMap((subject) => [
  { name: `codec/${subject.name}/write`, prepare: () => writing(subject) },
  { name: `codec/${subject.name}/read`, prepare: () => reading(subject) },
]);

function sampleOf(subject: Subject): never[] {
  return scrambled(SAMPLE, 1_000_000).map((seed) => subject.value(seed) as never);
}

function writing(subject: Subject): (count: number) => number {
  const serializer = subject.serializer();
  const values = sampleOf(subject);
  const out = new BinaryWriter(2 * BUFFER_BYTES);
  return (count) => {
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      if (out.position > BUFFER_BYTES) {
        bytes += out.position;
        const { streamContext } = out;
        out.reset();
        out.streamContext = streamContext;
      }
      serializer.write(values[index & (SAMPLE - 1)]!, out);
    }
    return bytes + out.position;
  };
}

function reading(subject: Subject): (count: number) => number {
  const serializer = subject.serializer();
  const out = new BinaryWriter();
  for (const value of sampleOf(subject)) serializer.write(value, out);
  const bytes = out.finish();
  const input = new BinaryReader(bytes);
  return (count) => {
    let last: unknown;
    let values = 0;
    for (let index = 0; index < count; index++) {
      if (index % SAMPLE === 0) input.reset(bytes);
      last = serializer.read(input);
      if (last !== undefined) values++;
    }
    return values;
  };
}
