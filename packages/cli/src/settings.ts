/** Where a run's settings come from: a YAML file and the command line. */
import { readFileSync } from "node:fs";
import { type ConfigEntry, Configuration, MillraceError } from "millrace";
import { HIDDEN_CONTENT, isSecretKey } from "millrace/internal";
import { isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";

/** The options of the command line that become settings. @internal */
export interface SettingOptions {
  readonly parallelism?: string;
  readonly target?: string;
  readonly fromSavepoint?: string;
  readonly allowNonRestoredState?: boolean;
  readonly claimMode?: string;
  /** The older name of `claimMode`. */
  readonly restoreMode?: string;
  readonly config?: string;
  readonly D: readonly string[];
}

/** A setting as it was given, but for the value of a secret: for what others may read. @internal */
export function withoutSecret(setting: string): string {
  const [key = ""] = setting.split("=", 1);
  return isSecretKey(key.trim()) ? `${key}=${HIDDEN_CONTENT}` : setting;
}

/** What the command line says, in its own words. @internal */
export function commandLineEntries(options: SettingOptions): readonly ConfigEntry[] {
  const entries: ConfigEntry[] = options.D.map((text) => {
    const at = text.indexOf("=");
    const [key, value] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
    return { key: key.trim(), value, origin: `-D ${withoutSecret(text)}` };
  });
  if (options.parallelism !== undefined) {
    entries.push({ key: "parallelism.default", value: options.parallelism, origin: `-p ${options.parallelism}` });
  }
  if (options.target !== undefined) {
    entries.push({ key: "execution.target", value: options.target, origin: `-t ${options.target}` });
  }
  if (options.fromSavepoint !== undefined) {
    entries.push({
      key: "execution.state-recovery.path",
      value: options.fromSavepoint,
      origin: `-s ${options.fromSavepoint}`,
    });
  }
  const claimMode = options.claimMode ?? options.restoreMode;
  if (claimMode !== undefined) {
    entries.push({
      key: "execution.state-recovery.claim-mode",
      value: claimMode,
      origin: `${options.claimMode === undefined ? "--restoreMode" : "--claimMode"} ${claimMode}`,
    });
  }
  if (options.allowNonRestoredState === true) {
    entries.push({
      key: "execution.state-recovery.ignore-unclaimed-state",
      value: "true",
      origin: "--allowNonRestoredState",
    });
  }
  return entries;
}

/**
 * @param own - What a command's own options say.
 * @throws MillraceError `MR_CONFIG_INVALID` with line and column of every problem.
 * @internal
 */
export function readSettings(options: SettingOptions, own: readonly ConfigEntry[] = []): Configuration {
  const file = options.config === undefined ? [] : fileEntries(options.config, readConfigFile(options.config));
  return Configuration.fromLayers({ file, "command line": [...commandLineEntries(options), ...own] });
}

/** The settings of a YAML document, nested or dotted, each with the place it was written at. @internal */
export function fileEntries(path: string, text: string): readonly ConfigEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) throw badFile(path, problem.message.split("\n")[0]!);
  const entries: ConfigEntry[] = [];
  const visit = (node: unknown, prefix: string): void => {
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      const name = `${prefix}${isScalar(key) ? String(key.value) : String(key)}`;
      if (isMap(value)) {
        visit(value, `${name}.`);
        continue;
      }
      const { line, col } = lines.linePos((key as Node).range?.[0] ?? 0);
      entries.push({ key: name, value: isScalar(value) ? value.value : value, origin: `${path}:${line}:${col}` });
    }
  };
  visit(document.contents, "");
  return entries;
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw badFile(path, (cause as Error).message, cause);
  }
}

function badFile(path: string, found: string, cause?: unknown): MillraceError {
  return new MillraceError("MR_CONFIG_INVALID", {
    what: "The configuration file cannot be read",
    where: { path },
    found,
    expected: "a YAML file of settings",
    todo: "Correct the file, or its path after --config",
    cause,
  });
}
