// GGUF builder: small files for tests, whole or wrong in one place.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace selvedge::catalog {

// Appends what it is told; nothing is checked. Counts are set when the bytes are asked for.
class GgufBuilder {
 public:
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;
    std::uint32_t type = 0;  // F32
    std::uint64_t offset = 0;
  };

  GgufBuilder& text(std::string_view key, std::string_view value) {
    put_key(key, 8);
    put_string(value);
    return *this;
  }
  GgufBuilder& uint32(std::string_view key, std::uint32_t value) {
    put_key(key, 4);
    put(value);
    return *this;
  }
  GgufBuilder& texts(std::string_view key, const std::vector<std::string>& values) {
    put_key(key, 9);
    put(std::uint32_t{8});
    put(static_cast<std::uint64_t>(values.size()));
    for (const std::string& value : values) put_string(value);
    return *this;
  }
  // A key whose value is the bytes given, whatever the type.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view value) {
    put_key(key, type);
    pairs_ += value;
    return *this;
  }
  GgufBuilder& tensor(Tensor tensor) {
    tensors_.push_back(std::move(tensor));
    return *this;
  }
  GgufBuilder& data_bytes(std::size_t bytes) {
    data_bytes_ = bytes;
    return *this;
  }

  std::string bytes() {
    std::string pairs = std::move(pairs_);
    pairs_.clear();
    pairs_ += "GGUF";
    put(std::uint32_t{3});
    put(static_cast<std::uint64_t>(tensors_.size()));
    put(pair_count_);
    pairs_ += pairs;
    for (const Tensor& tensor : tensors_) {
      put_string(tensor.name);
      put(static_cast<std::uint32_t>(tensor.dimensions.size()));
      for (const std::uint64_t length : tensor.dimensions) put(length);
      put(tensor.type);
      put(tensor.offset);
    }
    header_bytes_ = pairs_.size();
    pairs_.append((32 - pairs_.size() % 32) % 32, '\0');
    pairs_.append(data_bytes_, 'w');
    return pairs_;
  }
  std::size_t header_bytes() const { return header_bytes_; }  // After bytes().

 private:
  template <class Number>
  void put(Number number) {
    char raw_bytes[sizeof(Number)];
    std::memcpy(raw_bytes, &number, sizeof(Number));
    pairs_.append(raw_bytes, sizeof(Number));
  }
  void put_string(std::string_view value) {
    put(static_cast<std::uint64_t>(value.size()));
    pairs_ += value;
  }
  void put_key(std::string_view key, std::uint32_t type) {
    ++pair_count_;
    put_string(key);
    put(type);
  }

  std::string pairs_;
  std::uint64_t pair_count_ = 0;
  std::vector<Tensor> tensors_;
  std::size_t data_bytes_ = 0;
  std::size_t header_bytes_ = 0;
};

// A whole little model: `salt` makes other bytes, and so another SHA-256.
inline std::string small_gguf(std::string_view architecture, std::uint32_t width,
                              std::string_view salt = "") {
  const std::string prefix(architecture);
  return GgufBuilder()
      .text("general.architecture", architecture)
      .text("general.name", "test " + std::string(salt))
      .uint32(prefix + ".context_length", 512)
      .uint32(prefix + ".embedding_length", width)
      .texts("tokenizer.ggml.tokens", {"a", "b", "提"})
      .tensor({"token_embd.weight", {32, 3}, 2, 0})  // Q4_0: 3 blocks of 18 bytes.
      .tensor({"output_norm.weight", {5}, 0, 64})
      .data_bytes(64 + 20)
      .bytes();
}

inline void write_file(const std::filesystem::path& file, std::string_view bytes) {
  // Some file systems flush a file that is cut to nothing and written again: thousands of times
  // slow.
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace selvedge::catalog
