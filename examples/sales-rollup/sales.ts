import { type Type, t } from "millrace";

/** One sale at a till. */
export interface Sale {
  shop: string;
  cents: number;
  at: number;
}

export const SaleType: Type<Sale> = t.object({ shop: t.string, cents: t.int32, at: t.timestamp });

export const OPENING: number = Date.UTC(2023, 2, 1);
/** A till may be offline for a while: its sales come at most this much later than those of others. */
export const DELAY_MAX_MS = 60_000;

const SHOPS = ["Basel", "Bern", "Zürich"];
const SALE_EVERY_MS = 4_000;

/** The sale with this number, always the same one. Sales come out of order, within `DELAY_MAX_MS`. */
export function saleAt(index: number): Sale {
  const chance = noise(index);
  return {
    shop: SHOPS[chance % SHOPS.length]!,
    cents: 100 + (chance % 9_973),
    at: OPENING + index * SALE_EVERY_MS + (noise(index + 0x10000000) % DELAY_MAX_MS),
  };
}

/** A whole number from 0 to 2^32 - 1 that looks random and is always the same for the same index. */
function noise(index: number): number {
  const mixed = Math.imul(index ^ (index >>> 16), 0x45d9f3b);
  return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ (mixed >>> 13)) >>> 0;
}
