import { AUCTION, type Auction, BID, type Bid, type NexmarkEvent, PERSON, type Person } from "./events.ts";
import { below, draw, fmix32, GOLDEN } from "./hash.ts";
import {
  CHANNELS,
  CITIES,
  COLD_CHANNEL_COUNT,
  FIRST_NAMES,
  FOUR_DIGITS,
  HOT_CHANNEL_COUNT,
  LAST_NAMES,
  LETTERS,
  letters,
  STATES,
  URLS,
} from "./tables.ts";

/** Which of the endless event sequences to make. @public */
export interface GeneratorOptions {
  /** Chooses the random numbers; an int32. Default 1. */
  readonly seed?: number;
  /** Events per second of event time, a whole number ≥ 2. Default 10,000. */
  readonly eventsPerSecond?: number;
  /** Event time of event 0 in epoch milliseconds. Default 2026-01-01T18:00:00Z. */
  readonly baseMs?: number;
}

const PERIOD = 50;
const FIRST_ID = 1000;
/** Auctions and bidders of the last this many people or auctions take part. */
const ACTIVE_PEOPLE_MAX = 1000;
const ACTIVE_AUCTIONS = 100;
/** How far ids run ahead of what exists: bids may name auctions and people that are yet to come. */
const IDS_AHEAD = 10;
/** An auction is open for about the time of this many events. */
const AUCTION_HORIZON_EVENTS = 1666;
/** price() is `mantissa * PRICE_SCALE[decade]`; decade 0 divides by ten instead. */
const PRICE_SCALE: readonly number[] = [0, 1, 10, 100, 1000, 10_000];

/**
 * The Nexmark workload of an online auction: of every 50 events one is a person, three are auctions, 46 are bids.
 *
 * - G1. An event is a pure function of (seed, events per second, base, index): any reader can start anywhere, and a
 *   replay after a failure gives the same events.
 * - G2. All arithmetic is on 32-bit integers or exact below 2^53, so other languages can give the same bytes.
 * - G3. Event time never goes back with the index.
 *
 * @example
 * const generator = new NexmarkGenerator({ eventsPerSecond: 1000 });
 * generator.event(4); // { type: 2, auction: 1000, bidder: 1004, price: 839, channel: "Google", … }
 * @public
 */
export class NexmarkGenerator {
  readonly eventsPerSecond: number;
  readonly baseMs: number;
  /** @internal */
  readonly seedHash: number;

  constructor(options: GeneratorOptions = {}) {
    this.eventsPerSecond = options.eventsPerSecond ?? 10_000;
    this.baseMs = options.baseMs ?? 1_767_290_400_000;
    this.seedHash = fmix32((options.seed ?? 1) ^ 0x6e786d6b);
  }

  /** Event `index`, a whole number from 0 to 2^43. */
  event(index: number): NexmarkEvent {
    const key = this.keyOf(index);
    const epoch = Math.floor(index / PERIOD);
    const offset = index - epoch * PERIOD;
    if (offset > 3) return makeBid(key, epoch, this.timestampOf(index));
    if (offset === 0) return makePerson(key, epoch, this.timestampOf(index));
    const timestamp = this.timestampOf(index);
    const horizonMs = this.timestampOf(index + AUCTION_HORIZON_EVENTS) - timestamp;
    return makeAuction({ key, epoch, offset, timestamp, horizonMs });
  }

  /** @internal */
  timestampOf(index: number): number {
    return this.baseMs + Math.floor((index * 1000) / this.eventsPerSecond);
  }

  /** @internal */
  keyOf(index: number): number {
    const high = index < 4_294_967_296 ? 0 : Math.imul(Math.floor(index / 4_294_967_296), GOLDEN);
    return fmix32((this.seedHash + (index | 0) + high) | 0);
  }
}

