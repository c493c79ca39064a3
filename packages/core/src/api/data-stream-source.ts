import { OutputTag } from "../operators/output-tag.ts";
import { SingleOutputStreamOperator } from "./data-stream.ts";

/** A record that a source could not read, under `source.poison-records: dead-letter`. @public */
export interface DeadLetter {
  /** The message of the coded error. */
  readonly error: string;
  /** The raw input as text, cut to at most 4096 characters. */
  readonly raw: string;
  /** File, line, offset …, as far as they are known. */
  readonly where: Readonly<Record<string, string | number>>;
}

/**
 * The side output of every source for records that it could not read.
 *
 * @example
 * const flights = env.fromSource(source, WatermarkStrategy.noWatermarks(), "flights");
 * flights.getSideOutput(DEAD_LETTERS).print("unreadable");
 * @public
 */
export const DEAD_LETTERS: OutputTag<DeadLetter> = new OutputTag<DeadLetter>("dead-letters");

/** The records of a source. @public */
export class DataStreamSource<T> extends SingleOutputStreamOperator<T> {}
