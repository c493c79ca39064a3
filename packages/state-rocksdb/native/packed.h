// Readers and writers of packed bytes. Layouts: packages/core/src/state/sorted-kv.ts and kv-batch.ts. Numbers are little-endian.
#pragma once

#include <cstdint>
#include <cstring>

#include "rocksdb/slice.h"

namespace millrace {

/** Reads from a bounded range; `ok` turns false, and stays so, when something reaches over its end. */
class PackedReader {
 public:
  PackedReader(const char* data, size_t bytes) : at_(data), end_(data + bytes) {}

  bool at_end() const { return at_ == end_; }
  bool ok() const { return ok_; }

  uint8_t U8() { return static_cast<uint8_t>(Has(1) ? *at_++ : 0); }
  uint16_t U16() { return Number<uint16_t>(); }
  uint32_t U32() { return Number<uint32_t>(); }
  rocksdb::Slice Bytes(uint32_t bytes) {
    if (!Has(bytes)) return rocksdb::Slice();
    const rocksdb::Slice slice(at_, bytes);
    at_ += bytes;
    return slice;
  }

 private:
  bool Has(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) ok_ = false;
    return ok_;
  }
  template <typename T>
  T Number() {
    T value = 0;
    if (!Has(sizeof(T))) return value;
    memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  const char* at_;
  const char* const end_;
  bool ok_ = true;
};

inline char* PutU32(char* at, uint32_t value) {
  memcpy(at, &value, sizeof(value));
  return at + sizeof(value);
}

inline char* PutBytes(char* at, const rocksdb::Slice& bytes) {
  memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

}  // namespace millrace
