/** The text of each kind of operator: what happens to one record `value` with event time `time`. */
import { unreachable } from "../base/errors.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { CoSpec, TransformSpec } from "../operators/operator-spec.ts";
import type { ChainWriter } from "./chain-writer.ts";
import { writeIntervalJoin } from "./join-templates.ts";
import { writeSelect } from "./select-template.ts";
import { writeWindow } from "./window-templates.ts";

/** Writes the operator's reaction to a record on one of its inputs, and all that follows from it. */
export function writeOperator(
  chain: ChainWriter,
  operator: ChainedOperator,
  input: number,
  value: string,
  time: string,
): void {
  const { spec, index } = operator;
  const text = chain.text;
  switch (spec.kind) {
    case "source":
      return;
    case "map": {
      if (spec.key !== undefined) writeSelect(chain, operator, 0, value);
      const result = text.name("v");
      text.line(`const ${result} = ${call(operator, spec.fn, "map", value)};`);
      text.line(`if (${result} instanceof Promise) operators[${index}].rejectPromise("map");`);
      chain.emit(operator, result, time);
      return;
    }
    case "filter": {
      if (spec.key !== undefined) writeSelect(chain, operator, 0, value);
      const kept = text.name("kept");
      text.line(`const ${kept} = ${call(operator, spec.fn, "filter", value)};`);
      text.line(`if (${kept} !== true && ${kept} !== false) operators[${index}].checkFilter(${kept});`);
      text.block(`if (${kept})`, () => {
        chain.count(operator);
        chain.emit(operator, value, time);
      });
      return;
    }
    case "flatMap":
      writeFlatMap(chain, operator, value, time);
      return;
    case "process":
    case "keyedProcess": {
      if (spec.kind === "keyedProcess") writeSelect(chain, operator, 0, value);
      text.line(`op${index}.context.timestamp = ${time};`);
      writeVoidCall(chain, operator, `fn${index}.processElement(${value}, op${index}.context, collector${index})`);
      return;
    }
    case "keyedReduce":
      writeReduce(chain, operator, value, time);
      return;
    case "window":
      writeWindow(chain, operator, spec, value, time);
      return;
    case "timestamps":
      writeTimestamps(chain, operator, value, time);
      return;
    case "co":
      writeCo(chain, operator, spec, input, value, time);
      return;
    case "intervalJoin":
      writeIntervalJoin(chain, operator, spec, input, value, time);
      return;
    case "transform":
      writeTransform(chain, operator, spec, input, value, time);
      return;
    case "sink":
      chain.count(operator);
      text.line(`op${index}.writeContext.timestamp = ${time};`);
      text.line(`op${index}.writer.write(${value}, op${index}.writeContext);`);
      return;
    default:
      unreachable(spec);
  }
}

function writeTransform(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: TransformSpec,
  input: number,
  value: string,
  time: string,
): void {
  if (spec.keys[input] !== undefined) writeSelect(chain, operator, input, value);
  chain.text.line(`op${operator.index}.processElement${input === 0 ? "" : "2"}(${value}, ${time});`);
}

function call(operator: ChainedOperator, fn: unknown, method: string, value: string): string {
  return typeof fn === "function" ? `fn${operator.index}(${value})` : `fn${operator.index}.${method}(${value})`;
}

// A function without a result must return undefined; anything else is looked at once more (a Promise is refused).
function writeVoidCall(chain: ChainWriter, operator: ChainedOperator, expression: string): void {
  const returned = chain.text.name("returned");
  chain.text.line(`const ${returned} = ${expression};`);
  chain.text.line(`if (${returned} instanceof Promise) operators[${operator.index}].rejectPromise("process");`);
}

function writeFlatMap(chain: ChainWriter, operator: ChainedOperator, value: string, time: string): void {
  const { index, spec } = operator;
  if (spec.kind !== "flatMap") return;
  if (typeof spec.fn !== "function") {
    if (spec.key !== undefined) writeSelect(chain, operator, 0, value);
    chain.text.line(`op${index}.context.timestamp = ${time};`);
    writeVoidCall(chain, operator, `fn${index}.flatMap(${value}, collector${index})`);
    return;
  }
  const results = chain.text.name("results");
  const result = chain.text.name("v");
  chain.text.line(`const ${results} = fn${index}(${value});`);
  chain.text.line(`if (${results} instanceof Promise) operators[${index}].rejectPromise("flatMap");`);
  chain.text.block(`for (const ${result} of ${results})`, () => {
    chain.count(operator);
    chain.emit(operator, result, time);
  });
}

function writeReduce(chain: ChainWriter, operator: ChainedOperator, value: string, time: string): void {
  const { index, spec } = operator;
  if (spec.kind !== "keyedReduce") return;
  const text = chain.text;
  const entry = writeSelect(chain, operator, 0, value);
  const running = text.name("v");
  text.line(`let ${running} = ${value};`);
  text.line(`if (${entry} === undefined) table${index}.createCurrent().s0 = ${value};`);
  text.block("else", () => {
    const reduce = typeof spec.fn === "function" ? `fn${index}` : `fn${index}.reduce`;
    text.line(`${running} = ${reduce}(${entry}.s0, ${value});`);
    text.line(`if (${running} instanceof Promise) operators[${index}].rejectPromise("reduce");`);
    text.line(`${entry}.s0 = ${running};`);
  });
  chain.emit(operator, running, time);
}

function writeTimestamps(chain: ChainWriter, operator: ChainedOperator, value: string, time: string): void {
  const { index, spec } = operator;
  if (spec.kind !== "timestamps") return;
  const text = chain.text;
  const assigned = text.name("t");
  text.line(
    `const ${assigned} = ${spec.strategy.timestampAssigner === undefined ? time : `timestampOf${index}(${value}, ${time})`};`,
  );
  text.line(
    `if (!(${assigned} >= -8640000000000000 && ${assigned} <= 8640000000000000)) operators[${index}].rejectTimestamp(${assigned});`,
  );
  if (spec.strategy.kind === "bounded") {
    text.line(`if (${assigned} > op${index}.tracker.maxTimestamp) op${index}.tracker.maxTimestamp = ${assigned};`);
  }
  if (spec.strategy.idlenessMs !== undefined) text.line(`op${index}.noteRecord();`);
  chain.emit(operator, value, assigned);
  if (spec.strategy.kind === "custom") {
    text.line(`op${index}.tracker.generator.onEvent(${value}, ${assigned}, op${index}.tracker);`);
    text.line(`if (op${index}.tracker.hasAdvanced) op${index}.onEventWatermark();`);
  }
}

function writeCo(
  chain: ChainWriter,
  operator: ChainedOperator,
  spec: CoSpec,
  input: number,
  value: string,
  time: string,
): void {
  const { index } = operator;
  const text = chain.text;
  if (spec.keys !== undefined) writeSelect(chain, operator, input, value);
  const side = input + 1;
  if (spec.flavour === "map") {
    const result = text.name("v");
    text.line(`const ${result} = fn${index}.map${side}(${value});`);
    text.line(`if (${result} instanceof Promise) operators[${index}].rejectPromise("map${side}");`);
    chain.count(operator);
    chain.emit(operator, result, time);
    return;
  }
  text.line(`op${index}.context.timestamp = ${time};`);
  const method =
    spec.flavour === "flatMap" ? `flatMap${side}(${value}, ` : `processElement${side}(${value}, op${index}.context, `;
  writeVoidCall(chain, operator, `fn${index}.${method}collector${index})`);
}
