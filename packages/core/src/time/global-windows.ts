import { GlobalWindow } from "./window.ts";
import type { GlobalAssigner } from "./window-assigner.ts";

/** Puts all elements of a key into one window, which never ends. @public */
export class GlobalWindows implements GlobalAssigner {
  readonly kind = "global";
  readonly isEventTime = false;
  readonly firesAtEnd: boolean;

  private constructor(firesAtEnd: boolean) {
    this.firesAtEnd = firesAtEnd;
  }

  /**
   * Nothing comes out of these windows without a trigger: give the stream one, such as `CountTrigger`, or use
   * `countWindow`.
   *
   * @example
   * clicks.keyBy((click) => click.user).window(GlobalWindows.create()).trigger(PurgingTrigger.of(CountTrigger.of(100)));
   */
  static create(): GlobalWindows {
    return new GlobalWindows(false);
  }

  /** The window of each key emits once, when the input has ended. */
  static createWithEndOfStreamTrigger(): GlobalWindows {
    return new GlobalWindows(true);
  }

  assign(): readonly GlobalWindow[] {
    return [GlobalWindow.get()];
  }

  toString(): string {
    return "GlobalWindows()";
  }
}
