import { type MergingAggregateFunction, type TimeWindow, type Type, t } from "millrace";
import type { Click } from "./clicks.ts";

/** One visit of a user. */
export interface Session {
  user: number;
  /** First click, and the end of the silence after the last one: epoch ms. */
  from: number;
  to: number;
  clicks: number;
  pages: string[];
  hasBought: boolean;
}

export const SessionType: Type<Session> = t.object({
  user: t.int32,
  from: t.timestamp,
  to: t.timestamp,
  clicks: t.int32,
  pages: t.array(t.string),
  hasBought: t.boolean,
});

/** Who holds a phone is soon interrupted; who sits at a desk may think for a while. */
export function gapOf(click: Click): number {
  return click.isMobile ? 5 * 60_000 : 30 * 60_000;
}

/** What is known of a session while it goes on. */
export interface Visit {
  clicks: number;
  pages: Set<string>;
}

export const VisitType: Type<Visit> = t.object({ clicks: t.int32, pages: t.set(t.string) });

/** A click between two sessions makes them one, so visits can be merged. Nothing in them depends on the order of clicks. */
export const visits: MergingAggregateFunction<Click, Visit, Visit> = {
  createAccumulator: () => ({ clicks: 0, pages: new Set() }),
  add: (click, visit) => ({ clicks: visit.clicks + 1, pages: visit.pages.add(click.page) }),
  getResult: (visit) => visit,
  merge: (left, right) => ({ clicks: left.clicks + right.clicks, pages: new Set([...left.pages, ...right.pages]) }),
};

export function toSession(user: number, window: TimeWindow, { clicks, pages }: Visit): Session {
  const { start, end } = window;
  return { user, from: start, to: end, clicks, pages: [...pages].sort(), hasBought: pages.has("checkout") };
}
