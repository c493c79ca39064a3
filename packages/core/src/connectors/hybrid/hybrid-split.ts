/**
 * What the enumerator of a hybrid source sends its readers, in one order: splits of the source that is read, the switch to a
 * source, and that a source has no more splits. Only splits are ever in a checkpoint.
 *
 *     string splitId, varint kind (index in KINDS), varint sourceIndex, bytes content
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import type { Serializer } from "../../types/type.ts";
import type { SourceSplit } from "../source.ts";

const KINDS = ["split", "switch", "no-more-splits"] as const;

/** A split of one of a hybrid source's sources, or news about that source. @public */
export interface HybridSplit extends SourceSplit {
  readonly splitId: string;
  readonly kind: "split" | "switch" | "no-more-splits";
  /** Which of the sources, from 0. */
  readonly sourceIndex: number;
  /** The source's own split; for a switch, the end position of the source before; else empty. */
  readonly content: Uint8Array;
}

/** What a reader tells the enumerator of a hybrid source. @internal */
export type HybridReaderEvent =
  | { readonly kind: "finished"; readonly sourceIndex: number }
  | { readonly kind: "event"; readonly event: unknown };

/** @internal */
export const hybridSplitSerializer: Serializer<HybridSplit> = {
  schema: { kind: "any" },
  write(split: HybridSplit, out: BinaryWriter): void {
    out.string(split.splitId);
    out.varint(KINDS.indexOf(split.kind));
    out.varint(split.sourceIndex);
    out.bytes(split.content);
  },
  read(input: BinaryReader): HybridSplit {
    const splitId = input.string();
    const code = input.varint();
    const kind = KINDS[code];
    if (kind === undefined) return input.corrupt(`${code}`, "the kind of a hybrid split");
    return { splitId, kind, sourceIndex: input.varint(), content: input.bytes() };
  },
};

/** The ids of the sources' splits need not differ; those of the hybrid source do. @internal */
export function hybridSplitId(sourceIndex: number, splitId: string): string {
  return `${sourceIndex}:${splitId}`;
}

/** @internal */
export function ownSplitId(hybridId: string): string {
  return hybridId.slice(hybridId.indexOf(":") + 1);
}

/** @internal */
export function encoded<T>(serializer: Serializer<T>, value: T): Uint8Array {
  const out = new BinaryWriter();
  serializer.write(value, out);
  return out.finish();
}

/** @internal */
export function decoded<T>(serializer: Serializer<T>, bytes: Uint8Array): T {
  return serializer.read(new BinaryReader(bytes));
}
