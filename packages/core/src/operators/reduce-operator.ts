import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { serializerCodec } from "../state/state-handles.ts";
import type { Serializer } from "../types/type.ts";
import { invokeClose, invokeOpen } from "./clone-function.ts";
import { BaseOperator, type OperatorHost } from "./operator-runtime.ts";

/** A rolling reduce. The running value of a key is in its first slot; generated code folds and emits. */
export class ReduceOperator extends BaseOperator {
  override readonly table: KeyedStateTable;
  readonly #fn: unknown;
  readonly #serializer: Serializer<unknown>;

  constructor(host: OperatorHost, fn: unknown, serializer: Serializer<unknown>) {
    super(host);
    this.#fn = fn;
    this.#serializer = serializer;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.table.readsOnDemand = true;
  }

  override open(): void {
    this.table.registerSlot(serializerCodec("_reduce", this.#serializer));
    invokeOpen(this.#fn, this.host.context);
  }

  override async close(): Promise<void> {
    invokeClose(this.#fn);
  }
}
