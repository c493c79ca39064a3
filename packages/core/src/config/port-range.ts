import type { OptionType } from "./option-types.ts";
import { parsed, refused } from "./parsed.ts";

const PORT_MAX = 65_535;
/** Ports that may be tried one after the other. */
const PORTS_MAX = 10_000;

/** A port, several, or ranges of them: `8081`, `8081,8083`, `50100-50200`. @internal */
export const portRangeType: OptionType<readonly number[]> = {
  name: "ports",
  parse: (raw) => {
    const text = typeof raw === "number" ? String(raw) : raw;
    const expected = `ports from 0 to ${PORT_MAX} such as 8081, 8081,8083 or 50100-50200, at most ${PORTS_MAX}`;
    if (typeof text !== "string") return refused(expected);
    const ports: number[] = [];
    for (const part of text.split(",")) {
      const [, first, last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part) ?? [];
      if (first === undefined || Number(last) > PORT_MAX || Number(first) > Number(last)) return refused(expected);
      if (ports.length + Number(last) - Number(first) >= PORTS_MAX) return refused(expected);
      for (let port = Number(first); port <= Number(last); port++) ports.push(port);
    }
    return parsed(ports);
  },
  format: formatPorts,
};

function formatPorts(ports: readonly number[]): string {
  const ranges: { readonly first: number; last: number }[] = [];
  for (const port of ports) {
    const range = ranges.at(-1);
    if (range !== undefined && port === range.last + 1) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}
