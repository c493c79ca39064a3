import { MillraceError, type Serializer, type Sink, type WriterInitContext } from "millrace";
import { u32Hex } from "millrace/internal";
import { FileCommitter } from "./file-committer.ts";
import {
  type FileCommittable,
  type FileWriterState,
  fileCommittableSerializer,
  fileWriterStateSerializer,
} from "./file-sink-state.ts";
import { FileSinkWriter } from "./file-sink-writer.ts";
import { checkPrefix, PartNames } from "./part-name.ts";
import { SinkDirectory } from "./sink-directory.ts";
import type { FileWriteFormat } from "./write-format.ts";

const PART_BYTES_DEFAULT = 128 * 1024 * 1024;

/** When a part ends and the next one begins. @public */
export interface RollingPolicy {
  /** A part ends with the record that brings it to this many bytes; 128 MiB by default. */
  readonly maxPartBytes?: number;
}

/** How files are written and named, and when a new one is begun. @public */
export interface FileSinkOptions {
  readonly rollingPolicy?: RollingPolicy;
  /** What file names begin with; "part" by default. Two sinks in one directory need different ones. */
  readonly partPrefix?: string;
  /**
   * What a fresh start (not a restore) does about parts that an earlier run has committed: take their place (default),
   * refuse to start, or write beside them.
   */
  readonly existing?: "replace" | "fail" | "append";
}

/**
 * Writes files, exactly once: `part-<subtask>-<n>.<extension>` in a directory that is made if need be.
 *
 * A part is written under a hidden name, ends only by its size (and at the end of the input), and gets its visible name
 * by an atomic rename when the checkpoint that covers its last record is complete. So every visible file is whole, and
 * the files of a job that was killed and restored are byte for byte those of an undisturbed run. Until the first part
 * is full, or the input ends, nothing is visible.
 *
 * **Earlier results.** A fresh start into a directory with committed parts of an earlier run replaces them, so that a
 * second run of a job leaves the files of a first one. Nothing of the earlier run is touched until the new run's first
 * checkpoint with a finished part, or with the end of the input, is complete. Then the subtask's old parts go that no
 * part in progress is about to replace (subtask 0 answers for subtasks that the new run does not have), and the new
 * ones appear. A run that fails before leaves the old results as they were; one that fails later leaves a mixture until
 * it is resumed. With `existing: "append"` names carry a random mark, and nothing is replaced; with "fail" the job does
 * not start.
 *
 * **Restore.** An unfinished part is copied up to its length at the checkpoint, and the copy is continued: an attempt that
 * hung, was given up and wakes again has files of its own, and cannot damage those of its successor. When the job has run
 * on and committed the part, it is taken back from the committed file. At another parallelism the
 * unfinished parts are committed as they stood, and subtasks without a state of their own write `part-<subtask>-r<id>-<n>`,
 * with the id of the restored checkpoint. Unfinished files of earlier attempts are removed when the first checkpoint of
 * the new one is complete, but never those of a sink with another uid or prefix. Until then a restart costs the room of
 * the part that it copies; one that ends in order before its first barrier gives that back, a killed process does not.
 *
 * @example
 * const sink = FileSink.to("out/hourly", jsonLines(), { rollingPolicy: { maxPartBytes: 64 * 1024 * 1024 } });
 * @public
 */
export class FileSink<T> implements Sink<T, FileCommittable, FileWriterState> {
  readonly description: Sink<T>["description"];
  readonly committableSerializer: Serializer<FileCommittable> = fileCommittableSerializer;
  readonly writerStateSerializer: Serializer<FileWriterState> = fileWriterStateSerializer;
  readonly #path: string;
  readonly #format: FileWriteFormat<T>;
  readonly #maxPartBytes: number;
  readonly #partPrefix: string;
  readonly #existing: "replace" | "fail" | "append";

  private constructor(path: string, format: FileWriteFormat<T>, options: FileSinkOptions) {
    this.#path = path;
    this.#format = format;
    this.#maxPartBytes = options.rollingPolicy?.maxPartBytes ?? PART_BYTES_DEFAULT;
    this.#partPrefix = options.partPrefix ?? "part";
    this.#existing = options.existing ?? "replace";
    const settings = { partPrefix: this.#partPrefix, maxPartBytes: this.#maxPartBytes, existing: this.#existing };
    this.description = { kind: "files", options: { path, format: format.kind, ...format.options, ...settings } };
  }

  /**
   * @param path - The directory; relative paths start at the working directory of the process.
   * @throws MillraceError `MR_SINK_OPTION_INVALID`. The running job reports `MR_DISK_FULL`, `MR_FILE_UNWRITABLE`,
   *   `MR_SINK_DIRECTORY_NOT_EMPTY`, `MR_SINK_DATA_LOST`, `MR_COMMIT_LOST` and `MR_VALUE_UNSERIALIZABLE`.
   */
  static to<T>(path: string, format: FileWriteFormat<T>, options: FileSinkOptions = {}): FileSink<T> {
    const maxPartBytes = options.rollingPolicy?.maxPartBytes ?? PART_BYTES_DEFAULT;
    if (path === "") throw invalid("path", '""', "a directory");
    if (!Number.isSafeInteger(maxPartBytes) || maxPartBytes < 1)
      throw invalid("maxPartBytes", String(maxPartBytes), "a positive integer");
    if (!["replace", "fail", "append"].includes(options.existing ?? "replace")) {
      throw invalid("existing", JSON.stringify(options.existing), '"replace", "fail" or "append"');
    }
    if (options.partPrefix !== undefined) checkPrefix(options.partPrefix);
    return new FileSink(path, format, options);
  }

  createWriter(context: WriterInitContext, restored: readonly FileWriterState[]): FileSinkWriter<T> {
    const directory = this.#directory(context);
    const options = {
      context,
      directory,
      format: this.#format,
      maxPartBytes: this.#maxPartBytes,
      existing: this.#existing,
    };
    return new FileSinkWriter(options, restored);
  }

  createCommitter(context: WriterInitContext): FileCommitter {
    return new FileCommitter(this.#directory(context));
  }

  #directory(context: WriterInitContext): SinkDirectory {
    const names = new PartNames({ prefix: this.#partPrefix, extension: this.#format.extension, uid: context.uid });
    // Each writer and each committer has its own: none of them makes a file under another's name.
    const attempt = u32Hex(context.platform.random.u32());
    return new SinkDirectory(context.platform.fs, this.#path, { names, attempt });
  }
}

function invalid(option: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_SINK_OPTION_INVALID", {
    what: `A file sink cannot have this option: ${option}`,
    found,
    expected,
    todo: "Correct the call of FileSink.to",
  });
}
