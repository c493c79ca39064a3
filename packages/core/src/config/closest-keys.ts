/**
 * The keys that somebody who wrote `key` may have meant: those within a few typing errors, else those that end in what
 * was written (a forgotten prefix). At most three, best first.
 * @internal
 */
export function closestKeys(key: string, known: readonly string[]): readonly string[] {
  const typosMax = Math.max(2, Math.floor(key.length / 6));
  const near = known
    .map((candidate) => ({ candidate, typos: editDistance(key, candidate) }))
    .filter(({ typos }) => typos <= typosMax)
    .sort((a, b) => a.typos - b.typos || (a.candidate < b.candidate ? -1 : 1))
    .map(({ candidate }) => candidate);
  const found = near.length > 0 ? near : known.filter((candidate) => candidate.endsWith(`.${key}`));
  return found.slice(0, 3);
}

/** Levenshtein's distance: single characters inserted, removed or replaced. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
