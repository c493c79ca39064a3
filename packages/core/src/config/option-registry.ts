import { invariant } from "../base/errors.ts";
import { closestKeys } from "./closest-keys.ts";
import type { ConfigProblem } from "./config-problem.ts";
import type { ConfigOption, OptionGroup } from "./option.ts";
import { describeRaw } from "./parsed.ts";
import { isUnsupportedFlinkKey } from "./unsupported-keys.ts";

/** A setting as somebody wrote it. @public */
export interface ConfigEntry {
  readonly key: string;
  /** What stood there: text, number, boolean, list or mapping. */
  readonly value: unknown;
  /** Where it stood, as a message should show it: `"config.yaml:3:5"`. Default: the name of the layer. */
  readonly origin?: string;
}

/** Where settings come from; a later one of these wins over an earlier one. @public */
export type ConfigLayer = "file" | "code" | "command line";

/** A setting with the layer that it stands in. @internal */
export interface LayeredEntry extends ConfigEntry {
  readonly layer: ConfigLayer;
}

/** What is shown in the place of a secret, as in Flink. @internal */
export const HIDDEN_CONTENT = "******";

/** A setting that was understood. @internal */
export interface ConfigSetting {
  readonly option: ConfigOption<unknown>;
  readonly value: NonNullable<unknown>;
  /** The key as it was written, which may be a legacy one. */
  readonly writtenKey: string;
  readonly origin: string;
}

/** The options that exist, by key and by legacy key. @internal */
export class OptionRegistry {
  readonly #byKey = new Map<string, ConfigOption<unknown>>();

  constructor(groups: readonly OptionGroup[]) {
    for (const option of groups.flatMap((group) => group.options)) {
      for (const key of [option.key, ...option.legacyKeys]) {
        invariant(!this.#byKey.has(key), `two options have the key ${key}`);
        this.#byKey.set(key, option);
      }
    }
  }

  /** Reads one entry; problems are collected, not thrown, so that all of them can be reported at once. */
  read(entry: ConfigEntry, layer: string, problems: ConfigProblem[]): ConfigSetting | undefined {
    const { key, value: raw, origin = layer } = entry;
    const report = (kind: ConfigProblem["kind"], text: string): undefined => {
      problems.push({ kind, origin, text });
    };
    const option = this.#byKey.get(key);
    if (option === undefined) {
      if (isUnsupportedFlinkKey(key))
        return report("unsupported", `${key} is an option of Flink without a meaning here`);
      return report("invalid", `${describeRaw(key)} is not an option${this.#suggestion(key)}`);
    }
    const hint = option.unsupportedHint === undefined ? "" : `: ${option.unsupportedHint}`;
    if (option.isUnsupported) return report("unsupported", `${key} is not implemented${hint}`);
    if (raw === null || raw === undefined)
      return report("invalid", `${key} has no value, expected ${option.type.name}`);
    const result = option.type.parse(raw);
    if (!result.ok) {
      const kind = result.isUnsupported === true ? "unsupported" : "invalid";
      const found = option.isSecret ? "a secret of another kind" : describeRaw(raw);
      return report(kind, `${key} is ${found}, expected ${result.expected}`);
    }
    if (option.unsupportedValues.includes(result.value)) {
      return report("unsupported", `${key}: ${option.type.format(result.value)} is not implemented${hint}`);
    }
    return { option, value: result.value, writtenKey: key, origin };
  }

  #suggestion(key: string): string {
    const close = closestKeys(key, [...this.#byKey.keys()]);
    return close.length === 0 ? "" : `; did you mean ${close.join(" or ")}?`;
  }
}
