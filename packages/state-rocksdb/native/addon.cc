// What JavaScript calls: arguments in, bytes out, a status as an error whose code is the status' name. All calls are synchronous.
//
// - N1. A handle belongs to the thread that opened it, and is checked at every call: a closed store is an error, never a crash.
// - N2. When a thread ends, also by terminate(), its stores are closed: the directory's lock is given back.
// - N3. No iterator, batch or snapshot outlives the call that made it.
#define NAPI_VERSION 8
#include <node_api.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "packed.h"
#include "rocksdb/convenience.h"
#include "rocksdb/sst_file_writer.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/version.h"
#include "store.h"

namespace {

using millrace::FamilyRequest;
using millrace::PackedReader;
using millrace::PutBytes;
using millrace::PutU32;
using millrace::Store;
using rocksdb::Slice;
using rocksdb::Status;

constexpr uint32_t kAbsent = 0xffffffff;
constexpr size_t kPageHeaderBytes = 8;
constexpr size_t kEntryHeaderBytes = 8;
enum Op : uint8_t { kPut = 0, kDelete = 1, kDeleteRange = 2, kMerge = 3 };

const napi_type_tag kStoreTag = {0x6d696c6c72616365ull, 0x73746f7265303031ull};
const napi_type_tag kWriterTag = {0x6d696c6c72616365ull, 0x7772697465723031ull};

/** The stores of one thread. Shared with their finalizers, which may run after the cleanup hook. */
struct ThreadStores {
  std::set<Store*> open;
};

struct StoreHandle {
  Store store;
  std::shared_ptr<ThreadStores> thread;
};

struct Bytes {
  char* data = nullptr;
  size_t size = 0;
};

// ---- errors

napi_value Misuse(napi_env env, const char* message) {
  napi_throw_error(env, "Misuse", message);
  return nullptr;
}

const char* CodeOf(const Status& status) {
  if (status.IsCorruption()) return "Corruption";
  if (status.IsNoSpace()) return "NoSpace";
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) return "Locked";
  if (status.IsIOError()) return "IOError";
  if (status.IsNotFound() || status.IsPathNotFound()) return "NotFound";
  return "Failed";
}

/** True when it has thrown. */
bool Threw(napi_env env, const Status& status) {
  if (status.ok()) return false;
  napi_throw_error(env, CodeOf(status), status.ToString().c_str());
  return true;
}

// ---- arguments

/** Fetches the arguments of a call; `Has` is false when there are too few of them. */
template <size_t N>
struct Arguments {
  napi_value values[N];
  size_t count = N;
  Arguments(napi_env env, napi_callback_info info) { napi_get_cb_info(env, info, &count, values, nullptr, nullptr); }
  napi_value operator[](size_t index) const { return values[index]; }
};

bool ReadBytes(napi_env env, napi_value value, Bytes* out) {
  napi_typedarray_type type;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &out->size, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    Misuse(env, "expected a Uint8Array");
    return false;
  }
  out->data = static_cast<char*>(data);
  return true;
}

/** The first `length` bytes of an array. */
bool ReadBytes(napi_env env, napi_value value, napi_value length, Bytes* out) {
  uint32_t bytes = 0;
  if (!ReadBytes(env, value, out)) return false;
  if (napi_get_value_uint32(env, length, &bytes) != napi_ok || bytes > out->size) {
    Misuse(env, "a length is beyond its array");
    return false;
  }
  out->size = bytes;
  return true;
}

bool ReadText(napi_env env, napi_value value, std::string* out) {
  size_t bytes = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &bytes) != napi_ok) {
    Misuse(env, "expected a string");
    return false;
  }
  out->resize(bytes);
  napi_get_value_string_utf8(env, value, &(*out)[0], bytes + 1, &bytes);
  return true;
}

bool ReadFlag(napi_env env, napi_value value) {
  bool flag = false;
  napi_get_value_bool(env, value, &flag);
  return flag;
}

uint64_t ReadCount(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number > 0 ? static_cast<uint64_t>(number) : 0;
}

bool ReadTexts(napi_env env, napi_value array, std::vector<std::string>* out) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) {
    Misuse(env, "expected an array");
    return false;
  }
  out->resize(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    if (!ReadText(env, element, &(*out)[i])) return false;
  }
  return true;
}

