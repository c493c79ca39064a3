/** What the mutants died of, as a table. */

export interface Death {
  readonly seed: string;
  /** Plans and seeds that were run, this one counted. */
  readonly runs: number;
  readonly why: string;
}

const WHY_CHARACTERS_MAX = 90;

/** A line for each mutant, those that took most runs last, and how many were killed. */
export function describeDeaths(deaths: readonly (readonly [name: string, death: Death | undefined])[]): string {
  const runsOf = (death: Death | undefined): number => death?.runs ?? Number.MAX_SAFE_INTEGER;
  const rows = deaths
    .toSorted(([, left], [, right]) => runsOf(left) - runsOf(right))
    .map(([name, death]) => [
      death === undefined ? "-" : String(death.runs),
      name,
      death?.seed ?? "ALIVE",
      death?.why.replaceAll(/\s+/g, " ").slice(0, WHY_CHARACTERS_MAX) ?? "",
    ]);
  const table = [["runs", "mutant", "seed", "violates"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  const killed = deaths.filter(([, death]) => death !== undefined).length;
  return [...lines.map((line) => line.trimEnd()), `${killed} of ${deaths.length} mutants killed`, ""].join("\n");
}
