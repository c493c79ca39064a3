/** What a window is to triggers, evictors and functions. */
import { MAX_WATERMARK } from "./timestamps.ts";

/** A group of a key's elements. @public */
export interface Window {
  /** The last millisecond that may belong to the window, in epoch ms; results of the window carry it as their event time. */
  readonly maxTimestamp: number;
}

/** The window that holds everything: it never ends, so only a trigger can make it emit. @public */
export class GlobalWindow implements Window {
  static readonly #only = new GlobalWindow();

  /** The one global window. */
  static get(): GlobalWindow {
    return GlobalWindow.#only;
  }

  /** `MAX_WATERMARK`, as results of a global window have it in Flink. */
  get maxTimestamp(): number {
    return MAX_WATERMARK;
  }

  /** As in Flink: `GlobalWindow`. */
  toString(): string {
    return "GlobalWindow";
  }
}
