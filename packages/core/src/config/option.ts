import type { OptionType } from "./option-types.ts";

/**
 * One setting: its key, what its values mean, and what holds when it is not set. Durations are held in milliseconds,
 * memory sizes in bytes.
 * @public
 */
export interface ConfigOption<T> {
  readonly key: string;
  /** What {@link Configuration.get} returns when no layer sets the option. */
  readonly default: T;
  /** One or two sentences of Markdown for the reference. */
  readonly description: string;
  /** Keys of earlier releases that are still read, with a deprecation note. */
  readonly legacyKeys: readonly string[];
  /** @internal */
  readonly type: OptionType<NonNullable<T>>;
  /** The key and its meaning are reserved, but the engine does not honour it yet: setting it is an error. @internal */
  readonly isUnsupported: boolean;
  /** Values that are valid for the option but that the engine does not honour yet. @internal */
  readonly unsupportedValues: readonly NonNullable<T>[];
  /** What is shown of the option is that it is set, not its value. @internal */
  readonly isSecret: boolean;
  /** Why the option, or such a value, is refused, and what to choose instead. @internal */
  readonly unsupportedHint: string | undefined;
}

interface OptionSpec<T> {
  readonly key: string;
  readonly type: OptionType<T>;
  readonly description: string;
  readonly legacyKeys?: readonly string[];
  readonly isUnsupported?: boolean;
  readonly unsupportedValues?: readonly T[];
  readonly unsupportedHint?: string;
  readonly isSecret?: boolean;
}

/** Defines an option; without a `default` its value is `undefined` until somebody sets it. @internal */
export function option<T extends {}>(spec: OptionSpec<T> & { readonly default: T }): ConfigOption<T>;
export function option<T extends {}>(spec: OptionSpec<T>): ConfigOption<T | undefined>;
export function option<T extends {}>(spec: OptionSpec<T> & { readonly default?: T }): ConfigOption<T | undefined> {
  return {
    key: spec.key,
    type: spec.type,
    default: spec.default,
    description: spec.description,
    legacyKeys: spec.legacyKeys ?? [],
    isUnsupported: spec.isUnsupported ?? false,
    unsupportedValues: spec.unsupportedValues ?? [],
    unsupportedHint: spec.unsupportedHint,
    isSecret: spec.isSecret ?? false,
  };
}

/** Options that are about one thing; a section of the reference. @internal */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly ConfigOption<unknown>[];
}
