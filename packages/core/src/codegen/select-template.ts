import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { ChainWriter } from "./chain-writer.ts";

/** The names of generated variables: a record's key, and the key's entry or undefined. */
export interface LookedUp {
  readonly key: string;
  readonly entry: string;
}

/** Makes the record's key current. Leaves the entry, or undefined, in the returned variable. */
export function writeSelect(chain: ChainWriter, operator: ChainedOperator, input: number, value: string): string {
  const found = writeLookUp(chain, operator, input, value);
  writeMakeCurrent(chain, operator, found);
  return found.entry;
}

/** Looks the record's key up; the entry may be changed, but before the table is called the key has to be made current. */
export function writeLookUp(chain: ChainWriter, operator: ChainedOperator, input: number, value: string): LookedUp {
  const { index } = operator;
  const text = chain.text;
  const key = text.name("key");
  const entry = text.name("entry");
  text.line(`const ${key} = keys${index}[${input}](${value});`);
  text.line(`let ${entry} = table${index}.map.get(typeof ${key} === "object" ? mapKeyOf(${key}) : ${key});`);
  text.line(`if (${entry} !== undefined) {`);
  text.line(`  if (${entry}.version !== table${index}.version) table${index}.touch(${entry});`);
  text.line(`} else if (table${index}.mayWait) ${entry} = table${index}.readKey(${key});`);
  return { key, entry };
}

export function writeMakeCurrent(chain: ChainWriter, operator: ChainedOperator, { key, entry }: LookedUp): void {
  chain.text.line(`table${operator.index}.currentKey = ${key};`);
  chain.text.line(`table${operator.index}.current = ${entry};`);
}