function makeBid(key: number, epoch: number, dateTime: number): Bid {
  const last = epoch * 3 + 2;
  // A draw below 2 or 4 is the top bit or bits, so "not the first" reads as a sign or a shift.
  const isHotAuction = draw(key, 1) < 0;
  const auction = isHotAuction ? last - (last % 100) : recentAuction(last, draw(key, 2));
  const isHotBidder = draw(key, 3) >>> 30 > 0;
  const bidder = isHotBidder ? FIRST_ID + epoch - (epoch % 100) + 1 : somebody(epoch, draw(key, 4));
  const isHotChannel = draw(key, 6) < 0;
  const channel = isHotChannel ? draw(key, 7) >>> 30 : HOT_CHANNEL_COUNT + below(draw(key, 7), COLD_CHANNEL_COUNT);
  const extraStart = draw(key, 9) >>> 20;
  return {
    type: BID,
    auction: FIRST_ID + auction,
    bidder,
    price: price(draw(key, 5)),
    channel: CHANNELS[channel]!,
    url: URLS[channel]!,
    dateTime,
    extra: LETTERS.substring(extraStart, extraStart + 48 + below(draw(key, 8), 41)),
  };
}

function makePerson(key: number, epoch: number, dateTime: number): Person {
  const name = `${FIRST_NAMES[below(draw(key, 31), 11)]} ${LAST_NAMES[below(draw(key, 32), 9)]}`;
  const emailAddress = `${letters(draw(key, 33), 7)}@${letters(draw(key, 34), 5)}.com`;
  const creditCard = `${fourDigits(key, 35)} ${fourDigits(key, 36)} ${fourDigits(key, 37)} ${fourDigits(key, 38)}`;
  const city = CITIES[below(draw(key, 39), 10)]!;
  const state = STATES[below(draw(key, 40), 6)]!;
  // `extra` fills the record up to a drawn size; its two numbers count 8 bytes each.
  const size = 16 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
  const extra = letters(draw(key, 42), Math.max(0, 160 + below(draw(key, 41), 81) - size));
  return { type: PERSON, id: FIRST_ID + epoch, name, emailAddress, creditCard, city, state, dateTime, extra };
}

interface AuctionDraw {
  readonly key: number;
  readonly epoch: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly horizonMs: number;
}

function makeAuction({ key, epoch, offset, timestamp, horizonMs }: AuctionDraw): Auction {
  const itemName = letters(draw(key, 11), 3 + below(draw(key, 10), 18));
  const description = letters(draw(key, 13), 3 + below(draw(key, 12), 98));
  const initialBid = price(draw(key, 14));
  const isHotSeller = draw(key, 17) >>> 30 > 0;
  // As in makePerson; seven numbers.
  const size = 56 + itemName.length + description.length;
  return {
    type: AUCTION,
    id: FIRST_ID + epoch * 3 + offset - 1,
    itemName,
    description,
    initialBid,
    reserve: initialBid + price(draw(key, 15)),
    dateTime: timestamp,
    expires: timestamp + 1 + below(draw(key, 16), Math.max(2 * horizonMs, 1)),
    seller: isHotSeller ? FIRST_ID + epoch - (epoch % 100) : somebody(epoch, draw(key, 18)),
    category: 10 + below(draw(key, 19), 5),
    extra: letters(draw(key, 21), Math.max(0, 400 + below(draw(key, 20), 201) - size)),
  };
}

function recentAuction(last: number, hash: number): number {
  const first = Math.max(last - ACTIVE_AUCTIONS, 0);
  return first + below(hash, last - first + 1 + IDS_AHEAD);
}

function somebody(epoch: number, hash: number): number {
  const people = epoch + 1;
  const active = Math.min(people, ACTIVE_PEOPLE_MAX);
  return FIRST_ID + people - active + below(hash, active + IDS_AHEAD);
}

/** 100 … 99,990,000, spread evenly over the decades. */
function price(hash: number): number {
  const value = below(hash, 54_000);
  const decade = (value / 9000) | 0;
  const mantissa = 1000 + value - decade * 9000;
  return decade === 0 ? (mantissa / 10) | 0 : mantissa * PRICE_SCALE[decade]!;
}

function fourDigits(key: number, salt: number): string {
  return FOUR_DIGITS[below(draw(key, salt), 10_000)]!;
}
