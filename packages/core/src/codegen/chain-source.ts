/**
 * Writes the source of one fused chain: a factory whose functions take records through all operators of a vertex with
 * nothing between them. Every chain is a function of its own, so the call sites of user functions stay monomorphic.
 *
 * - C1. No allocation, closure, try or async per record, except what the operators' semantics need.
 * - C2. No user text outside string literals and quoted comments.
 * - C3. An operator's input with exactly one fused producer is written in line there; any other one is a function.
 */
import { invariant } from "../base/errors.ts";
import type { ChainedOperator, ChainPlan } from "../operators/chain-plan.ts";
import { quoteText } from "../types/quote.ts";
import type { ChainWriter } from "./chain-writer.ts";
import { writeOperator } from "./operator-templates.ts";
import { SourceText } from "./source-text.ts";
import { writeWindowResult } from "./window-templates.ts";

export interface ChainSource {
  readonly text: string;
  /** By line of `text`, from 0: the index of the operator the line belongs to, or -1. */
  readonly operatorOfLine: readonly number[];
}

/** A fused input that takes records from outside, too: those that a checkpoint found on the edge when it was not fused. */
export interface ChainEntry {
  /** Index of the operator. */
  readonly operator: number;
  readonly input: 0 | 1;
}

/** Generates the text of a vertex's chain. The text depends on the plan and its entries only, never on values. */
export function generateChain(plan: ChainPlan, entries: readonly ChainEntry[] = []): ChainSource {
  const chain = new ChainText(plan, entries);
  chain.write();
  return { text: chain.text.toString(), operatorOfLine: chain.text.operatorOfLine };
}

class ChainText implements ChainWriter {
  readonly plan: ChainPlan;
  readonly text: SourceText = new SourceText();

  readonly #entries: readonly ChainEntry[];

  constructor(plan: ChainPlan, entries: readonly ChainEntry[]) {
    this.plan = plan;
    this.#entries = entries;
  }

  write(): void {
    this.text.line('"use strict";');
    this.text.line(`// ${quoteText(this.plan.name)}`);
    this.text.line("const { operators, writers, counts, mapKeyOf, TimeWindow, copyValue } = runtime;");
    for (const operator of this.plan.operators) {
      this.text.line(
        `const op${operator.index} = operators[${operator.index}].operator; // ${quoteText(operator.name)}`,
      );
      this.text.line(`const fn${operator.index} = operators[${operator.index}].fn;`);
      if ("strategy" in operator.spec) {
        this.text.line(`const timestampOf${operator.index} = operators[${operator.index}].timestampOf;`);
      }
      if ("keys" in operator.spec || "key" in operator.spec) {
        this.text.line(`const table${operator.index} = op${operator.index}.table;`);
        this.text.line(`const keys${operator.index} = operators[${operator.index}].keys;`);
      }
    }
    this.plan.outputs.forEach((output, index) => {
      this.text.line(`const out${index} = writers[${index}]; // edge ${output.edge}`);
    });
    for (const operator of this.plan.operators) this.#writeFunctions(operator);
    this.#entries.forEach((entry, number) => void this.#writeEntry(entry, number));
    this.text.block("return", () => this.#writeInputTable(), ";");
  }

  emit(operator: ChainedOperator, value: string, time: string, sideOutput?: string): void {
    for (const consumer of this.plan.operators) {
      for (const input of consumer.inputs) {
        if (input.kind !== "fused" || input.from !== operator.index || input.sideOutput !== sideOutput) continue;
        const own = this.#own(value);
        if (this.isInline(consumer, input.input)) {
          this.text.forOperator(consumer.index, () => writeOperator(this, consumer, input.input, own, time));
        } else {
          this.text.line(`in${consumer.index}_${input.input}(${own}, ${time});`);
        }
      }
    }
    this.plan.outputs.forEach((output, index) => {
      if (output.operator !== operator.index || output.sideOutput !== sideOutput) return;
      this.text.line(`out${index}.emit(${this.#own(value)}, ${time});`);
    });
  }

  count(operator: ChainedOperator): void {
    this.text.line(`counts[${operator.index}]++;`);
  }

  /** C3. */
  isInline(operator: ChainedOperator, input: number): boolean {
    const producers = operator.inputs.filter((candidate) => candidate.input === input);
    return producers.length === 1 && producers[0]!.kind === "fused";
  }

  /** The side outputs of the operator that somebody consumes, by tag id. */
  sideOutputsOf(operator: ChainedOperator): readonly string[] {
    const tags = new Set<string>();
    for (const consumer of this.plan.operators) {
      for (const input of consumer.inputs) {
        if (input.kind === "fused" && input.from === operator.index && input.sideOutput !== undefined)
          tags.add(input.sideOutput);
      }
    }
    for (const output of this.plan.outputs) {
      if (output.operator === operator.index && output.sideOutput !== undefined) tags.add(output.sideOutput);
    }
    return [...tags];
  }

  /** The value as its next owner gets it: the same, or a copy. */
  #own(value: string): string {
    if (!this.plan.copiesRecords) return value;
    const copy = this.text.name("copy");
    this.text.line(`const ${copy} = copyValue(${value});`);
    return copy;
  }

