// Fuzzes the header of safetensors files: any bytes are tensors that fill the file, or an error.
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using selvedge::Code;
  // The first bytes say how long the rest of the file would be.
  std::uint32_t data_bytes = 0;
  if (size < sizeof data_bytes) return 0;
  std::memcpy(&data_bytes, data, sizeof data_bytes);
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof data_bytes,
                              size - sizeof data_bytes);
  const auto tensors = selvedge::parse_safetensors_header(text, data_bytes);
  if (!tensors.ok()) {
    SEL_CHECK(tensors.error().code == Code::file_invalid);
    return 0;
  }
  std::uint64_t elements = 0;
  for (const auto& tensor : *tensors) {
    SEL_CHECK(tensor.shape.size() <= selvedge::kSafetensorsDimensionsMax);
    elements += tensor.elements;
  }
  SEL_CHECK(!tensors->empty());
  SEL_CHECK(elements <= data_bytes);
  return 0;
}
