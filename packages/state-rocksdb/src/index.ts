/**
 * RocksDB as a store for keyed state.
 * @packageDocumentation
 */

export { type RocksDbMemory, RocksDbSortedKv, type RocksDbSortedKvOptions } from "./rocksdb-sorted-kv.ts";
