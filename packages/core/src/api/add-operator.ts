/** What the methods of streams end in: an operator is added to the pipeline, and the stream of its results made. */
import type { Sink } from "../connectors/sink.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { Type } from "../types/type.ts";
import type { UserCall } from "./call-site.ts";
import { type DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { DataStreamSink } from "./data-stream-sink.ts";
import { erased } from "./erased.ts";
import { edgesOf, type Input } from "./upstreams.ts";

export function addTwoInputOperator<R>(
  first: Input,
  second: Input,
  call: UserCall,
  name: string,
  spec: OperatorSpec,
): SingleOutputStreamOperator<R> {
  const inputs = [...edgesOf(first, 0), ...edgesOf(second, 1)];
  const { builder } = first;
  return new SingleOutputStreamOperator<R>(builder, builder.add(call, name, spec, inputs), undefined);
}

export function addOperator<R>(
  input: Input,
  call: UserCall,
  name: string,
  spec: OperatorSpec,
  type?: Type<R> | undefined,
): SingleOutputStreamOperator<R> {
  const transformation = input.builder.add(call, name, spec, edgesOf(input, 0));
  return new SingleOutputStreamOperator<R>(input.builder, transformation, type);
}

export function addSink<T, C, S>(input: DataStream<T>, call: UserCall, sink: Sink<T, C, S>): DataStreamSink<T> {
  const spec: OperatorSpec = { kind: "sink", sink: erased(sink) };
  return new DataStreamSink<T>(input.builder.add(call, `Sink: ${sink.description.kind}`, spec, edgesOf(input, 0)));
}
