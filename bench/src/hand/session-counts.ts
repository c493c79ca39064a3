import { WATERMARK_DELAY_MS } from "../job-names.ts";
import { BID } from "../nexmark/events.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink, WindowCount } from "../result-rows.ts";
import type { BidRecord, HandLoop } from "./hand-loop.ts";

interface Session {
  readonly key: number;
  start: number;
  /** Last bid plus the gap: a bid belongs here when start - gap ≤ timestamp ≤ end. */
  end: number;
  /** 0 once another session has taken this one in. */
  count: number;
  /** Another session of the key that has not been emitted yet. */
  other: Session | undefined;
}

/** How finely the ends of sessions are sorted: results come at most this much later than they could, in event time. */
const BUCKET_MS = 100;

/**
 * Bids per bidder in sessions that a gap without bids ends.
 *
 * - S1. A session is closed when the watermark has reached its end - 1. Bids may be out of order by less than the
 *   watermark's delay, so a bidder can have several open sessions; a bid that touches two joins them.
 * - S2. A session waits in the bucket of the end that it had when it got there. Bids move the end, not the session:
 *   a session that has grown when the watermark reaches its bucket moves on to a later one.
 */
export class HandSessionCounts implements HandLoop {
  readonly generator: NexmarkGenerator;
  readonly sink: RowSink<WindowCount>;
  readonly gapMs: number;
  /** Sessions that have not been emitted, per bidder. */
  readonly sessions: Map<number, Session> = new Map();
  /** Sessions by ceil(end / BUCKET_MS). */
  readonly buckets: Map<number, Session[]> = new Map();
  watermark: number = Number.NEGATIVE_INFINITY;
  /** The buckets before this one have been emptied. */
  nextBucket: number = Number.POSITIVE_INFINITY;

  constructor(generator: NexmarkGenerator, sink: RowSink<WindowCount>, gapMs: number) {
    this.generator = generator;
    this.sink = sink;
    this.gapMs = gapMs;
  }

  process(start: number, end: number): void {
    const { generator, sessions, gapMs } = this;
    for (let index = start; index < end; index++) {
      const event = generator.event(index);
      const timestamp = event.dateTime;
      if (event.type === BID) {
        const bid: BidRecord = { auction: event.auction, bidder: event.bidder, price: event.price };
        const session = sessions.get(bid.bidder);
        if (session !== undefined && session.other === undefined && this.takes(session, timestamp)) {
          session.count++;
          if (timestamp + gapMs > session.end) session.end = timestamp + gapMs;
          if (timestamp < session.start) session.start = timestamp;
        } else this.addApart(bid.bidder, timestamp, session);
      }
      const watermark = timestamp - WATERMARK_DELAY_MS - 1;
      if (watermark > this.watermark) {
        this.watermark = watermark;
        if (watermark >= this.nextBucket * BUCKET_MS - 1) this.closeUpTo(Math.floor((watermark + 1) / BUCKET_MS));
      }
    }
  }

  finish(): void {
    this.watermark = Number.POSITIVE_INFINITY;
    this.closeUpTo(Math.max(...this.buckets.keys()));
  }

  takes(session: Session, timestamp: number): boolean {
    return timestamp <= session.end && timestamp >= session.start - this.gapMs && session.end - 1 > this.watermark;
  }

  /** The bid that opens a session, joins two, or meets one of several. */
  addApart(key: number, timestamp: number, newest: Session | undefined): void {
    let home: Session | undefined;
    for (let session = newest; session !== undefined; session = session.other) {
      if (session.count === 0 || !this.takes(session, timestamp)) continue;
      if (home === undefined) {
        home = session;
        home.start = Math.min(home.start, timestamp);
        home.end = Math.max(home.end, timestamp + this.gapMs);
        home.count++;
      } else {
        home.start = Math.min(home.start, session.start);
        home.end = Math.max(home.end, session.end);
        home.count += session.count;
        session.count = 0;
      }
    }
    if (home !== undefined || timestamp + this.gapMs - 1 <= this.watermark) return;
    const opened: Session = { key, start: timestamp, end: timestamp + this.gapMs, count: 1, other: newest };
    this.sessions.set(key, opened);
    this.wait(opened);
  }

  wait(session: Session): void {
    const bucket = Math.ceil(session.end / BUCKET_MS);
    const waiting = this.buckets.get(bucket);
    if (waiting !== undefined) waiting.push(session);
    else {
      this.buckets.set(bucket, [session]);
      if (bucket < this.nextBucket) this.nextBucket = bucket;
    }
  }

  closeUpTo(lastBucket: number): void {
    for (let bucket = this.nextBucket; bucket <= lastBucket; bucket++) {
      const waiting = this.buckets.get(bucket);
      if (waiting === undefined) continue;
      this.buckets.delete(bucket);
      for (const session of waiting) this.closeOrMoveOn(session);
    }
    this.nextBucket = this.buckets.size === 0 ? Number.POSITIVE_INFINITY : lastBucket + 1;
  }

  closeOrMoveOn(session: Session): void {
    if (session.count > 0 && session.end - 1 > this.watermark) {
      this.wait(session);
      return;
    }
    this.forget(session);
    if (session.count > 0) this.sink.write({ key: session.key, windowEnd: session.end, count: session.count });
  }

  forget(session: Session): void {
    const newest = this.sessions.get(session.key);
    if (newest !== session) {
      let before = newest;
      while (before !== undefined && before.other !== session) before = before.other;
      if (before !== undefined) before.other = session.other;
    } else if (session.other === undefined) this.sessions.delete(session.key);
    else this.sessions.set(session.key, session.other);
  }
}
