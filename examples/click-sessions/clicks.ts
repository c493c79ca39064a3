import { type Type, t } from "millrace";

export interface Click {
  user: number;
  page: string;
  isMobile: boolean;
  at: number;
}

export const ClickType: Type<Click> = t.object({
  user: t.int32,
  page: t.string,
  isMobile: t.boolean,
  at: t.timestamp,
});

export const START: number = Date.UTC(2023, 4, 4);
/** Clicks come at most this much out of order, except for those that come a day late. */
export const OUT_OF_ORDER_MAX_MS = 20_000;
const DAY_MS = 86_400_000;
const USERS = 90;
const PAGES = ["home", "search", "product", "product", "basket", "checkout"];

/**
 * Every user clicks a few times, every 40 seconds, and then not for a while; those with mobile phones come back sooner. Some
 * phones were offline for a day: the clicks that they send then are late.
 */
export function clickAt(index: number): Click | undefined {
  const user = index % USERS;
  const round = Math.floor(index / USERS);
  const isMobile = user % 3 === 0;
  // Rounds of 40 seconds: a few with clicks, then some without.
  const on = 3 + ((user * 5) % 7);
  const off = isMobile ? 11 + (user % 5) : 50 + (user % 9);
  const inCycle = round % (on + off);
  if (inCycle >= on) return undefined;
  const jitter = (user * 7_919 + round * 104_729) % OUT_OF_ORDER_MAX_MS;
  const isLate = round > 40 && (user * 31 + round) % 211 === 0;
  const at = START + round * 40_000 + jitter - (isLate ? DAY_MS : 0);
  return { user, page: PAGES[(user + inCycle) % PAGES.length]!, isMobile, at };
}
