#include "store.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "rocksdb/cache.h"
#include "rocksdb/compaction_filter.h"
#include "rocksdb/convenience.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/merge_operator.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace millrace {
namespace {

constexpr size_t kExpiryBytes = 8;
constexpr int kBackgroundJobs = 2;
constexpr uint64_t kDefaultCacheBytes = 64ull << 20;
constexpr uint64_t kDefaultWriteBufferBytes = 64ull << 20;
constexpr uint64_t kUnboundedBytes = 1ull << 50;
constexpr double kDefaultHighPriorityShare = 0.1;
constexpr int kMemtables = 4;
constexpr int kLevel0Files = 8;
constexpr size_t kArenaBlockBytes = 256ull << 10;

/** A merge appends its operand to the value; elements of a list delimit themselves. */
class AppendOperator : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "millrace.append"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    size_t bytes = in.existing_value == nullptr ? 0 : in.existing_value->size();
    for (const auto& operand : in.operand_list) bytes += operand.size();
    out->new_value.clear();
    out->new_value.reserve(bytes);
    if (in.existing_value != nullptr) out->new_value.append(in.existing_value->data(), in.existing_value->size());
    for (const auto& operand : in.operand_list) out->new_value.append(operand.data(), operand.size());
    return true;
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands, std::string* value,
                         rocksdb::Logger*) const override {
    value->clear();
    for (const auto& operand : operands) value->append(operand.data(), operand.size());
    return true;
  }
};

/** Drops values whose first 8 bytes, a big-endian time in epoch milliseconds, are not after the clock. */
class ExpiryFilter : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(uint64_t now_ms) : now_ms_(now_ms) {}
  const char* Name() const override { return "millrace.expiry"; }

  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    if (value.size() < kExpiryBytes) return false;
    uint64_t expiry_ms = 0;
    for (size_t i = 0; i < kExpiryBytes; i++) expiry_ms = expiry_ms << 8 | static_cast<uint8_t>(value[i]);
    return expiry_ms <= now_ms_;
  }

 private:
  const uint64_t now_ms_;
};

/** One filter for each compaction: all of its entries are measured by one moment. */
class ExpiryFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFilterFactory(std::shared_ptr<ExpiryClock> clock) : clock_(std::move(clock)) {}
  const char* Name() const override { return "millrace.expiry"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<ExpiryFilter>(clock_->now_ms.load());
  }

 private:
  const std::shared_ptr<ExpiryClock> clock_;
};

/** Never freed: threads of RocksDB may outlive every static destructor. */
struct SharedMemory {
  explicit SharedMemory(double high_priority_share)
      : cache(rocksdb::NewLRUCache(kDefaultCacheBytes, -1, false, high_priority_share)),
        write_buffers(std::make_shared<rocksdb::WriteBufferManager>(kDefaultWriteBufferBytes, cache)) {}

  const std::shared_ptr<rocksdb::Cache> cache;
  const std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::mutex mutex;
  /** What slots bring, guarded by the mutex. */
  std::map<const void*, MemoryBudget> of_slots;
};

SharedMemory& Shared(double high_priority_share = kDefaultHighPriorityShare) {
  static SharedMemory* shared = new SharedMemory(high_priority_share);
  return *shared;
}

void Resize(SharedMemory& shared, const MemoryBudget& budget) {
  shared.cache->SetCapacity(budget.cache_bytes);
  // It has no word for "no bound".
  shared.write_buffers->SetBufferSize(budget.write_buffer_bytes > 0 ? budget.write_buffer_bytes : kUnboundedBytes);
}

void ResizeToSlots(SharedMemory& shared) {
  MemoryBudget sum{0, 0};
  for (const auto& [slot, budget] : shared.of_slots) {
    sum.cache_bytes += budget.cache_bytes;
    sum.write_buffer_bytes += budget.write_buffer_bytes;
  }
  if (!shared.of_slots.empty()) Resize(shared, sum);
}

rocksdb::BlockBasedTableOptions TableOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = Shared().cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  return table;
}

