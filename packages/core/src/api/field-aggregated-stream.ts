/**
 * The aggregations of one field that windows of a keyed and of a whole stream have. Like `paired-streams.ts` it imports no
 * stream but for its type, so it is there before the kinds of streams that extend it.
 */
import { type UserCall, userCall } from "./call-site.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import {
  extremeOf,
  extremeRecordOf,
  type FieldOf,
  type Orderable,
  type Summable,
  sumOf,
} from "./field-aggregations.ts";

/** Windows whose records can be aggregated by a field. @public */
export abstract class FieldAggregatedWindows<T> {
  /** Folds the records of a window into one of their own type. @internal */
  protected abstract fold(call: UserCall, fn: unknown): SingleOutputStreamOperator<T>;

  /** The sum of a field. The other fields are those of the window's first record. */
  sum(field: FieldOf<T, Summable>): SingleOutputStreamOperator<T> {
    const call = userCall("sum");
    return this.fold(call, sumOf(call, field));
  }

  /** The minimum of a field. The other fields are those of the window's first record. */
  min(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("min");
    return this.fold(call, extremeOf(call, field, "min"));
  }

  /** The maximum of a field. The other fields are those of the window's first record. */
  max(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("max");
    return this.fold(call, extremeOf(call, field, "max"));
  }

  /** The whole record with the smallest field; among equal ones the first, or the last. */
  minBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("minBy");
    return this.fold(call, extremeRecordOf(call, field, "min", first));
  }

  /** The whole record with the largest field; among equal ones the first, or the last. */
  maxBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("maxBy");
    return this.fold(call, extremeRecordOf(call, field, "max", first));
  }
}
