/** Numbers below `--count`, then as many from a source that is made in every thread when the first has ended. */
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  DataGeneratorSource,
  HybridSource,
  type JobArguments,
  type Source,
  type StreamExecutionEnvironment,
  t,
} from "millrace";

const RowType = t.object({ n: t.int32 });

/** The same source, whose enumerator says where it ends. */
function endingAt<T, SplitT extends { readonly splitId: string }, StateT>(
  source: Source<T, SplitT, StateT>,
  position: unknown,
): Source<T, SplitT, StateT> {
  const endPosition = (): unknown => position;
  return {
    description: source.description,
    boundedness: source.boundedness,
    createReader: (context) => source.createReader(context),
    createEnumerator: (context) => Object.assign(source.createEnumerator(context), { endPosition }),
    restoreEnumerator: (context, state) => Object.assign(source.restoreEnumerator(context, state), { endPosition }),
    splitSerializer: source.splitSerializer,
    enumeratorStateSerializer: source.enumeratorStateSerializer,
  };
}

export default function hybrid(env: StreamExecutionEnvironment, args: JobArguments): void {
  const count = Number(args.get("count"));
  const first = DataGeneratorSource.of((n) => ({ n }), count, { ratePerSecond: 2000 });
  const source = HybridSource.builder(endingAt(first, count))
    .addSource(({ previousEndPosition }) => {
      const start = Number(previousEndPosition);
      return DataGeneratorSource.of((i) => ({ n: start + i }), count, { ratePerSecond: 2000 });
    }, "bounded")
    .build();
  env
    .fromSource(source, { boundedOutOfOrderness: 0, timestamp: ({ n }) => n }, "hybrid")
    .uid("hybrid")
    .sinkTo(FileSink.to(args.get("output"), jsonLines(RowType)))
    .uid("rows");
}
