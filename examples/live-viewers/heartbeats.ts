import { type Type, t } from "millrace";

/** A player that shows a channel says so every half minute. */
export interface Heartbeat {
  channel: string;
  viewer: number;
  at: number;
}

export const HeartbeatType: Type<Heartbeat> = t.object({ channel: t.string, viewer: t.int32, at: t.timestamp });

export const START: number = Date.UTC(2023, 5, 1, 20);
export const HEARTBEAT_EVERY_MS = 30_000;

const CHANNELS = ["music", "news", "sport"];
const VIEWERS = 600;
/** Of half a minute each. */
const ROUNDS = 80;

/** How many possible heartbeats there are; those of players that are off are left out. */
export const HEARTBEATS: number = VIEWERS * ROUNDS;

/**
 * Of every half minute, a possible heartbeat of every viewer. Each of them watches for a while, some come back, and some
 * then look at the next channel.
 */
export function heartbeatAt(index: number): Heartbeat | undefined {
  const viewer = index % VIEWERS;
  const round = Math.floor(index / VIEWERS);
  const firstRound = (viewer * 37) % 50;
  const watched = 6 + ((viewer * 53) % 20);
  const sinceFirst = round - firstRound;
  const visit = sinceFirst < watched ? 0 : 1;
  const isOn = sinceFirst >= 0 && (visit === 0 || (viewer % 4 === 0 && sinceFirst < 2 * watched + 10));
  const isPaused = visit === 1 && sinceFirst < watched + 10;
  if (!isOn || isPaused) return undefined;
  return {
    channel: CHANNELS[(viewer + visit * (viewer % 8)) % CHANNELS.length]!,
    viewer,
    at: START + round * HEARTBEAT_EVERY_MS + ((viewer * 7_919) % HEARTBEAT_EVERY_MS),
  };
}
