/** What `mixed-job.ts` has to write, by plain loops over the same numbers: `kind key n at`, sorted. */
interface Reading {
  readonly at: number;
  readonly k: string;
  readonly v: number;
}

export function mixedRows(count: number): readonly string[] {
  const readings = Array.from(
    { length: count },
    (_, i): Reading => ({ at: i * 10 + ((i * 7919) % 400), k: `k${i % 13}`, v: i }),
  );
  const others = Array.from(
    { length: Math.floor(count / 3) },
    (_, i): Reading => ({ at: i * 30, k: `k${i % 7}`, v: i }),
  );
  return [
    ...readings.map(({ k, v }) => `global ${k} ${v} null`),
    ...others.map(({ k, v }) => `broadcast ${k} ${v} null`),
    ...windowRows("tumbling", readings, 5000, 5000),
    ...windowRows("sliding", readings, 6000, 2000),
    ...sessionRows(
      readings.filter(({ v }) => v % 97 < 20),
      1000,
    ),
    ...joinRows(readings, others, 100),
  ].sort();
}

function windowRows(kind: string, readings: readonly Reading[], sizeMs: number, slideMs: number): readonly string[] {
  const sums = new Map<string, number>();
  for (const { at, k, v } of readings) {
    for (let start = Math.floor(at / slideMs) * slideMs; start > at - sizeMs; start -= slideMs) {
      const window = `${k} ${start + sizeMs}`;
      sums.set(window, (sums.get(window) ?? 0) + v);
    }
  }
  return [...sums].map(([window, sum]) => `${kind} ${window.split(" ")[0]} ${sum} ${window.split(" ")[1]}`);
}

function sessionRows(readings: readonly Reading[], gapMs: number): readonly string[] {
  const rows: string[] = [];
  for (const key of new Set(readings.map(({ k }) => k))) {
    const own = readings.filter(({ k }) => k === key).toSorted((left, right) => left.at - right.at);
    let sum = 0;
    own.forEach(({ at, v }, index) => {
      sum += v;
      const next = own[index + 1];
      if (next !== undefined && next.at <= at + gapMs) return;
      rows.push(`session ${key} ${sum} ${at + gapMs}`);
      sum = 0;
    });
  }
  return rows;
}

function joinRows(readings: readonly Reading[], others: readonly Reading[], withinMs: number): readonly string[] {
  const rows: string[] = [];
  for (const left of readings) {
    for (const right of others) {
      if (left.k === right.k && Math.abs(right.at - left.at) <= withinMs) {
        rows.push(`join ${left.k} ${left.v * 1e6 + right.v} null`);
      }
    }
  }
  return rows;
}
