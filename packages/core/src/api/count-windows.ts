import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import type { UserCall } from "./call-site.ts";
import { type Windowing, windowingOf } from "./window-specs.ts";

/**
 * Windows by number, as Flink makes them: the global window, which fires by count and forgets its elements, or evicts
 * all but the last.
 *
 * @throws MillraceError `MR_WINDOW_COUNT_INVALID`
 * @internal
 */
export function countWindowing(call: UserCall, size: number, slide: number | undefined): Windowing {
  const windowing = windowingOf(call, GlobalWindows.create());
  const whole = CountTrigger.of(size);
  if (slide === undefined) return { ...windowing, trigger: PurgingTrigger.of(whole) };
  return { ...windowing, trigger: CountTrigger.of(slide), evictor: CountEvictor.of(size) };
}
