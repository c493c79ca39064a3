/** The text of event-time windows: the panes of a record, and its folding into them. */
import { unreachable } from "../base/errors.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { WindowSpec } from "../operators/operator-spec.ts";
import type { ChainWriter } from "./chain-writer.ts";
import { writeSelect } from "./select-template.ts";

/** `pane.acc = add(value, pane.acc)`, and the firing of a pane that has fired before. */
function writeFold(chain: ChainWriter, operator: ChainedOperator, spec: WindowSpec, pane: string, value: string): void {
  const { index } = operator;
  const text = chain.text;
  switch (spec.fold.kind) {
    case "aggregate":
      text.line(`${pane}.acc = fn${index}.fold.add(${value}, ${pane}.acc);`);
      break;
    case "reduce":
      text.line(`${pane}.acc = ${pane}.acc === undefined ? ${value} : fn${index}.fold(${pane}.acc, ${value});`);
      break;
    case "list":
      text.line(`${pane}.acc.push(${value});`);
      break;
    default:
      unreachable(spec.fold);
  }
  text.line(`if (${pane}.isFired) op${index}.fire(${pane});`);
}

/** Writes the assignment of a record `value` with event time `time` to its windows, and its folding into them. */
export function writeWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const { assigner } = spec;
  const text = chain.text;
  const entry = writeSelect(chain, operator, 0, value);
  switch (assigner.kind) {
    case "tumbling": {
      const start = text.name("start");
      const pane = text.name("pane");
      text.line(`const ${start} = ${windowStart(time, assigner.offsetMs, assigner.sizeMs)};`);
      text.line(`let ${pane} = ${entry} === undefined ? undefined : ${entry}.s0;`);
      text.line(
        `if (${pane} === undefined || ${pane}.start !== ${start}) ${pane} = op${index}.paneAt(${start}, ${start} + ${assigner.sizeMs});`,
      );
      text.line(`if (${pane} === undefined) op${index}.late(${value}, ${time});`);
      text.block("else", () => writeFold(chain, operator, spec, pane, value));
      return;
    }
    case "sliding":
      writeSlidingWindow(chain, operator, spec, entry, value, time);
      return;
    case "session":
      writeSessionWindow(chain, operator, spec, entry, value, time);
      return;
    default:
      unreachable(assigner);
  }
}

// The panes of a key are ordered by descending start, and so are a record's windows: both lists are walked once.
function writeSlidingWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  entry: string,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const { assigner } = spec;
  if (assigner.kind !== "sliding") return;
  const text = chain.text;
  const start = text.name("start");
  const pane = text.name("pane");
  const isIn = text.name("isIn");
  text.line(`let ${pane} = ${entry} === undefined ? undefined : ${entry}.s0, ${isIn} = false;`);
  const first = windowStart(time, assigner.offsetMs, assigner.slideMs);
  text.block(
    `for (let ${start} = ${first}; ${start} > ${time} - ${assigner.sizeMs}; ${start} -= ${assigner.slideMs})`,
    () => {
      text.line(
        `if (${pane} === undefined || ${pane}.start !== ${start}) ${pane} = op${index}.paneAt(${start}, ${start} + ${assigner.sizeMs});`,
      );
      text.line(`if (${pane} === undefined) continue;`);
      text.line(`${isIn} = true;`);
      writeFold(chain, operator, spec, pane, value);
      text.line(`${pane} = ${pane}.next;`);
    },
  );
  text.line(`if (!${isIn}) op${index}.late(${value}, ${time});`);
}

function writeSessionWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  entry: string,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const { assigner } = spec;
  if (assigner.kind !== "session") return;
  const text = chain.text;
  const pane = text.name("pane");
  text.line(`const ${pane} = ${entry} === undefined ? undefined : ${entry}.s0;`);
  // The usual case: the record falls into, or right after, the key's only session, which has not fired.
  const fits = `${pane}.next === undefined && !${pane}.isFired && ${time} >= ${pane}.start && ${time} <= ${pane}.end`;
  text.block(`if (${pane} !== undefined && ${fits})`, () => {
    text.line(`if (${time} + ${assigner.gapMs} > ${pane}.end) ${pane}.end = ${time} + ${assigner.gapMs};`);
    writeFold(chain, operator, spec, pane, value);
  });
  text.line(`else op${index}.addToSession(${value}, ${time}, ${assigner.gapMs});`);
}

// Division and floor are exact for whole milliseconds within ±2^53 and much faster than the remainder of doubles.
function windowStart(time: string, offsetMs: number, sizeMs: number): string {
  if (offsetMs === 0) return `Math.floor(${time} / ${sizeMs}) * ${sizeMs}`;
  return `Math.floor((${time} - ${offsetMs}) / ${sizeMs}) * ${sizeMs} + ${offsetMs}`;
}
