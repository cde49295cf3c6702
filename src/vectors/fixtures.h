// Fixtures: a folder of its own for each test, and batches in one line. For tests only.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "vectors/index.h"
#include "vectors/store.h"

namespace selvedge::vectors::fixtures {

// Removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where there is such a place: these tests open hundreds of stores, and a sync that
    // waits for a busy disk tells them nothing.
    std::error_code failed;
    const bool memory = std::filesystem::is_directory("/dev/shm", failed);
    const auto parent =
        memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "vectors-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Vector {
  std::string id;
  std::vector<float> values;
  std::string metadata = {};
  std::optional<std::string> partition = std::nullopt;
};

inline VectorBatch batch_of(const std::vector<Vector>& vectors) {
  VectorBatch batch;
  for (const Vector& vector : vectors) {
    batch.dimensions = vector.values.size();
    batch.ids.push_back(vector.id);
    batch.values.insert(batch.values.end(), vector.values.begin(), vector.values.end());
    batch.partitions.push_back(vector.partition);
    batch.metadata.push_back(vector.metadata);
  }
  return batch;
}

inline PropertyElement read_element(std::string_view text) {
  if (text.starts_with('#')) return std::stod(std::string(text.substr(1)));
  if (text.starts_with('?')) return text == "?true";
  return std::string(text);
}

// Reads "name=value;name=value": a value that begins with # is a number, one with ? a truth, one
// with [ an array: [a,#1].
inline void read_pairs(std::string_view metadata, std::span<const std::string> properties,
                       std::span<PropertyValue> values) {
  while (!metadata.empty()) {
    const auto end = std::min(metadata.find(';'), metadata.size());
    const auto pair = metadata.substr(0, end);
    metadata.remove_prefix(std::min(end + 1, metadata.size()));
    const auto equals = pair.find('=');
    for (std::size_t at = 0; at < properties.size(); ++at) {
      if (equals == std::string_view::npos || pair.substr(0, equals) != properties[at]) continue;
      std::string_view text = pair.substr(equals + 1);
      if (!text.starts_with('[')) {
        values[at] =
            std::visit([](const auto& each) { return PropertyValue(each); }, read_element(text));
        continue;
      }
      PropertyElements elements;
      for (text = text.substr(1, text.size() - 2); !text.empty();) {
        const auto comma = std::min(text.find(','), text.size());
        elements.push_back(read_element(text.substr(0, comma)));
        text.remove_prefix(std::min(comma + 1, text.size()));
      }
      values[at] = std::move(elements);
    }
  }
}

// A store, and one index in it.
struct Opened {
  std::unique_ptr<Store> store;
  std::shared_ptr<Index> index;
};

inline std::unique_ptr<Store> open_store(const std::filesystem::path& folder,
                                         MetadataReader reader = nullptr) {
  auto store = Store::open(folder, std::move(reader));
  EXPECT_TRUE(store.ok()) << store.error().message;
  return std::move(store).value();
}

inline Opened open_index(const std::filesystem::path& folder, std::uint32_t dimensions,
                         Metric metric = Metric::cosine, MetadataReader reader = nullptr) {
  Opened opened{open_store(folder, std::move(reader)), nullptr};
  if (opened.store->list("a").empty()) {
    EXPECT_TRUE(opened.store->create("a", "docs", "", {dimensions, metric, ""}).ok());
  }
  auto index = opened.store->find("a", "docs");
  EXPECT_TRUE(index.ok()) << index.error().message;
  opened.index = std::move(index).value();
  return opened;
}

inline std::vector<std::string> ids_of(const Result<std::vector<Match>>& matches) {
  std::vector<std::string> ids;
  EXPECT_TRUE(matches.ok()) << matches.error().message;
  for (const Match& match : matches.value()) ids.push_back(match.id);
  return ids;
}

}  // namespace selvedge::vectors::fixtures
