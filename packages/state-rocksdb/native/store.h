// One open database and what all databases of the process share. No JavaScript in this file.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/options.h"

namespace millrace {

/** The time that expired values are measured by: set from JavaScript, read by compactions on threads of RocksDB. */
struct ExpiryClock {
  std::atomic<uint64_t> now_ms{0};
};

struct FamilyRequest {
  std::string name;
  bool expires;
};

struct OpenRequest {
  std::string path;
  std::vector<FamilyRequest> families;
  uint64_t memtable_bytes;
  bool create_if_missing;
};

/** Belongs to the thread that opened it; `db` is null once it is closed. Families are indexed as JavaScript knows them. */
class Store {
 public:
  ~Store() { Close(); }

  rocksdb::Status Open(const OpenRequest& request);
  rocksdb::Status AddFamily(const FamilyRequest& request);
  /** Twice is harmless. What was not flushed is gone. */
  void Close();

  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  /** For each family: its values begin with their expiry. */
  std::vector<bool> expires;
  std::shared_ptr<ExpiryClock> expiry_clock = std::make_shared<ExpiryClock>();

 private:
  rocksdb::ColumnFamilyOptions FamilyOptions(bool expires) const;

  rocksdb::ColumnFamilyHandle* default_family_ = nullptr;
  uint64_t memtable_bytes_ = 0;
};

struct MemoryBudget {
  uint64_t cache_bytes;
  uint64_t write_buffer_bytes;
};

/**
 * Resizes the block cache and the memtable budget that all databases of this process share: to what a slot says for all, or to
 * the sum of what slots bring. `high_priority_share` counts before the first database only.
 */
void ConfigureMemory(const void* slot, const MemoryBudget& budget, double high_priority_share, bool is_per_slot);

/** The slot has ended. */
void ReleaseMemory(const void* slot);

/** Options for files that are written outside of a database. */
rocksdb::Options SortedFileOptions();

}  // namespace millrace
