import { MillraceError } from "../base/errors.ts";
import type { Configuration } from "../config/configuration.ts";
import {
  MANAGED_MEMORY_SIZE,
  ROCKSDB_HIGH_PRIORITY_RATIO,
  ROCKSDB_MEMORY_MANAGED,
  ROCKSDB_MEMORY_PER_SLOT,
  ROCKSDB_WRITE_BUFFER_RATIO,
} from "../config/store-memory-options.ts";
import type { StoreMemory } from "../platform/stores.ts";

/**
 * What the stores of a process may use. RocksDB may overdraw the bound of its write buffers by a half: cache and bound are so
 * much smaller that it stays within the memory then, too. The formulas are Flink's.
 *
 * @throws MillraceError `MR_CONFIG_INVALID` when writes, indexes and filters are to have more than all of it
 */
export function storeMemoryOf(configuration: Configuration): StoreMemory {
  const writeShare = configuration.get(ROCKSDB_WRITE_BUFFER_RATIO);
  const highPriorityShare = configuration.get(ROCKSDB_HIGH_PRIORITY_RATIO);
  if (writeShare + highPriorityShare > 1) throw sharesExceedAll(writeShare, highPriorityShare);
  const perSlot = configuration.get(ROCKSDB_MEMORY_PER_SLOT);
  const bytes = perSlot ?? configuration.get(MANAGED_MEMORY_SIZE);
  const isPerSlot = perSlot !== undefined;
  if (!isPerSlot && !configuration.get(ROCKSDB_MEMORY_MANAGED)) {
    return { cacheBytes: bytes, writeBufferBytes: 0, highPriorityShare, isPerSlot };
  }
  return {
    cacheBytes: Math.floor(((3 - writeShare) * bytes) / 3),
    writeBufferBytes: Math.floor((2 * bytes * writeShare) / 3),
    highPriorityShare,
    isPerSlot,
  };
}

function sharesExceedAll(writeShare: number, highPriorityShare: number): MillraceError {
  return new MillraceError("MR_CONFIG_INVALID", {
    what: `${ROCKSDB_WRITE_BUFFER_RATIO.key} and ${ROCKSDB_HIGH_PRIORITY_RATIO.key} share more memory than there is`,
    found: `${writeShare} and ${highPriorityShare}`,
    expected: "at most 1 together",
    todo: "Lower one of them; 0.5 and 0.1 are the defaults",
  });
}
