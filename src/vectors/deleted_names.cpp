// Deleted names: a key each, numbered in the order of deletion.
#include "vectors/deleted_names.h"

#include <rocksdb/write_batch.h>

#include "vectors/layout.h"

namespace selvedge::vectors {

Status DeletedNames::load(const Database& database) {
  std::string end = layout::deleted_prefix();
  ++end.back();
  return database.scan(layout::deleted_prefix(), end, false,
                       [this](std::string_view key, std::string_view value) -> Result<bool> {
                         SEL_TRY(number, layout::decode_number(value));
                         if (!keys_.emplace(number, key).second) {
                           return Error{Code::corrupt_data, "two deleted indexes have one number"};
                         }
                         numbers_.emplace(key, number);
                         return true;
                       });
}

bool DeletedNames::contains(std::string_view account, std::string_view name) const {
  return numbers_.contains(layout::deleted_key(account, name));
}

std::uint64_t DeletedNames::next_number() const {
  return keys_.empty() ? 1 : keys_.rbegin()->first + 1;
}

Status DeletedNames::write_add(rocksdb::WriteBatch& batch, std::string_view account,
                               std::string_view name) const {
  auto put = batch.Put(layout::deleted_key(account, name), layout::encode_number(next_number()));
  auto oldest = keys_.begin();
  for (std::size_t size = keys_.size() + 1; put.ok() && size > kept_max_; --size, ++oldest) {
    put = batch.Delete(oldest->second);
  }
  if (!put.ok()) return Error{Code::internal, put.ToString()};
  return ok_status();
}

void DeletedNames::add(std::string_view account, std::string_view name) {
  const std::uint64_t number = next_number();
  while (keys_.size() >= kept_max_) {
    numbers_.erase(keys_.begin()->second);
    keys_.erase(keys_.begin());
  }
  const std::string key = layout::deleted_key(account, name);
  numbers_[key] = number;
  keys_[number] = key;
}

Status DeletedNames::write_remove(rocksdb::WriteBatch& batch, std::string_view account,
                                  std::string_view name) const {
  if (!contains(account, name)) return ok_status();
  const auto removed = batch.Delete(layout::deleted_key(account, name));
  if (!removed.ok()) return Error{Code::internal, removed.ToString()};
  return ok_status();
}

void DeletedNames::remove(std::string_view account, std::string_view name) {
  const auto known = numbers_.find(layout::deleted_key(account, name));
  if (known == numbers_.end()) return;
  keys_.erase(known->second);
  numbers_.erase(known);
}

}  // namespace selvedge::vectors