rocksdb::CompressionType Compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool has_lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return has_lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::DBOptions DatabaseOptions(bool create_if_missing) {
  rocksdb::DBOptions options;
  options.create_if_missing = create_if_missing;
  options.create_missing_column_families = true;
  options.write_buffer_manager = Shared().write_buffers;
  options.max_background_jobs = kBackgroundJobs;
  // There is no WAL: the families of one batch must reach the files together.
  options.atomic_flush = true;
  options.avoid_flush_during_shutdown = true;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace

rocksdb::ColumnFamilyOptions Store::FamilyOptions(bool expires) const {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = memtable_bytes_;
  // The cache in front writes much at once: it waits for the disk only when these are full, or all stores' budget is.
  options.max_write_buffer_number = kMemtables;
  // The least that a table in memory takes: there is one for each state of each operator.
  options.arena_block_size = std::min<size_t>(kArenaBlockBytes, memtable_bytes_ / 8);
  // Most reads are for keys that no table in memory has: searching it costs more than reading a block that is cached.
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  // Each checkpoint makes one file here, and merging them rewrites, and uploads anew, what they overlap: all of it with random keys.
  options.level0_file_num_compaction_trigger = kLevel0Files;
  options.compression = Compression();
  options.level_compaction_dynamic_level_bytes = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions()));
  options.merge_operator = std::make_shared<AppendOperator>();
  if (expires) options.compaction_filter_factory = std::make_shared<ExpiryFilterFactory>(expiry_clock);
  return options;
}

rocksdb::Status Store::Open(const OpenRequest& request) {
  memtable_bytes_ = request.memtable_bytes;
  const rocksdb::DBOptions options = DatabaseOptions(request.create_if_missing);
  std::vector<std::string> found;
  if (rocksdb::Env::Default()->FileExists(request.path + "/CURRENT").ok()) {
    const auto listed = rocksdb::DB::ListColumnFamilies(options, request.path, &found);
    if (!listed.ok()) return listed;
  }

  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, FamilyOptions(false));
  for (const auto& family : request.families) descriptors.emplace_back(family.name, FamilyOptions(family.expires));
  // RocksDB wants to hear of every family that is there; those nobody asked for come last.
  for (const auto& name : found) {
    const bool is_known = std::any_of(descriptors.begin(), descriptors.end(),
                                      [&](const auto& descriptor) { return descriptor.name == name; });
    if (!is_known) descriptors.emplace_back(name, FamilyOptions(false));
  }

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto opened = rocksdb::DB::Open(options, request.path, descriptors, &handles, &db);
  if (!opened.ok()) {
    db = nullptr;
    return opened;
  }
  default_family_ = handles[0];
  families.assign(handles.begin() + 1, handles.end());
  for (const auto& family : request.families) expires.push_back(family.expires);
  expires.resize(families.size(), false);
  return opened;
}

rocksdb::Status Store::AddFamily(const FamilyRequest& request) {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  const auto created = db->CreateColumnFamily(FamilyOptions(request.expires), request.name, &handle);
  if (created.ok()) {
    families.push_back(handle);
    expires.push_back(request.expires);
  }
  return created;
}

void Store::Close() {
  if (db == nullptr) return;
  rocksdb::CancelAllBackgroundWork(db, true);
  for (auto* family : families) db->DestroyColumnFamilyHandle(family);
  db->DestroyColumnFamilyHandle(default_family_);
  families.clear();
  expires.clear();
  default_family_ = nullptr;
  db->Close().PermitUncheckedError();
  delete db;
  db = nullptr;
}

void ConfigureMemory(const void* slot, const MemoryBudget& budget, double high_priority_share, bool is_per_slot) {
  SharedMemory& shared = Shared(high_priority_share);
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (is_per_slot) {
    shared.of_slots[slot] = budget;
    ResizeToSlots(shared);
  } else {
    shared.of_slots.erase(slot);
    Resize(shared, budget);
  }
}

void ReleaseMemory(const void* slot) {
  SharedMemory& shared = Shared();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.of_slots.erase(slot) > 0) ResizeToSlots(shared);
}

rocksdb::Options SortedFileOptions() {
  rocksdb::Options options;
  options.compression = Compression();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions()));
  return options;
}

}  // namespace millrace
