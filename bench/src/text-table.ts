/** A Markdown table that is also aligned as plain text: the first column to the left, all others to the right. @internal */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(3, ...all.map((row) => [...(row[column] ?? "")].length)));
  const lineOf = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? "", width, column > 0)).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column > 0 ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2))).join("|")}|`;
  return [lineOf(header), rule, ...rows.map(lineOf)].join("\n");
}

/** By characters, not UTF-16 units. */
function pad(text: string, width: number, toTheRight: boolean): string {
  const blank = " ".repeat(width - [...text].length);
  return toTheRight ? blank + text : text + blank;
}
