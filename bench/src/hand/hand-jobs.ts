import type { JobName } from "../job-names.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink } from "../result-rows.ts";
import type { HandLoop } from "./hand-loop.ts";
import { HandIntervalJoin } from "./interval-join.ts";
import { HandKeyedSum } from "./keyed-sum.ts";
import { HandPassthrough } from "./passthrough.ts";
import { HandSessionCounts } from "./session-counts.ts";
import { HandSliceCounts } from "./slice-counts.ts";

/** The hand-written loop of a job; the sink takes the rows that {@link JOB_COLUMNS} describes. @internal */
export function handLoopOf(job: JobName, generator: NexmarkGenerator, sink: RowSink<unknown>): HandLoop {
  switch (job) {
    case "ds-passthrough":
      return new HandPassthrough(generator, sink);
    case "ds-keyed-sum":
      return new HandKeyedSum(generator, sink);
    case "ds-tumbling":
      return new HandSliceCounts(generator, sink, { sizeMs: 10_000, slideMs: 10_000 });
    case "ds-sliding":
      return new HandSliceCounts(generator, sink, { sizeMs: 10_000, slideMs: 2000 });
    case "ds-session":
      return new HandSessionCounts(generator, sink, 10_000);
    case "ds-interval-join":
      return new HandIntervalJoin(generator, sink, 2000);
  }
}
