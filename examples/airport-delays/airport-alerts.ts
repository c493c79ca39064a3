import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type OnTimerContext,
  type RuntimeContext,
  type Type,
  t,
  type ValueState,
  valueState,
} from "millrace";
import type { DelayStatistics } from "./delay-statistics.ts";

/** An airport degrades when, over three hours with enough flights, more than this share is delayed … */
export const OPEN_SHARE = 0.5;
/** … and has recovered when no more than this share is. */
export const CLOSE_SHARE = 0.25;
export const FLIGHTS_MIN = 10;
/** An airport without a window for this long has fallen silent. */
export const SILENCE_MS: number = 6 * 3_600_000;

export interface AirportAlert {
  origin: string;
  /** Ends of the windows in which the airport degraded and recovered, or when it had been silent for too long. */
  openedAt: number;
  closedAt: number;
  reason: "recovered" | "silent";
  /** Highest share of delayed flights while the alert was open. */
  worstShare: number;
}

export const AirportAlertType: Type<AirportAlert> = t.object({
  origin: t.string,
  openedAt: t.timestamp,
  closedAt: t.timestamp,
  reason: t.literal("recovered", "silent"),
  worstShare: t.float64,
});

interface OpenAlert {
  openedAt: number;
  worstShare: number;
  lastSeen: number;
}

const OpenAlertType: Type<OpenAlert> = t.object({
  openedAt: t.timestamp,
  worstShare: t.float64,
  lastSeen: t.timestamp,
});

/**
 * Opens an alert when an airport degrades and emits it when it is over. Windows of an airport come in the order of their
 * ends. A window may come before the timer of a silence that it ends has fired, so the silence is looked at in both places.
 */
export class AirportAlerts implements KeyedProcessFunction<string, DelayStatistics, AirportAlert> {
  private alert!: ValueState<OpenAlert>;

  open(context: RuntimeContext): void {
    this.alert = context.getState(valueState("alert", OpenAlertType));
  }

  processElement(window: DelayStatistics, context: KeyedProcessContext<string>, out: Collector<AirportAlert>): void {
    let alert = this.alert.value();
    if (alert !== undefined && window.to >= alert.lastSeen + SILENCE_MS) {
      this.end(alert, alert.lastSeen + SILENCE_MS, "silent", context, out);
      alert = undefined;
    }
    if (alert === undefined) {
      if (window.flights < FLIGHTS_MIN || window.delayedShare <= OPEN_SHARE) return;
      this.keep({ openedAt: window.to, worstShare: window.delayedShare, lastSeen: window.to }, context);
      return;
    }
    context.timerService.deleteEventTimeTimer(alert.lastSeen + SILENCE_MS);
    const isRecovered = window.flights >= FLIGHTS_MIN && window.delayedShare <= CLOSE_SHARE;
    if (isRecovered) {
      this.end(alert, window.to, "recovered", context, out);
      return;
    }
    const worstShare =
      window.flights >= FLIGHTS_MIN ? Math.max(alert.worstShare, window.delayedShare) : alert.worstShare;
    this.keep({ openedAt: alert.openedAt, worstShare, lastSeen: window.to }, context);
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<AirportAlert>): void {
    const alert = this.alert.value();
    if (alert !== undefined && alert.lastSeen + SILENCE_MS === timeMs) this.end(alert, timeMs, "silent", context, out);
  }

  private keep(alert: OpenAlert, context: KeyedProcessContext<string>): void {
    this.alert.update(alert);
    context.timerService.registerEventTimeTimer(alert.lastSeen + SILENCE_MS);
  }

  private end(
    alert: OpenAlert,
    closedAt: number,
    reason: AirportAlert["reason"],
    context: KeyedProcessContext<string>,
    out: Collector<AirportAlert>,
  ): void {
    context.timerService.deleteEventTimeTimer(alert.lastSeen + SILENCE_MS);
    this.alert.clear();
    out.collect({
      origin: context.currentKey,
      openedAt: alert.openedAt,
      closedAt,
      reason,
      worstShare: alert.worstShare,
    });
  }
}
