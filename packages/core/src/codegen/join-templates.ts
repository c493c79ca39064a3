/** The text of interval joins: a record is kept for its key and meets what the other side has kept. */
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { IntervalJoinSpec } from "../operators/operator-spec.ts";
import type { ChainWriter } from "./chain-writer.ts";
import { writeSelect } from "./select-template.ts";

/** Writes what happens to a record `value` with event time `time` on one input of the join. */
export function writeIntervalJoin(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: IntervalJoinSpec,
  input: number,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const { text } = chain;
  // Written so that NaN fails it too.
  text.line(`if (!(${time} >= op${index}.acceptedFromMs)) op${index}.late(${input}, ${value}, ${time});`);
  text.block("else", () => {
    const entry = writeSelect(chain, operator, input, value);
    const other = text.name("other");
    text.line(`const ${other} = op${index}.${input === 0 ? "keepLeft" : "keepRight"}(${entry}, ${value}, ${time});`);
    text.block(`if (${other} !== undefined)`, () => writePairs(chain, operator, spec, { input, value, time, other }));
  });
}

interface Arrival {
  readonly input: number;
  readonly value: string;
  readonly time: string;
  /** The variable of the other side's buffer. */
  readonly other: string;
}

function writePairs(chain: ChainWriter, operator: ChainedOperator, spec: IntervalJoinSpec, arrival: Arrival): void {
  const { index } = operator;
  const { input, value, time, other } = arrival;
  const { text } = chain;
  const isLeft = input === 0;
  const [lowerMs, upperMs] = isLeft ? [spec.lowerMs, spec.upperMs] : [-spec.upperMs, -spec.lowerMs];
  const [times, values, last, at, returned] = ["times", "values", "last", "at", "returned"].map((each) =>
    text.name(each),
  );
  text.line(`const ${times} = ${other}.times, ${values} = ${other}.values, ${last} = ${plus(time, upperMs)};`);
  text.block(
    `for (let ${at} = ${other}.firstFrom(${plus(time, lowerMs)}); ${at} < ${times}.length && ${times}[${at}] <= ${last}; ${at}++)`,
    () => {
      const partner = `${values}[${at}]`;
      const partnerTime = `${times}[${at}]`;
      const [left, right] = isLeft ? [time, partnerTime] : [partnerTime, time];
      text.line(`op${index}.context.leftTimestamp = ${left};`);
      text.line(`op${index}.context.rightTimestamp = ${right};`);
      text.line(`op${index}.context.timestamp = ${laterOf(spec, left, right)};`);
      const pair = isLeft ? `${value}, ${partner}` : `${partner}, ${value}`;
      text.line(`const ${returned} = fn${index}.processElement(${pair}, op${index}.context, collector${index});`);
      text.line(`if (${returned} instanceof Promise) operators[${index}].rejectPromise("processElement");`);
    },
  );
}

// The bounds often tell which of the two is the later one.
function laterOf(spec: IntervalJoinSpec, left: string, right: string): string {
  if (spec.lowerMs >= 0) return right;
  if (spec.upperMs <= 0) return left;
  return `Math.max(${left}, ${right})`;
}

function plus(time: string, ms: number): string {
  if (ms === 0) return time;
  return ms > 0 ? `${time} + ${ms}` : `${time} - ${-ms}`;
}
