import type { SeededRandom } from "millrace/internal";

export function pick<const T>(random: SeededRandom, values: readonly T[]): T {
  return values[random.below(values.length)]!;
}

export function shuffled<T>(random: SeededRandom, values: readonly T[]): readonly T[] {
  const left = [...values];
  return Array.from(values, () => left.splice(random.below(left.length), 1)[0]!);
}
