/** The two ends of an iteration, as operators of the pipeline: the graph between them has no cycle. */
import { type Duration, durationMs } from "../base/duration.ts";
import type { MillraceError } from "../base/errors.ts";
import { leadsTo } from "../graph/iterations.ts";
import type { Transformation } from "../graph/transformation.ts";
import { FeedbackLoop } from "../operators/iteration/feedback-queue.ts";
import { IterationHead } from "../operators/iteration/iteration-head.ts";
import { IterationTail } from "../operators/iteration/iteration-tail.ts";
import type { TransformSpec } from "../operators/operator-spec.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";
import { checkStreams } from "./stream-checks.ts";
import { edgesOf, type Input, parallelismOf, type Upstream } from "./upstreams.ts";

/** Where feedback of a type of its own leaves the start of the loop. */
const FEEDBACK: OutputTag<unknown> = new OutputTag<unknown>("iteration-feedback");

/** @internal */
export function iterationHead(call: UserCall, maxWaitTime: Duration | undefined): TransformSpec {
  const maxWaitMs = maxWaitTime === undefined ? undefined : durationMs(maxWaitTime);
  if (maxWaitMs !== undefined && !(maxWaitMs > 0)) {
    throw invalidArgument(call, describeValue(maxWaitTime), "a wait time above 0", 'Pass one such as "5 s", or none');
  }
  const loop = new FeedbackLoop();
  return {
    kind: "transform",
    label: "iterate",
    keys: [undefined],
    isStateful: false,
    details: maxWaitMs === undefined ? {} : { maxWaitMs },
    hasSideOutput: () => false,
    iteration: { role: "head", loop, maxWaitMs },
    create: (host) => new IterationHead(host, loop, maxWaitMs),
  };
}

/** Lets what is fed back leave the start of the loop apart from its input. @returns Where it comes from. @internal */
export function feedbackOf({ transformation: head }: { readonly transformation: Transformation }): Upstream {
  // Made by iterationHead.
  const loop = (head.spec as TransformSpec).iteration!.loop as FeedbackLoop;
  loop.feedbackTag = FEEDBACK;
  return { source: head, partitioning: undefined, sideOutput: FEEDBACK.id };
}

/** A loop has either feedback of its input's type, or of one of its own. @internal */
export function closedTwice(call: UserCall): MillraceError {
  const todo = "Call closeWith on what withFeedbackType returned, and withFeedbackType once, before any closeWith";
  return invalidArgument(call, "a loop that has been given its feedback's type", "one type of feedback", todo);
}

/** Adds the start of the loop where the records are, as in Flink. @internal */
export function addHead(input: Input, call: UserCall, spec: TransformSpec): Transformation {
  const head = input.builder.add(call, "Iteration", spec, edgesOf(input, 0));
  head.parallelism = parallelismOf(input);
  return head;
}

/** Adds an end of the loop. @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function addTail(
  call: UserCall,
  { transformation: head, builder }: Input & { readonly transformation: Transformation },
  feedback: Input,
): Transformation {
  checkStreams(call, builder, [feedback]);
  if (!feedback.upstreams.some(({ source }) => leadsTo(head, source))) {
    const todo = "Pass a stream that was made from what iterate returned";
    throw invalidArgument(call, "a stream that does not come from the loop", "a stream of the loop", todo);
  }
  const spec = head.spec as TransformSpec;
  const { loop, maxWaitMs } = spec.iteration!;
  const tail = builder.add(
    call,
    "Iteration Feedback",
    {
      kind: "transform",
      label: "feedback",
      keys: [undefined],
      isStateful: false,
      details: { to: head.name },
      hasSideOutput: () => false,
      iteration: { role: "tail", loop, maxWaitMs },
      // Both ends of a loop are made by the same call of iterate.
      create: (host) => new IterationTail(host, loop as FeedbackLoop),
    },
    edgesOf(feedback, 0),
  );
  tail.parallelism = head.parallelism;
  return tail;
}