template <typename T>
T* ReadHandle(napi_env env, napi_value value, const napi_type_tag* tag) {
  bool is_ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, tag, &is_ours) != napi_ok || !is_ours ||
      napi_unwrap(env, value, &data) != napi_ok) {
    return nullptr;
  }
  return static_cast<T*>(data);
}

/** N1. */
Store* OpenStore(napi_env env, napi_value value) {
  auto* handle = ReadHandle<StoreHandle>(env, value, &kStoreTag);
  if (handle == nullptr) {
    Misuse(env, "not a handle of a store");
  } else if (handle->store.db == nullptr) {
    Misuse(env, "the store is closed");
  } else {
    return &handle->store;
  }
  return nullptr;
}

rocksdb::ColumnFamilyHandle* FamilyAt(napi_env env, Store* store, uint32_t index) {
  if (index < store->families.size()) return store->families[index];
  Misuse(env, "no such column family");
  return nullptr;
}

rocksdb::ColumnFamilyHandle* ReadFamily(napi_env env, Store* store, napi_value value) {
  uint32_t index = kAbsent;
  napi_get_value_uint32(env, value, &index);
  return FamilyAt(env, store, index);
}

napi_value Number(napi_env env, double value) {
  napi_value number;
  napi_create_double(env, value, &number);
  return number;
}

napi_value Undefined(napi_env env) {
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  return undefined;
}

