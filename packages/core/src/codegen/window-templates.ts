/**
 * The text of event-time windows: which panes a record goes to and its folding into them, and the emission of a window's
 * result. Records of windows on a grid are folded once, into a slice (SlicedWindowOperator); the others once for every
 * window (PaneWindowOperator).
 */
import { invariant, unreachable } from "../base/errors.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { WindowSpec } from "../operators/operator-spec.ts";
import { isSliced, mergesSlices } from "../operators/window/slicing.ts";
import type { ChainWriter } from "./chain-writer.ts";
import { type LookedUp, writeLookUp, writeMakeCurrent } from "./select-template.ts";

/** `pane.acc = add(value, pane.acc)`. */
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
}

/** Writes the assignment of a record `value` with event time `time` to its windows, and its folding into them. */
export function writeWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  value: string,
  time: string,
): void {
  const found = writeLookUp(chain, operator, 0, value);
  if (isSliced(spec)) writeSlicedWindow(chain, operator, spec, found, value, time);
  else if (spec.assigner.kind === "session") writeSessionWindow(chain, operator, spec, found, value, time);
  else writeSlidingWindow(chain, operator, spec, found, value, time);
}

// Most records fall into the slice of the record before, and into the newest pane of their key.
function writeSlicedWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  found: LookedUp,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const text = chain.text;
  const slice = `slice${index}`;
  const pane = text.name("pane");
  text.line(`if (!(${time} >= ${slice}.start && ${time} < ${slice}.end)) ${slice} = op${index}.sliceAt(${time});`);
  text.line(`let ${pane} = ${found.entry} === undefined ? undefined : ${found.entry}.s0;`);
  text.block(`if (${pane} === undefined || ${pane}.slice !== ${slice})`, () => {
    writeMakeCurrent(chain, operator, found);
    text.line(`${pane} = op${index}.paneIn(${slice});`);
  });
  text.line(`if (${pane} === undefined) op${index}.late(${value}, ${time});`);
  text.block("else", () => {
    writeFold(chain, operator, spec, pane, value);
    // Without allowed lateness an element is never in time for a window that has fired.
    if (spec.allowedLatenessMs > 0) text.line(`if (${slice}.hasFired) op${index}.fireLate(${pane});`);
  });
}

// The panes of a key are ordered by descending start, and so are a record's windows: both lists are walked once.
function writeSlidingWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  found: LookedUp,
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
  writeMakeCurrent(chain, operator, found);
  text.line(`let ${pane} = ${found.entry} === undefined ? undefined : ${found.entry}.s0, ${isIn} = false;`);
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
      text.line(`if (${pane}.isFired) op${index}.fire(${pane});`);
      text.line(`${pane} = ${pane}.next;`);
    },
  );
  text.line(`if (!${isIn}) op${index}.lateUnlessInGap(${value}, ${time});`);
}

function writeSessionWindow(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: WindowSpec,
  found: LookedUp,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const { assigner } = spec;
  if (assigner.kind !== "session") return;
  const text = chain.text;
  const pane = text.name("pane");
  text.line(`const ${pane} = ${found.entry} === undefined ? undefined : ${found.entry}.s0;`);
  // The usual case: the record falls into, or right after, the key's only session, which has not fired.
  const fits = `${pane}.next === undefined && !${pane}.isFired && ${time} >= ${pane}.start && ${time} <= ${pane}.end`;
  text.block(`if (${pane} !== undefined && ${fits})`, () => {
    text.line(`if (${time} + ${assigner.gapMs} > ${pane}.end) ${pane}.end = ${time} + ${assigner.gapMs};`);
    writeFold(chain, operator, spec, pane, value);
  });
  text.block("else", () => {
    writeMakeCurrent(chain, operator, found);
    text.line(`op${index}.addToSession(${value}, ${time}, ${assigner.gapMs});`);
  });
}

// Division and floor are exact for whole milliseconds within ±2^53 and much faster than the remainder of doubles.
function windowStart(time: string, offsetMs: number, sizeMs: number): string {
  if (offsetMs === 0) return `Math.floor(${time} / ${sizeMs}) * ${sizeMs}`;
  return `Math.floor((${time} - ${offsetMs}) / ${sizeMs}) * ${sizeMs} + ${offsetMs}`;
}

/** Writes the functions and variables of the window operator that are not on the way of a record. */
export function writeWindowResult(chain: ChainWriter, operator: ChainedOperator): void {
  const { index, spec } = operator;
  invariant(spec.kind === "window", "only a window has a result");
  const text = chain.text;
  if (isSliced(spec)) text.line(`let slice${index} = op${index}.noSlice;`);
  const parameters = isSliced(spec) ? "pane, window" : "pane";
  text.block(
    `op${index}.fire = function fire${index}(${parameters})`,
    () => {
      if (!isSliced(spec)) text.line("const window = new TimeWindow(pane.start, pane.end);");
      writeAccumulator(chain, operator, spec);
      const result = spec.fold.kind === "aggregate" ? `fn${index}.fold.getResult(acc)` : "acc";
      text.line(`const result = ${result};`);
      text.line("const t = window.end - 1;");
      writeResult(chain, operator, spec);
    },
    ";",
  );
}

// Merging starts from a new accumulator, because it may change its first argument and the panes are still needed.
function writeAccumulator(chain: ChainWriter, operator: ChainedOperator, spec: WindowSpec): void {
  const { index } = operator;
  const text = chain.text;
  if (!isSliced(spec) || !mergesSlices(spec)) {
    text.line("const acc = pane.acc;");
    return;
  }
  text.line(`const first = pane.isDisordered ? op${index}.firstCreatedOf(pane, window.end) : pane;`);
  if (spec.fold.kind === "reduce") text.line("let acc = first.acc;");
  else writeMerge(chain, operator, `fn${index}.fold.createAccumulator()`, "first", "let ");
  text.block("for (let p = pane; p !== undefined && p.slice.start < window.end; p = p.newer)", () => {
    text.line("if (p === first) continue;");
    if (spec.fold.kind === "reduce") text.line(`acc = fn${index}.fold(acc, p.acc);`);
    else writeMerge(chain, operator, "acc", "p", "");
  });
}

// A merge that hands its second argument back must not get it as a first one: that would change the pane.
function writeMerge(chain: ChainWriter, operator: ChainedOperator, left: string, pane: string, declare: string): void {
  const { index } = operator;
  chain.text.line(`${declare}acc = fn${index}.fold.merge(${left}, ${pane}.acc);`);
  chain.text.line(`if (acc === ${pane}.acc && typeof acc === "object") acc = fn${index}.copy(acc);`);
}

function writeResult(chain: ChainWriter, operator: ChainedOperator, spec: WindowSpec): void {
  const { index } = operator;
  const text = chain.text;
  if (spec.emit.kind === "process") {
    text.line(`const context = op${index}.context;`);
    text.line("context.timestamp = t;");
    text.line("context.window = window;");
    const elements = spec.fold.kind === "list" ? "result" : "[result]";
    text.line(`fn${index}.emit.process(pane.entry.key, context, ${elements}, collector${index});`);
    return;
  }
  chain.count(operator);
  if (spec.emit.kind === "value") {
    chain.emit(operator, "result", "t");
    return;
  }
  text.line(`const v = fn${index}.emit(pane.entry.key, window, result);`);
  text.line(`if (v instanceof Promise) operators[${index}].rejectPromise("window result");`);
  chain.emit(operator, "v", "t");
}