  #writeFunctions(operator: ChainedOperator): void {
    for (const input of [0, 1] as const) {
      const isFed = operator.inputs.some((candidate) => candidate.input === input);
      if (!isFed || this.isInline(operator, input)) continue;
      this.text.forOperator(operator.index, () => {
        this.text.block(`function in${operator.index}_${input}(v, t)`, () =>
          writeOperator(this, operator, input, "v", "t"),
        );
      });
    }
    this.text.forOperator(operator.index, () => writeOperatorFunctions(this, operator));
  }

  #writeEntry(entry: ChainEntry, number: number): void {
    const operator = this.plan.operators[entry.operator]!;
    this.text.forOperator(operator.index, () => {
      this.text.block(`function entry${number}(v, t)`, () => writeOperator(this, operator, entry.input, "v", "t"));
    });
  }

  #writeInputTable(): void {
    this.#entries.forEach((_, number) => void this.text.line(`entry${number},`));
    for (const operator of this.plan.operators) {
      for (const input of operator.inputs) {
        if (input.kind === "gate") this.text.line(`gate${input.gate}: in${operator.index}_${input.input},`);
      }
    }
  }
}

/** Functions that belong to an operator but are not on the way of its input: collectors, window results, side outputs. */
function writeOperatorFunctions(chain: ChainText, operator: ChainedOperator): void {
  const { index, spec } = operator;
  for (const tag of chain.sideOutputsOf(operator)) {
    const name = `side${index}_${chain.text.name("tag")}`;
    chain.text.block(`function ${name}(v, t)`, () => chain.emit(operator, "v", "t", tag));
    if (spec.kind === "source") chain.text.line(`op${index}.emitDeadLetter = ${name};`);
    else if (spec.kind === "window" && spec.lateTag?.id === tag) chain.text.line(`op${index}.emitLate = ${name};`);
    else chain.text.line(`op${index}.context.connectSideOutput(${quoteText(tag)}, ${name});`);
  }
  switch (spec.kind) {
    case "source":
      writeSourceLoop(chain, operator);
      return;
    case "flatMap":
    case "process":
    case "keyedProcess":
    case "co":
    case "intervalJoin":
      writeCollector(chain, operator);
      return;
    case "transform":
      chain.text.block(
        `op${index}.emit = function emit${index}(v, t)`,
        () => {
          chain.count(operator);
          chain.emit(operator, "v", "t");
        },
        ";",
      );
      return;
    case "window":
      if (spec.emit.kind === "process") writeCollector(chain, operator);
      writeWindowResult(chain, operator);
      return;
    default:
      return;
  }
}

function writeCollector(chain: ChainText, operator: ChainedOperator): void {
  const { index, spec } = operator;
  chain.text.block(
    `const collector${index} =`,
    () => {
      chain.text.block("collect(v)", () => {
        chain.count(operator);
        chain.text.line(`const t = op${index}.context.timestamp;`);
        chain.emit(operator, "v", "t");
      });
    },
    ";",
  );
  if (spec.kind === "keyedProcess" || (spec.kind === "co" && spec.keys !== undefined)) {
    chain.text.line(`op${index}.collector = collector${index};`);
  }
}

function writeSourceLoop(chain: ChainText, operator: ChainedOperator): void {
  const { index, spec } = operator;
  invariant(spec.kind === "source", "only a source has a loop");
  const { strategy } = spec;
  const text = chain.text;
  text.block(
    `op${index}.processBatch = function source${index}(batch)`,
    () => {
      text.line("const values = batch.values, times = batch.timestamps, end = batch.end;");
      text.line(`const tracker = op${index}.tracker, timeMax = op${index}.timestampMaxMs;`);
      if (strategy.kind === "bounded") text.line("let newest = tracker.maxTimestamp;");
      if (strategy.kind === "custom") text.line("const generator = tracker.generator;");
      text.block("for (let i = batch.position; i < end; i++)", () => {
        text.line("const v = values[i];");
        text.line(
          `const t = ${strategy.timestampAssigner === undefined ? "times[i]" : `timestampOf${index}(v, times[i])`};`,
        );
        if (strategy.kind !== "none" || strategy.timestampAssigner !== undefined) {
          // Written so that NaN fails it too.
          text.block("if (!(t >= -8640000000000000 && t <= timeMax))", () => {
            text.line(`op${index}.badTimestamp(v, t);`);
            text.line("continue;");
          });
        }
        if (strategy.kind === "bounded") text.line("if (t > newest) newest = t;");
        chain.count(operator);
        chain.emit(operator, "v", "t");
        if (strategy.kind === "custom") {
          text.line("generator.onEvent(v, t, tracker);");
          text.line(`if (tracker.hasAdvanced) op${index}.onEventWatermark();`);
        }
      });
      if (strategy.kind === "bounded") text.line("tracker.maxTimestamp = newest;");
    },
    ";",
  );
}
