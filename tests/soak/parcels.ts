/** The records of the soak. What a record holds follows from its number, so that whoever takes it can check all of it. */
import { type Infer, t } from "millrace";
import { mix, Seeded } from "./seeded.ts";

export const Parcel = t.object({
  /** The record's number, from 0, over all producers. */
  n: t.int64,
  key: t.int32,
  text: t.string,
  /** The subtask that sent it over the last edge, and its how manyth record on that edge it was. */
  from: t.int32,
  seq: t.int64,
  /** Records of one sender and one lane arrive without a gap; NO_LANE: only in order. */
  lane: t.int32,
  laneSeq: t.int64,
});
export type Parcel = Infer<typeof Parcel>;

/** A parcel that travels in a learned shape. */
export interface Dressed extends Parcel {
  readonly extra: unknown;
}

export const NO_LANE = -1;

/** How long texts are: none above 48 characters, some of a few KiB, or now and then one that spans several segments. */
export type TextSizes = "short" | "mixed" | "long";

const POOL_CHARACTERS = 160_000;
const LONG_CHARACTERS_MAX = 100_000;

export interface ContentPlan {
  readonly seed: string;
  readonly keys: number;
  readonly texts: TextSizes;
}

/** Makes a record's contents from its number. */
export class Contents {
  private readonly keys: number;
  private readonly texts: TextSizes;
  private readonly salt: number;
  /** Characters of one byte, of Latin-1, and of all planes. */
  private readonly pools: readonly string[];

  constructor({ seed, keys, texts }: ContentPlan) {
    const random = new Seeded(`${seed}/contents`);
    this.keys = keys;
    this.texts = texts;
    this.salt = random.between(0, 2 ** 31);
    const alphabets = ["abcdefghijklmnopqrstuvwxyz 0123456789", "äöüß éèàç naïve", "水車 🌾 жернов ∑"];
    this.pools = alphabets.map((alphabet) => poolOf([...alphabet], random));
  }

  keyOf(n: number): number {
    return mix(n + this.salt) % this.keys;
  }

  textOf(n: number): string {
    const hash = mix(n ^ this.salt);
    const pool = this.pools[hash % 8 === 0 ? (hash % 16 === 0 ? 2 : 1) : 0]!;
    const length = this.#lengthOf(hash >>> 4, mix(hash));
    const start = (hash >>> 3) % (POOL_CHARACTERS - LONG_CHARACTERS_MAX);
    return pool.slice(start, start + length);
  }

  #lengthOf(choice: number, hash: number): number {
    if (this.texts === "long" && choice % 2048 === 0) return 20_000 + (hash % (LONG_CHARACTERS_MAX - 20_000));
    if (this.texts !== "short" && choice % 64 === 0) return hash % 4000;
    return hash % 49;
  }
}

/** What a dressed parcel carries besides: values of many shapes. */
export function extraOf(n: number): unknown {
  const hash = mix(n + 17);
  switch (hash % 8) {
    case 0:
      return null;
    case 1:
      return `${hash}`;
    case 2:
      return hash / 7;
    case 3:
      return [n, hash % 3 === 0, null, "list"];
    case 4:
      return { a: n, b: { c: [hash], d: "deep" } };
    case 5:
      return { [`field${hash % 20}`]: n, last: true };
    case 6:
      return { b: hash, a: -n };
    default:
      return hash % 2 === 0;
  }
}

/** Random characters, halves of pairs among them once they are sliced: every JavaScript text has to come through. */
function poolOf(alphabet: readonly string[], random: Seeded): string {
  let block = "";
  while (block.length < 4099) block += random.pick(alphabet);
  return block.repeat(Math.ceil(POOL_CHARACTERS / block.length));
}
