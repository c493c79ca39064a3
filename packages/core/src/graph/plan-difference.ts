/** Where two plans first differ, for people: `vertices[0].operators[2].name is "b", not "a"`; undefined when they are equal. */
export function planDifference(expected: unknown, found: unknown, path: string = ""): string | undefined {
  if (isContainer(expected) && isContainer(found) && Array.isArray(expected) === Array.isArray(found)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
    for (const name of names) {
      const place = Array.isArray(expected) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
      const difference = planDifference(expected[name], found[name], place);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  const [left, right] = [show(expected), show(found)];
  return left === right ? undefined : `${path} is ${right}, not ${left}`;
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}
