import { type MergingAggregateFunction, type TimeWindow, type Type, t } from "millrace";
import type { Flight } from "./flights.ts";

/** A flight counts as delayed when it is later than this, in minutes. */
export const DELAYED_MINUTES = 15;

/** What a window keeps of its flights. */
export interface DelaySums {
  flights: number;
  delaySum: number;
  delayMax: number;
  delayed: number;
}

export const DelaySumsType: Type<DelaySums> = t.object({
  flights: t.int32,
  delaySum: t.int64,
  delayMax: t.int32,
  delayed: t.int32,
});

/** Delays of one airport in one window of event time. */
export interface DelayStatistics {
  origin: string;
  /** Start and end of the window, epoch ms; the end is exclusive. */
  from: number;
  to: number;
  flights: number;
  meanDelay: number;
  maxDelay: number;
  /** Share of the flights that were delayed, 0 to 1. */
  delayedShare: number;
}

export const DelayStatisticsType: Type<DelayStatistics> = t.object({
  origin: t.string,
  from: t.timestamp,
  to: t.timestamp,
  flights: t.int32,
  meanDelay: t.float64,
  maxDelay: t.int32,
  delayedShare: t.float64,
});

/**
 * Sums are whole numbers, so the result does not depend on the order of the flights. With `merge`, sliding windows share
 * what they have in common.
 */
export const delaySums: MergingAggregateFunction<Flight, DelaySums, DelaySums> = {
  createAccumulator: () => ({ flights: 0, delaySum: 0, delayMax: Number.MIN_SAFE_INTEGER, delayed: 0 }),
  add: (flight, sums) => {
    sums.flights++;
    sums.delaySum += flight.delay;
    if (flight.delay > sums.delayMax) sums.delayMax = flight.delay;
    if (flight.delay > DELAYED_MINUTES) sums.delayed++;
    return sums;
  },
  getResult: (sums) => sums,
  merge: (left, right) => ({
    flights: left.flights + right.flights,
    delaySum: left.delaySum + right.delaySum,
    delayMax: Math.max(left.delayMax, right.delayMax),
    delayed: left.delayed + right.delayed,
  }),
};

export function toStatistics(origin: string, window: TimeWindow, sums: DelaySums): DelayStatistics {
  return {
    origin,
    from: window.start,
    to: window.end,
    flights: sums.flights,
    meanDelay: sums.delaySum / sums.flights,
    maxDelay: sums.delayMax,
    delayedShare: sums.delayed / sums.flights,
  };
}
