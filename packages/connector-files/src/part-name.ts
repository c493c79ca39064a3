/**
 * Names of the files of a sink:
 *
 *     part-3-12.jsonl                            committed part 12 of subtask 3
 *     .part-3-12.<uid>.5be90c1d.inprogress       the same part while an attempt writes it, or it waits for its commit
 *     part-3-r7-0.jsonl                          of a subtask that began at a restore from checkpoint 7
 *     part-3-a1f0c2e77-0.jsonl                   of a start that appends to what was there
 *
 * The uid keeps sinks apart that write into one directory: nobody touches an in-progress file of another uid. The random
 * digits behind it keep the attempts of one sink apart: nobody writes into a file that another attempt has made.
 */
import { MillraceError } from "millrace";
import { u32Hex } from "millrace/internal";

/** @internal */
export interface PartId {
  readonly subtask: number;
  /** Empty, or `r` with a checkpoint id, or `a` with random hexadecimal digits. */
  readonly generation: string;
  readonly part: number;
}

/** A part as one attempt writes it. @internal */
export interface InProgressPart extends PartId {
  /** Eight hexadecimal digits; empty in what was written before names had them. */
  readonly attempt: string;
}

/** The file name limit is 255 bytes; this leaves room for the rest. */
const UID_CHARS_MAX = 120;

/** Builds and recognizes the names of one sink. @internal */
export class PartNames {
  readonly #prefix: string;
  readonly #extension: string;
  readonly #identity: string;
  readonly #final: RegExp;
  readonly #inProgress: RegExp;

  /** @throws MillraceError `MR_SINK_OPTION_INVALID` for a prefix that could be mistaken for something else. */
  constructor(options: { prefix: string; extension: string; uid: string }) {
    checkPrefix(options.prefix);
    this.#prefix = options.prefix;
    this.#extension = options.extension;
    this.#identity = identityOf(options.uid);
    const id = String.raw`${literal(this.#prefix)}-(\d+)(?:-(r\d+|a[0-9a-f]+))?-(\d+)`;
    this.#final = new RegExp(String.raw`^${id}\.${literal(this.#extension)}$`);
    this.#inProgress = new RegExp(String.raw`^\.${id}\.${literal(this.#identity)}(?:\.([0-9a-f]{8}))?\.inprogress$`);
  }

  final(id: PartId): string {
    return `${this.#stem(id)}.${this.#extension}`;
  }

  inProgress(part: InProgressPart): string {
    return `.${this.#stem(part)}.${this.#identity}${part.attempt === "" ? "" : `.${part.attempt}`}.inprogress`;
  }

  parseFinal(name: string): PartId | undefined {
    return parsed(this.#final.exec(name));
  }

  parseInProgress(name: string): InProgressPart | undefined {
    const match = this.#inProgress.exec(name);
    const id = parsed(match);
    return id && { ...id, attempt: match?.[4] ?? "" };
  }

  #stem({ subtask, generation, part }: PartId): string {
    return `${this.#prefix}-${subtask}${generation === "" ? "" : `-${generation}`}-${part}`;
  }
}

/** @throws MillraceError `MR_SINK_OPTION_INVALID` @internal */
export function checkPrefix(prefix: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(prefix)) return;
  throw new MillraceError("MR_SINK_OPTION_INVALID", {
    what: "A file sink cannot have this partPrefix",
    found: JSON.stringify(prefix),
    expected: "a letter or digit, then up to 63 letters, digits, - and _",
    todo: "Correct the call of FileSink.to",
  });
}

function parsed(match: RegExpExecArray | null): PartId | undefined {
  if (match === null) return undefined;
  return { subtask: Number(match[1]), generation: match[2] ?? "", part: Number(match[3]) };
}

/** The uid in characters that may stand in a file name; a long one is cut and told apart by a hash of the whole. */
function identityOf(uid: string): string {
  const safe = uid.replace(/[^A-Za-z0-9_-]/g, (char) => `%${char.charCodeAt(0).toString(16)}%`);
  return safe.length <= UID_CHARS_MAX ? safe : `${safe.slice(0, UID_CHARS_MAX)}%${hash(uid)}`;
}

/** FNV-1a. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return u32Hex(value);
}

function literal(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (char) => `\\${char}`);
}
