import { below, draw, fmix32, GOLDEN } from "./hash.ts";

/** First names of {@link Person.name}. @internal */
export const FIRST_NAMES: readonly string[] =
  "Ada Alan Barbara Donald Edsger Frances Grace John Ken Leslie Margaret".split(" ");
/** @internal */
export const LAST_NAMES: readonly string[] =
  "Allen Dijkstra Hamilton Hopper Knuth Lamport Liskov Lovelace Turing".split(" ");
/** @internal */
export const CITIES: readonly string[] =
  "Bend,Boise,Cheyenne,Fresno,Mesa,Phoenix,Portland,San Diego,Seattle,Tacoma".split(",");
/** @internal */
export const STATES: readonly string[] = "AZ CA ID OR WA WY".split(" ");

/** 0000 … 9999, the groups of a credit card number. @internal */
export const FOUR_DIGITS: readonly string[] = Array.from({ length: 10_000 }, (_, group) =>
  String(group).padStart(4, "0"),
);

/** Channels that half of the bids come through; they head {@link CHANNELS}. @internal */
export const HOT_CHANNEL_COUNT = 4;
/** Channels that share the other half. @internal */
export const COLD_CHANNEL_COUNT = 10_000;

const LETTER_COUNT = 5120;
const HOT_CHANNELS = ["Apple", "Google", "Facebook", "Baidu"];

/** The letters that every random string is cut from; offsets go up to 4095, lengths up to 1024. @internal */
export const LETTERS: string = String.fromCharCode(
  ...Array.from({ length: LETTER_COUNT }, (_, index) => 97 + below(fmix32(Math.imul(index + 1, GOLDEN)), 26)),
);

/** A string of `length` letters, chosen by `hash` among 4096. @internal */
export function letters(hash: number, length: number): string {
  // Equal to below(hash, 4096).
  const start = hash >>> 20;
  return LETTERS.substring(start, start + length);
}

/** Channel names; {@link URLS} has the address of the same index. @internal */
export const CHANNELS: readonly string[] = Array.from(
  { length: HOT_CHANNEL_COUNT + COLD_CHANNEL_COUNT },
  (_, channel) => HOT_CHANNELS[channel] ?? `channel-${channel - HOT_CHANNEL_COUNT}`,
);

/** @internal */
export const URLS: readonly string[] = CHANNELS.map((_, channel) => urlOf(channel));

function urlOf(channel: number): string {
  const key = fmix32((channel + 0x51ed270b) | 0);
  const path = [1, 2, 3].map((salt) => letters(draw(key, salt), 5)).join("/");
  const hasId = channel >= HOT_CHANNEL_COUNT && below(draw(key, 4), 10) > 0;
  return `https://www.auction.example/${path}/item.htm?query=1${hasId ? `&channel_id=${key & 0x7fffffff}` : ""}`;
}
