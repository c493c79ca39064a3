import { MillraceError } from "../base/errors.ts";
import { closestKeys } from "../config/closest-keys.ts";

/**
 * The arguments of a job: `--key value` pairs, `--flag`s and positionals.
 *
 * @example
 * export default function job(env: StreamExecutionEnvironment, args: JobArguments): void {
 *   env.fromSequence(1, args.number("count", 1000)).print(args.get("prefix", "n"));
 * }
 * @public
 */
export class JobArguments {
  /** What is neither a key nor the value of one, in order. */
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, string>;
  readonly #asked = new Set<string>();

  /** @internal */
  constructor(values: ReadonlyMap<string, string>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** The keys that were given, in order, without their dashes. */
  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return this.#values.has(name);
  }

  /** The names that the job has asked for so far, in order. @internal */
  get asked(): readonly string[] {
    return [...this.#asked];
  }

  /**
   * The text after `--name`. @throws MillraceError `MR_JOB_ARGUMENT_INVALID` when it is missing and has no default
   */
  get(name: string, defaultValue?: string): string {
    this.#asked.add(name);
    const value = this.#values.get(name) ?? defaultValue;
    if (value === undefined) throw invalid(name, "nothing", "a value");
    return value;
  }

  /**
   * The number after `--name`.
   * @throws MillraceError `MR_JOB_ARGUMENT_INVALID` when it is missing and has no default, or is no finite number
   */
  number(name: string, defaultValue?: number): number {
    this.#asked.add(name);
    const text = this.#values.get(name);
    if (text === undefined && defaultValue !== undefined) return defaultValue;
    const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw invalid(name, text === undefined ? "nothing" : JSON.stringify(text), "a number");
    return value;
  }

  /**
   * Whether `--name` is set: alone or with `true`; `--name false` and its absence are false.
   * @throws MillraceError `MR_JOB_ARGUMENT_INVALID` for another value
   */
  flag(name: string): boolean {
    this.#asked.add(name);
    const text = this.#values.get(name) ?? "false";
    if (text !== "" && text !== "true" && text !== "false") throw invalid(name, JSON.stringify(text), "true or false");
    return text !== "false";
  }
}

/**
 * Refuses arguments that the job has not asked for but that look like one it has: a typing error must not start a job
 * with its defaults. Others may be for later; they are returned.
 *
 * @throws MillraceError `MR_JOB_ARGUMENT_INVALID`
 * @internal
 */
export function checkArgumentsAsked(args: JobArguments): readonly string[] {
  const unasked = args.names.filter((name) => !args.asked.includes(name));
  for (const name of unasked) {
    const meant = closestKeys(
      name,
      args.asked.filter((asked) => !args.names.includes(asked)),
    );
    if (meant.length === 0) continue;
    throw new MillraceError("MR_JOB_ARGUMENT_INVALID", {
      what: "The job does not know this argument",
      where: { argument: `--${name}` },
      expected: meant.map((each) => `--${each}`).join(" or "),
      todo: "Correct its name",
    });
  }
  return unasked;
}

/**
 * Reads arguments: `--key value`, `--key=value`, `--flag` (when another `--key` or nothing follows) and positionals;
 * everything after `--` is positional. A value may start with one dash, as negative numbers do.
 *
 * @throws MillraceError `MR_JOB_ARGUMENT_INVALID` when a key is empty or given twice
 * @example
 * parseJobArguments(["flights.parquet", "--limit", "10"]).number("limit"); // 10
 * @public
 */
export function parseJobArguments(argv: readonly string[]): JobArguments {
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === "--") {
      positionals.push(...argv.slice(index + 1));
      break;
    }
    if (!argument.startsWith("--")) {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const name = argument.slice(2, equals < 0 ? undefined : equals);
    if (name === "") throw invalid(argument, "no name", "a name after --");
    if (values.has(name)) throw invalid(name, "the argument twice", "it once");
    const next = argv[index + 1];
    if (equals >= 0) {
      values.set(name, argument.slice(equals + 1));
    } else if (next === undefined || next.startsWith("--")) {
      values.set(name, "");
    } else {
      values.set(name, next);
      index++;
    }
  }
  return new JobArguments(values, positionals);
}

function invalid(name: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_JOB_ARGUMENT_INVALID", {
    what: "An argument of the job cannot be used",
    where: { argument: name.startsWith("--") ? name : `--${name}` },
    found,
    expected,
    todo: `Pass --${name.replace(/^--/, "")} VALUE after the job's file`,
  });
}
