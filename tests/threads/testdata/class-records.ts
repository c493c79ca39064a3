import { type StreamExecutionEnvironment, t } from "millrace";

class Reading {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Sends instances of a class to other threads. */
export default function classes(env: StreamExecutionEnvironment): void {
  env
    .fromSequence(1, 100)
    .map((n) => new Reading(n))
    .keyBy((reading) => reading.value % 10)
    .reduce((left, right) => (left.value > right.value ? left : right))
    .returns(t.object({ value: t.int32 }))
    .uid("largest")
    .print();
}
