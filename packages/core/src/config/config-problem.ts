import { MillraceError } from "../base/errors.ts";

/** One thing wrong with a configuration. @internal */
export interface ConfigProblem {
  readonly kind: "invalid" | "unsupported";
  /** Where the setting was written: "config.yaml:3:5", "command line", "code". */
  readonly origin: string;
  /** What is wrong, as a clause that starts with the key. */
  readonly text: string;
}

/**
 * Throws one error that lists every problem, so that a file is mended in one go.
 *
 * @throws MillraceError `MR_CONFIG_INVALID` when at least one setting is wrong, `MR_CONFIG_UNSUPPORTED` when all are
 *   right but the engine does not honour some of them.
 * @internal
 */
export function throwProblems(problems: readonly ConfigProblem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ origin, text }) => `${origin}: ${text}`);
  const found = lines.length === 1 ? lines[0]! : lines.map((line) => `\n  ${line}`).join("");
  const count = lines.length === 1 ? "a setting" : `${lines.length} settings`;
  if (problems.some(({ kind }) => kind === "invalid")) {
    throw new MillraceError("MR_CONFIG_INVALID", {
      what: `The configuration has ${count} that cannot be used`,
      found,
      todo: "Correct what is named above; docs/reference/options.md lists every option with its type",
    });
  }
  throw new MillraceError("MR_CONFIG_UNSUPPORTED", {
    what: `The configuration has ${count} that this release does not implement`,
    found,
    todo: "Remove what is named above; nothing was started",
  });
}
