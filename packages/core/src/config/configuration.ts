import { allOptions } from "./all-options.ts";
import {
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  JOBMANAGER_STORAGE_MAX_STATE_SIZE,
  UNALIGNED_CHECKPOINTS,
} from "./checkpointing-options.ts";
import { FRAME_SIZE } from "./cluster-options.ts";
import { type ConfigProblem, throwProblems } from "./config-problem.ts";
import { formatMemorySize } from "./memory-size.ts";
import type { ConfigOption } from "./option.ts";
import {
  type ConfigEntry,
  type ConfigLayer,
  type ConfigSetting,
  HIDDEN_CONTENT,
  type LayeredEntry,
  OptionRegistry,
} from "./option-registry.ts";

const layersStrongestFirst: readonly ConfigLayer[] = ["command line", "code", "file"];

// Derived from constants once; never changed.
const registry = new OptionRegistry(allOptions);

/**
 * The settings of a job: a default for every option, over it the configuration file, over it what the program sets,
 * over it the command line's `-D key=value`.
 *
 * Whatever gets in has been checked: the key exists, the value has the option's type and bounds, and the engine honours
 * it. So reading never fails.
 *
 * @example
 * const configuration = Configuration.fromEntries([{ key: "parallelism.default", value: "4" }]);
 * configuration.get(DEFAULT_PARALLELISM); // 4
 * @public
 */