napi_value Text(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

rocksdb::WriteOptions WithoutWal() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

// ---- opening and closing

void CloseStoresOfThread(void* data) {
  auto* thread = static_cast<std::shared_ptr<ThreadStores>*>(data);
  for (auto* store : (*thread)->open) store->Close();
  (*thread)->open.clear();
  millrace::ReleaseMemory(thread->get());
  delete thread;
}

void FinalizeStore(napi_env, void* data, void*) {
  auto* handle = static_cast<StoreHandle*>(data);
  handle->thread->open.erase(&handle->store);
  delete handle;
}

std::shared_ptr<ThreadStores> ThreadOf(napi_env env) {
  void* instance = nullptr;
  napi_get_instance_data(env, &instance);
  return *static_cast<std::shared_ptr<ThreadStores>*>(instance);
}

/** open(path, names, expires, memtableBytes, createIfMissing) → handle */
napi_value Open(napi_env env, napi_callback_info info) {
  const Arguments<5> args(env, info);
  millrace::OpenRequest request;
  std::vector<std::string> names;
  if (!ReadText(env, args[0], &request.path) || !ReadTexts(env, args[1], &names)) return nullptr;
  for (uint32_t i = 0; i < names.size(); i++) {
    napi_value expires;
    napi_get_element(env, args[2], i, &expires);
    request.families.push_back({names[i], ReadFlag(env, expires)});
  }
  request.memtable_bytes = ReadCount(env, args[3]);
  request.create_if_missing = ReadFlag(env, args[4]);

  auto handle = std::make_unique<StoreHandle>();
  handle->thread = ThreadOf(env);
  if (Threw(env, handle->store.Open(request))) return nullptr;
  handle->thread->open.insert(&handle->store);

  napi_value object;
  napi_create_object(env, &object);
  napi_type_tag_object(env, object, &kStoreTag);
  napi_wrap(env, object, handle.release(), FinalizeStore, nullptr, nullptr);
  return object;
}

napi_value Close(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  auto* handle = ReadHandle<StoreHandle>(env, args[0], &kStoreTag);
  if (handle == nullptr) return Misuse(env, "not a handle of a store");
  handle->thread->open.erase(&handle->store);
  handle->store.Close();
  return Undefined(env);
}

/** configureMemory(cacheBytes, writeBufferBytes, highPriorityShare, isPerSlot) */
napi_value ConfigureMemory(napi_env env, napi_callback_info info) {
  const Arguments<4> args(env, info);
  double high_priority_share = 0;
  napi_get_value_double(env, args[2], &high_priority_share);
  const millrace::MemoryBudget budget{ReadCount(env, args[0]), ReadCount(env, args[1])};
  millrace::ConfigureMemory(ThreadOf(env).get(), budget, high_priority_share, ReadFlag(env, args[3]));
  return Undefined(env);
}

/** addColumnFamily(store, name, expires) */
napi_value AddColumnFamily(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  Store* store = OpenStore(env, args[0]);
  FamilyRequest request{};
  if (store == nullptr || !ReadText(env, args[1], &request.name)) return nullptr;
  request.expires = ReadFlag(env, args[2]);
  if (Threw(env, store->AddFamily(request))) return nullptr;
  return Undefined(env);
}

napi_value ColumnFamilies(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  napi_value names;
  napi_create_array(env, &names);
  for (uint32_t i = 0; i < store->families.size(); i++) {
    napi_set_element(env, names, i, Text(env, store->families[i]->GetName()));
  }
  return names;
}

// ---- reading

/** get(store, family, key, keyBytes, out) → length, -1 when absent */
napi_value Get(napi_env env, napi_callback_info info) {
  const Arguments<5> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  Bytes key, out;
  if (family == nullptr || !ReadBytes(env, args[2], args[3], &key) || !ReadBytes(env, args[4], &out)) return nullptr;
  rocksdb::PinnableSlice value;
  const Status status = store->db->Get(rocksdb::ReadOptions(), family, Slice(key.data, key.size), &value);
  if (status.IsNotFound()) return Number(env, -1);
  if (Threw(env, status)) return nullptr;
  if (value.size() <= out.size) PutBytes(out.data, value);
  return Number(env, static_cast<double>(value.size()));
}

/** multiGet(store, family, keys, length, out) → length */
napi_value MultiGet(napi_env env, napi_callback_info info) {
  const Arguments<5> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  Bytes packed, out;
  if (family == nullptr || !ReadBytes(env, args[2], args[3], &packed) || !ReadBytes(env, args[4], &out)) return nullptr;
  std::vector<Slice> keys;
  PackedReader reader(packed.data, packed.size);
  while (reader.ok() && !reader.at_end()) {
    const uint32_t bytes = reader.U32();
    keys.push_back(reader.Bytes(bytes));
  }
  if (!reader.ok()) return Misuse(env, "the packed keys are cut off");

  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<Status> statuses(keys.size());
  store->db->MultiGet(rocksdb::ReadOptions(), family, keys.size(), keys.data(), values.data(), statuses.data(), false);
  size_t bytes = 0;
  for (size_t i = 0; i < keys.size(); i++) {
    if (!statuses[i].IsNotFound() && Threw(env, statuses[i])) return nullptr;
    bytes += sizeof(uint32_t) + (statuses[i].ok() ? values[i].size() : 0);
  }
  if (bytes > out.size) return Number(env, static_cast<double>(bytes));
  char* at = out.data;
  for (size_t i = 0; i < keys.size(); i++) {
    at = PutU32(at, statuses[i].ok() ? static_cast<uint32_t>(values[i].size()) : kAbsent);
    if (statuses[i].ok()) at = PutBytes(at, values[i]);
  }
  return Number(env, static_cast<double>(bytes));
}

/** scan(store, family, from, to, out, isResumed) → length; an empty `to` means up to the end */
napi_value Scan(napi_env env, napi_callback_info info) {
  const Arguments<6> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  Bytes from, to, out;
  if (family == nullptr || !ReadBytes(env, args[2], &from) || !ReadBytes(env, args[3], &to) ||
      !ReadBytes(env, args[4], &out)) {
    return nullptr;
  }
  if (out.size < kPageHeaderBytes) return Misuse(env, "a page has no room for its header");

  const Slice first(from.data, from.size);
  const Slice end(to.data, to.size);
  rocksdb::ReadOptions options;
  if (to.size > 0) options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> iterator(store->db->NewIterator(options, family));
  iterator->Seek(first);
  if (ReadFlag(env, args[5]) && iterator->Valid() && iterator->key() == first) iterator->Next();

  char* at = out.data + kPageHeaderBytes;
  uint32_t count = 0;
  uint64_t next_bytes = 0;
  for (; iterator->Valid(); iterator->Next()) {
    const Slice key = iterator->key();
    const Slice value = iterator->value();
    next_bytes = kEntryHeaderBytes + key.size() + value.size();
    if (next_bytes > static_cast<uint64_t>(out.data + out.size - at)) break;
    at = PutU32(at, static_cast<uint32_t>(key.size()));
    at = PutU32(at, static_cast<uint32_t>(value.size()));
    at = PutBytes(PutBytes(at, key), value);
    next_bytes = 0;
    count++;
  }
  if (Threw(env, iterator->status())) return nullptr;
  PutU32(PutU32(out.data, count), static_cast<uint32_t>(next_bytes));
  return Number(env, static_cast<double>(at - out.data));
}

// ---- writing

Status AddToBatch(rocksdb::WriteBatch* batch, uint8_t op, rocksdb::ColumnFamilyHandle* family, const Slice& key,
                  const Slice& value) {
  switch (op) {
    case kPut:
      return batch->Put(family, key, value);
    case kDelete:
      return batch->Delete(family, key);
    case kDeleteRange:
      return key.compare(value) < 0 ? batch->DeleteRange(family, key, value) : Status::OK();
    default:
      return batch->Merge(family, key, value);
  }
}

/** writeBatch(store, packed, length) */
napi_value WriteBatch(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  Store* store = OpenStore(env, args[0]);
  Bytes packed;
  if (store == nullptr || !ReadBytes(env, args[1], args[2], &packed)) return nullptr;
  rocksdb::WriteBatch batch(packed.size + 64);
  PackedReader reader(packed.data, packed.size);
  while (!reader.at_end()) {
    const uint8_t op = reader.U8();
    const uint16_t index = reader.U16();
    const uint32_t key_bytes = reader.U32();
    const uint32_t value_bytes = reader.U32();
    const Slice key = reader.Bytes(key_bytes);
    const Slice value = reader.Bytes(value_bytes);
    if (!reader.ok() || op > kMerge) return Misuse(env, "the packed batch is malformed");
    auto* family = FamilyAt(env, store, index);
    if (family == nullptr) return nullptr;
    if (op == kMerge && store->expires[index]) return Misuse(env, "values of a family that expires are not merged");
    if (Threw(env, AddToBatch(&batch, op, family, key, value))) return nullptr;
  }
  if (Threw(env, store->db->Write(WithoutWal(), &batch))) return nullptr;
  return Undefined(env);
}

napi_value Flush(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr || Threw(env, store->db->Flush(rocksdb::FlushOptions(), store->families))) return nullptr;
  return Undefined(env);
}

