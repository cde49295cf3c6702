// NpyFile: a two-dimensional NumPy array read from disk.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace selvedge::bench {

// `T` must be what the file has: float ("<f4"), std::int8_t ("|i1") or std::int32_t ("<i4").
template <class T>
struct NpyFile {
  std::size_t rows = 0;
  std::size_t columns = 1;  // 1 for a list.
  std::vector<T> values;

  // Empty when the file is not such an array.
  static std::optional<NpyFile> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string start(10, '\0');
    if (!file.read(start.data(), 10) || start.compare(1, 5, "NUMPY") != 0) return std::nullopt;
    const std::size_t header_bytes = static_cast<std::uint8_t>(start[8]) |
                                     static_cast<std::size_t>(static_cast<std::uint8_t>(start[9]))
                                         << 8;
    std::string header(header_bytes, '\0');
    if (!file.read(header.data(), static_cast<std::streamsize>(header_bytes))) return std::nullopt;
    const std::regex form(R"('descr': '.(..)'.*'fortran_order': False.*'shape': \((\d+),\s*(\d*))");
    std::smatch parts;
    if (!std::regex_search(header, parts, form) || parts[1] != type_name()) return std::nullopt;
    NpyFile array;
    array.rows = std::stoul(parts[2]);
    if (parts[3].length() > 0) array.columns = std::stoul(parts[3]);
    array.values.resize(array.rows * array.columns);
    const auto bytes = static_cast<std::streamsize>(array.values.size() * sizeof(T));
    if (!file.read(reinterpret_cast<char*>(array.values.data()), bytes)) return std::nullopt;
    return array;
  }

 private:
  static std::string type_name() {
    if constexpr (std::is_same_v<T, float>) return "f4";
    return sizeof(T) == 1 ? "i1" : "i4";
  }
};

}  // namespace selvedge::bench
