/** Something that happens once, at a moment of simulated time. @internal */
export interface SimulatedEvent {
  readonly timeMs: number;
  /** Seeded: which of the events of one moment comes first. */
  readonly tieBreak: number;
  /** Order of creation, the last resort. */
  readonly sequence: number;
  readonly label: string;
  /** Cleared by whoever cancels the event; the heap forgets it when it comes up. */
  action: (() => void) | undefined;
}

/** A binary heap of events, the earliest on top. @internal */
export class EventHeap {
  readonly #events: SimulatedEvent[] = [];

  push(event: SimulatedEvent): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[index] = events[parent]!;
      index = parent;
    }
    events[index] = event;
  }

  /** The earliest event that is not cancelled. */
  peek(): SimulatedEvent | undefined {
    while (this.#events.length > 0 && this.#events[0]!.action === undefined) this.pop();
    return this.#events[0];
  }

  pop(): void {
    const last = this.#events.pop();
    if (last !== undefined && this.#events.length > 0) this.#sinkFromTop(last);
  }

  #sinkFromTop(event: SimulatedEvent): void {
    const events = this.#events;
    let index = 0;
    while (true) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, event)) break;
      events[index] = events[child]!;
      index = child;
    }
    events[index] = event;
  }
}

function isBefore(left: SimulatedEvent, right: SimulatedEvent): boolean {
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs;
  if (left.tieBreak !== right.tieBreak) return left.tieBreak < right.tieBreak;
  return left.sequence < right.sequence;
}