/** compact(store, family): everything, also what is at the bottom already, so that nothing expired is left. */
napi_value Compact(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  if (family == nullptr) return nullptr;
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  if (Threw(env, store->db->CompactRange(options, family, nullptr, nullptr))) return nullptr;
  return Undefined(env);
}

napi_value SetExpiryNow(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  store->expiry_clock->now_ms.store(ReadCount(env, args[1]));
  return Undefined(env);
}

// ---- files

napi_value Checkpoint(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Store* store = OpenStore(env, args[0]);
  std::string directory;
  if (store == nullptr || !ReadText(env, args[1], &directory)) return nullptr;
  rocksdb::Checkpoint* created = nullptr;
  if (Threw(env, rocksdb::Checkpoint::Create(store->db, &created))) return nullptr;
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(created);
  // 0: flush always. Without a WAL the memtables are nowhere else.
  if (Threw(env, checkpoint->CreateCheckpoint(directory, 0))) return nullptr;
  return Undefined(env);
}

/** liveFiles(store) → names of the sorted files */
napi_value LiveFiles(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  std::vector<rocksdb::LiveFileMetaData> files;
  store->db->GetLiveFilesMetaData(&files);
  napi_value names;
  napi_create_array(env, &names);
  for (uint32_t i = 0; i < files.size(); i++) napi_set_element(env, names, i, Text(env, files[i].relative_filename));
  return names;
}

/** ingest(store, family, paths) */
napi_value Ingest(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  std::vector<std::string> paths;
  if (family == nullptr || !ReadTexts(env, args[2], &paths)) return nullptr;
  rocksdb::IngestExternalFileOptions options;
  options.verify_checksums_before_ingest = true;
  if (!paths.empty() && Threw(env, store->db->IngestExternalFile(family, paths, options))) return nullptr;
  return Undefined(env);
}

napi_value Verify(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr || Threw(env, store->db->VerifyChecksum())) return nullptr;
  return Undefined(env);
}

