/** Pseudo-random numbers that a text decides: the same text gives the same numbers, on every thread. */
export class Seeded {
  private state: number;

  constructor(seed: string) {
    this.state = hashText(seed);
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    return mix(this.state) / 2 ** 32;
  }

  /** A whole number; both ends are included. */
  between(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }
}

/** Spreads a number over 32 bits, unsigned; whole numbers up to 2^53 are told apart by all of their bits. */
export function mix(n: number): number {
  let hash = (n ^ Math.imul(Math.floor(n / 2 ** 32) | 0, 0x85ebca6b)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
