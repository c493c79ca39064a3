/** Shows a failure to a person: what, where, found, expected, what to do; then the user's own stack. */
import { MillraceError } from "millrace";
import pc from "picocolors";

/** @param withStack - Also the engine's frames. @internal */
export function renderError(
  error: unknown,
  withStack: boolean,
  colors: ReturnType<typeof pc.createColors> = pc,
): string {
  if (!(error instanceof MillraceError)) return `${colors.red("error")} ${stackOf(error)}\n`;
  const lines = [`${colors.red(colors.bold(error.code))} ${sentence(error)}`];
  for (const [name, value] of Object.entries(error.where)) lines.push(`  ${name.padEnd(10)} ${value}`);
  if (error.found !== undefined) lines.push(`  ${"found".padEnd(10)} ${error.found}`);
  if (error.expected !== undefined) lines.push(`  ${"expected".padEnd(10)} ${error.expected}`);
  lines.push(`  ${colors.cyan("to do".padEnd(10))} ${error.todo}`);
  if (withStack) lines.push("", stackOf(error));
  const cause = error.cause;
  if (cause instanceof MillraceError) lines.push("", renderError(cause, withStack, colors).trimEnd());
  else if (cause instanceof Error) {
    const stack = withStack ? stackOf(cause) : userStack(cause);
    if (stack !== "") lines.push("", colors.dim(stack));
  }
  return `${lines.join("\n")}\n`;
}

// The message is code, sentence and place; the parts are shown on lines of their own.
function sentence(error: MillraceError): string {
  const rest = error.message.slice(error.code.length + 1);
  const ends = [
    rest.indexOf(" ("),
    rest.indexOf(". Found:"),
    rest.indexOf(". Expected:"),
    rest.lastIndexOf(`. ${error.todo}`),
  ];
  const place = Object.keys(error.where).length > 0 ? [ends[0]!] : [];
  const end = Math.min(...[...place, ...ends.slice(1)].filter((at) => at > 0));
  return Number.isFinite(end) ? rest.slice(0, end) : rest;
}

/** The stack without the frames of the engine, of its generated code, of packages and of Node.js; empty when nothing is left. */
function userStack(error: Error): string {
  const lines = stackOf(error).split("\n");
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const own = lines.filter(
    (line) => !isFrame(line) || !/millrace-chain-|node:|packages\/(?:core|cli|rest)\/|node_modules\//.test(line),
  );
  return own.some(isFrame) || !lines.some(isFrame) ? own.join("\n") : "";
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