/** property(store, family, name) → text, undefined when RocksDB knows no such property */
napi_value Property(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  Store* store = OpenStore(env, args[0]);
  if (store == nullptr) return nullptr;
  auto* family = ReadFamily(env, store, args[1]);
  std::string name, value;
  if (family == nullptr || !ReadText(env, args[2], &name)) return nullptr;
  return store->db->GetProperty(family, name, &value) ? Text(env, value) : Undefined(env);
}

void FinalizeWriter(napi_env, void* data, void*) { delete static_cast<rocksdb::SstFileWriter*>(data); }

/** createSortedFile(path) → writer */
napi_value CreateSortedFile(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  std::string path;
  if (!ReadText(env, args[0], &path)) return nullptr;
  auto writer = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), millrace::SortedFileOptions());
  if (Threw(env, writer->Open(path))) return nullptr;
  napi_value object;
  napi_create_object(env, &object);
  napi_type_tag_object(env, object, &kWriterTag);
  napi_wrap(env, object, writer.release(), FinalizeWriter, nullptr, nullptr);
  return object;
}

/** addToSortedFile(writer, packed): entries as in a page, without its header, in ascending order of keys */
napi_value AddToSortedFile(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  auto* writer = ReadHandle<rocksdb::SstFileWriter>(env, args[0], &kWriterTag);
  Bytes packed;
  if (writer == nullptr) return Misuse(env, "not a writer of a sorted file");
  if (!ReadBytes(env, args[1], &packed)) return nullptr;
  PackedReader reader(packed.data, packed.size);
  while (!reader.at_end()) {
    const uint32_t key_bytes = reader.U32();
    const uint32_t value_bytes = reader.U32();
    const Slice key = reader.Bytes(key_bytes);
    const Slice value = reader.Bytes(value_bytes);
    if (!reader.ok()) return Misuse(env, "the packed entries are cut off");
    const Status added = writer->Put(key, value);
    if (added.IsInvalidArgument()) return Misuse(env, "the entries are not in ascending order");
    if (Threw(env, added)) return nullptr;
  }
  return Undefined(env);
}

/** finishSortedFile(writer): durable afterwards */
napi_value FinishSortedFile(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  auto* writer = ReadHandle<rocksdb::SstFileWriter>(env, args[0], &kWriterTag);
  if (writer == nullptr) return Misuse(env, "not a writer of a sorted file");
  const Status finished = writer->Finish();
  if (finished.IsInvalidArgument()) return Misuse(env, "a sorted file has no entries, or is finished");
  if (Threw(env, finished)) return nullptr;
  return Undefined(env);
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  // Two references: the instance's goes with the environment, the hook's closes the stores before (N2).
  auto* thread = new std::shared_ptr<ThreadStores>(std::make_shared<ThreadStores>());
  napi_set_instance_data(
      env, new std::shared_ptr<ThreadStores>(*thread),
      [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<ThreadStores>*>(data); }, nullptr);
  napi_add_env_cleanup_hook(env, CloseStoresOfThread, thread);

  Export(env, exports, "configureMemory", ConfigureMemory);
  Export(env, exports, "open", Open);
  Export(env, exports, "close", Close);
  Export(env, exports, "addColumnFamily", AddColumnFamily);
  Export(env, exports, "columnFamilies", ColumnFamilies);
  Export(env, exports, "get", Get);
  Export(env, exports, "multiGet", MultiGet);
  Export(env, exports, "scan", Scan);
  Export(env, exports, "writeBatch", WriteBatch);
  Export(env, exports, "flush", Flush);
  Export(env, exports, "compact", Compact);
  Export(env, exports, "setExpiryNow", SetExpiryNow);
  Export(env, exports, "checkpoint", Checkpoint);
  Export(env, exports, "liveFiles", LiveFiles);
  Export(env, exports, "ingest", Ingest);
  Export(env, exports, "verify", Verify);
  Export(env, exports, "property", Property);
  Export(env, exports, "createSortedFile", CreateSortedFile);
  Export(env, exports, "addToSortedFile", AddToSortedFile);
  Export(env, exports, "finishSortedFile", FinishSortedFile);
  napi_set_named_property(env, exports, "engineVersion", Text(env, rocksdb::GetRocksVersionAsString()));
  return exports;
}
