import { type Type, t } from "millrace";

export interface Payment {
  card: number;
  cents: number;
  at: number;
}

export const PaymentType: Type<Payment> = t.object({ card: t.int32, cents: t.int32, at: t.timestamp });

export const START: number = Date.UTC(2023, 6, 1);
/** Payments come at most this much out of order. */
export const OUT_OF_ORDER_MAX_MS = 5_000;
const CARDS = 50;
const PAY_EVERY_MS = 700;

/** Ordinary payments; now and then the data of a card is stolen, and tried out with small amounts first. */
export function paymentAt(index: number): Payment {
  const chance = noise(index);
  const card = chance % CARDS;
  const at = START + index * PAY_EVERY_MS + (noise(index + 0x10000000) % OUT_OF_ORDER_MAX_MS);
  const round = Math.floor(index / 6_000);
  const isStolen = (card * 7 + round) % 13 === 0;
  const step = chance % 11;
  if (isStolen && step < 7) return { card, cents: 10 + (chance % 90), at };
  if (isStolen && step < 8) return { card, cents: 80_000 + (chance % 5_000), at };
  return { card, cents: 300 + (chance % 20_000), at };
}

/** A whole number from 0 to 2^32 - 1 that looks random and is always the same for the same index. */
function noise(index: number): number {
  const mixed = Math.imul(index ^ (index >>> 16), 0x45d9f3b);
  return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ (mixed >>> 13)) >>> 0;
}
