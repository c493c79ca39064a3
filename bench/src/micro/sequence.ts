/** Whole numbers from 0 to `below - 1` that look random and are the same every time (a linear congruential generator). @internal */
export function scrambled(count: number, below: number): readonly number[] {
  const numbers: number[] = [];
  let state = 12_345;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers.push(Math.floor((state / 2 ** 32) * below));
  }
  return numbers;
}