export class Configuration {
  readonly #layers: ReadonlyMap<ConfigLayer, Map<string, ConfigSetting>> = new Map(
    layersStrongestFirst.map((layer) => [layer, new Map<string, ConfigSetting>()]),
  );

  /**
   * A configuration with one layer.
   * @throws MillraceError as {@link Configuration.fromLayers}.
   */
  static fromEntries(entries: readonly ConfigEntry[], layer: ConfigLayer = "code"): Configuration {
    return Configuration.fromLayers({ [layer]: entries });
  }

  /**
   * A configuration with several layers. All problems of all layers are reported in one error.
   *
   * @throws MillraceError `MR_CONFIG_INVALID` for unknown and duplicate keys, values of the wrong type, unit or range,
   *   and settings that exclude each other; `MR_CONFIG_UNSUPPORTED` when the only problem is that the engine does not
   *   implement something.
   */
  static fromLayers(layers: Readonly<Partial<Record<ConfigLayer, readonly ConfigEntry[]>>>): Configuration {
    const configuration = new Configuration();
    const problems: ConfigProblem[] = [];
    for (const layer of ["file", "code", "command line"] as const) {
      configuration.#read(layer, layers[layer] ?? [], problems);
    }
    throwProblems([...problems, ...configuration.#conflicts()]);
    return configuration;
  }

  /**
   * What {@link Configuration.toEntries} has returned, in the same layers: for another thread or process, in which code
   * must neither win nor lose where it did not here.
   * @throws MillraceError as {@link Configuration.fromLayers}.
   * @internal
   */
  static fromLayered(entries: readonly LayeredEntry[]): Configuration {
    return Configuration.fromLayers(
      Object.fromEntries(
        layersStrongestFirst.map((layer) => [layer, entries.filter((entry) => entry.layer === layer)]),
      ),
    );
  }

  /** The value in force: of the strongest layer that sets the option, or its default. */
  get<T>(option: ConfigOption<T>): T {
    const setting = this.#settingOf(option.key);
    // Only values that this option's own type has parsed are stored under its key.
    return setting === undefined ? option.default : (setting.value as T);
  }

  /** Whether any layer sets the option. */
  isSet(option: ConfigOption<unknown>): boolean {
    return this.#settingOf(option.key) !== undefined;
  }

  /** Where the value in force was written: an entry's origin, or `"default"`. */
  originOf(option: ConfigOption<unknown>): string {
    return this.#settingOf(option.key)?.origin ?? "default";
  }

  /**
   * Sets an option from code, replacing what code set before; the command line still wins.
   * A raw value is accepted as well as a parsed one: `"10 s"` is as good as 10_000.
   *
   * @throws MillraceError `MR_CONFIG_INVALID` or `MR_CONFIG_UNSUPPORTED`; the configuration is then unchanged.
   */
  set<T>(option: ConfigOption<T>, value: NonNullable<T> | string): this {
    return this.setAll([{ key: option.key, value }]);
  }

  /**
   * Sets several options from code; each replaces what code set before.
   * @throws MillraceError `MR_CONFIG_INVALID` or `MR_CONFIG_UNSUPPORTED`; the configuration is then unchanged.
   */
  setAll(entries: readonly ConfigEntry[]): this {
    const problems: ConfigProblem[] = [];
    const added = new Configuration();
    added.#read("code", entries, problems);
    const merged = this.copy();
    for (const [key, setting] of added.#layer("code")) merged.#layer("code").set(key, setting);
    throwProblems([...problems, ...merged.#conflicts()]);
    for (const [key, setting] of added.#layer("code")) this.#layer("code").set(key, setting);
    return this;
  }

  /** Takes back what code and files have set for an option, so that its default holds; the command line still wins. */
  unset(option: ConfigOption<unknown>): this {
    for (const [layer, settings] of this.#layers) if (layer !== "command line") settings.delete(option.key);
    return this;
  }

  /** A configuration with the same settings that can be changed on its own. */
  copy(): Configuration {
    return this.over(new Configuration());
  }

  /**
   * The settings of two configurations, in a third; within a layer, this one's win.
   * @throws MillraceError `MR_CONFIG_INVALID` when they exclude each other
   */
  over(other: Configuration): Configuration {
    const both = new Configuration();
    for (const each of [other, this]) {
      for (const [layer, settings] of each.#layers) {
        for (const [key, setting] of settings) both.#layer(layer).set(key, setting);
      }
    }
    throwProblems(both.#conflicts());
    return both;
  }

  /** Every setting in force as canonical key and canonical text, sorted by key; defaults are left out. */
  toEntries(): readonly {
    readonly key: string;
    readonly value: string;
    readonly origin: string;
    readonly layer: ConfigLayer;
  }[] {
    const keys = new Set([...this.#layers.values()].flatMap((settings) => [...settings.keys()]));
    return [...keys].sort().map((key) => {
      const layer = layersStrongestFirst.find((each) => this.#layer(each).has(key))!;
      const { option, value, origin } = this.#layer(layer).get(key)!;
      return { key, value: option.type.format(value), origin, layer };
    });
  }

  /** One line for each setting that was written under a key of an earlier release. */
  deprecations(): readonly string[] {
    const settings = [...this.#layers.values()].flatMap((layer) => [...layer.values()]);
    return settings
      .filter(({ option, writtenKey }) => writtenKey !== option.key)
      .map(({ option, writtenKey, origin }) => `${origin}: ${writtenKey} is the old name of ${option.key}`);
  }

  /** As {@link Configuration.toEntries}, for people: without the values of secrets. */
  toDisplayedEntries(): ReturnType<Configuration["toEntries"]> {
    return this.toEntries().map((entry) => (this.#isSecret(entry.key) ? { ...entry, value: HIDDEN_CONTENT } : entry));
  }

  /** What of {@link Configuration.toEntries} is no secret: for a process that has secrets of its own. @internal */
  toEntriesWithoutSecrets(): ReturnType<Configuration["toEntries"]> {
    return this.toEntries().filter(({ key }) => !this.#isSecret(key));
  }

  /** The settings in force, one `key: value` a line; secrets are hidden. */
  toString(): string {
    return this.toDisplayedEntries()
      .map(({ key, value }) => `${key}: ${value}\n`)
      .join("");
  }

  #read(layer: ConfigLayer, entries: readonly ConfigEntry[], problems: ConfigProblem[]): void {
    // Keys that failed to parse are remembered too: a duplicate of one is still a duplicate.
    const seen = new Map<string, string>();
    const settings = this.#layer(layer);
    for (const entry of entries) {
      const setting = registry.read(entry, layer, problems);
      const key = setting?.option.key ?? entry.key;
      const origin = entry.origin ?? layer;
      const earlier = seen.get(key);
      if (earlier !== undefined) {
        problems.push({ kind: "invalid", origin, text: `${entry.key} is set a second time, first at ${earlier}` });
      }
      seen.set(key, `${origin}${entry.key === key ? "" : ` as ${entry.key}`}`);
      if (setting !== undefined) settings.set(key, setting);
    }
  }

  #layer(layer: ConfigLayer): Map<string, ConfigSetting> {
    return this.#layers.get(layer)!;
  }

  #isSecret(key: string): boolean {
    return this.#settingOf(key)?.option.isSecret === true;
  }

  #settingOf(key: string): ConfigSetting | undefined {
    for (const settings of this.#layers.values()) {
      const setting = settings.get(key);
      if (setting !== undefined) return setting;
    }
    return undefined;
  }

  #conflicts(): readonly ConfigProblem[] {
    return [...this.#concurrencyConflicts(), ...this.#stateSizeConflicts()];
  }

  // Such a state travels in one message.
  #stateSizeConflicts(): readonly ConfigProblem[] {
    const option = JOBMANAGER_STORAGE_MAX_STATE_SIZE;
    if (!this.isSet(option) || this.get(option) <= this.get(FRAME_SIZE)) return [];
    const [found, expected] = [this.get(option), this.get(FRAME_SIZE)].map(formatMemorySize);
    const text = `${option.key} is ${found}, expected at most the ${expected} of ${FRAME_SIZE.key}`;
    return [{ kind: "invalid", origin: this.originOf(option), text }];
  }

  #concurrencyConflicts(): readonly ConfigProblem[] {
    const concurrent = this.get(CHECKPOINTING_MAX_CONCURRENT);
    if (concurrent === 1) return [];
    const because: string[] = [];
    if (this.get(CHECKPOINTING_MIN_PAUSE) > 0) because.push(`${CHECKPOINTING_MIN_PAUSE.key} is more than 0`);
    if (this.get(UNALIGNED_CHECKPOINTS)) because.push(`${UNALIGNED_CHECKPOINTS.key} is true`);
    return because.map((reason) => ({
      kind: "invalid",
      origin: this.originOf(CHECKPOINTING_MAX_CONCURRENT),
      text: `${CHECKPOINTING_MAX_CONCURRENT.key} is ${concurrent}, expected 1 because ${reason}`,
    }));
  }
}
