import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { ChainWriter } from "./chain-writer.ts";

/** Makes the record's key current. Leaves the entry, or undefined, in the returned variable. */
export function writeSelect(chain: ChainWriter, operator: ChainedOperator, input: number, value: string): string {
  const { index } = operator;
  const text = chain.text;
  const key = text.name("key");
  const entry = text.name("entry");
  text.line(`const ${key} = keys${index}[${input}](${value});`);
  text.line(`const ${entry} = table${index}.map.get(typeof ${key} === "object" ? mapKeyOf(${key}) : ${key});`);
  text.line(`if (${entry} !== undefined && ${entry}.version !== table${index}.version) table${index}.touch(${entry});`);
  text.line(`table${index}.currentKey = ${key};`);
  text.line(`table${index}.current = ${entry};`);
  return entry;
}
