// Safetensors header: what tensors a file of weights holds, read with suspicion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge {

inline constexpr std::size_t kSafetensorsHeaderBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kSafetensorsTensorsMax = 65'536;
inline constexpr std::size_t kSafetensorsDimensionsMax = 8;

struct SafetensorsTensor {
  std::string name;
  std::string type;                  // "F32", "F16", "BF16" ...
  std::vector<std::uint64_t> shape;  // Outermost first; empty: one element.
  std::uint64_t elements = 0;
  std::uint64_t begin = 0;  // Of its bytes, behind the header.
  std::uint64_t end = 0;
};

// `text` is the JSON of the header, `data_bytes` what follows it in the file. Holds for every one
// that passes: an object of at most the tensors and dimensions above, of types that the format
// knows; the bytes of each are as many as its shape and type say; they lie one behind the other and
// fill the file. In the order of the file. Errors: file_invalid (the message begins "it …").
// Source: the format's description in huggingface/safetensors (README.md).
Result<std::vector<SafetensorsTensor>> parse_safetensors_header(std::string_view text,
                                                                std::uint64_t data_bytes);

// Of a whole file, of which only the header is read. Errors: not_found, io, file_invalid (the
// message names the file).
Result<std::vector<SafetensorsTensor>> read_safetensors_header(const std::filesystem::path& file);

}  // namespace selvedge
