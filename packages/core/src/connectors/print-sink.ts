import type { Cancel, Platform } from "../platform/platform.ts";
import type { Sink, SinkWriter, WriterInitContext } from "./sink.ts";

/** Text is handed to the process in pieces of about this size, or when the event loop has had its turn. */
const BUFFER_CHARS_MAX = 16 * 1024;

/** What a print sink puts in front of its lines, and where it writes them. @public */
export interface PrintSinkOptions {
  /** Put before every line, followed by `> `. */
  readonly prefix?: string;
  /** Where the lines go; standard output by default. */
  readonly to?: "out" | "error";
}

/**
 * Writes every record as one line: strings as they are, everything else as JSON. With more than one subtask the line
 * starts with the subtask's number from 1, as in `2> …`. At least once: a restart prints again what it replays.
 *
 * @example
 * const sink = PrintSink.of<number>({ prefix: "total" }); // total> 42
 * @public
 */
export class PrintSink<T> implements Sink<T> {
  readonly description: Sink<T>["description"];
  readonly #options: PrintSinkOptions;

  private constructor(options: PrintSinkOptions) {
    this.#options = options;
    this.description = { kind: "print", options: { ...options } };
  }

  static of<T>(options: PrintSinkOptions = {}): PrintSink<T> {
    return new PrintSink<T>(options);
  }

  createWriter(context: WriterInitContext): SinkWriter<T> {
    const parts = [this.#options.prefix, context.parallelism > 1 ? String(context.subtaskIndex + 1) : undefined];
    const named = parts.filter((part) => part !== undefined && part !== "");
    return new PrintWriter(context.platform, this.#options.to ?? "out", named.length > 0 ? `${named.join(":")}> ` : "");
  }
}

class PrintWriter<T> implements SinkWriter<T> {
  readonly #platform: Platform;
  readonly #to: "out" | "error";
  readonly #prefix: string;
  #text = "";
  #cancel: Cancel | undefined;

  constructor(platform: Platform, to: "out" | "error", prefix: string) {
    this.#platform = platform;
    this.#to = to;
    this.#prefix = prefix;
  }

  write(value: T): void {
    this.#text += `${this.#prefix}${lineOf(value)}\n`;
    if (this.#text.length >= BUFFER_CHARS_MAX) this.#print();
    else this.#cancel ??= this.#platform.clock.soon(() => this.#print());
  }

  isAvailable(): boolean {
    return true;
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  prepareCommit(): readonly never[] {
    return [];
  }

  flush(): Promise<void> {
    this.#print();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#print();
    return Promise.resolve();
  }

  #print(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#text === "") return;
    if (this.#to === "out") this.#platform.proc.writeOut(this.#text);
    else this.#platform.proc.writeError(this.#text);
    this.#text = "";
  }
}

function lineOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value, printable) ?? String(value);
  } catch {
    // A cycle. Printing is for people: the kind of value is better than a failed job.
    return String(value);
  }
}

function printable(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}
