// Fuzzes the files of an adapter: what passes fits the file, what fails says which file is at
// fault.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "catalog/adapter_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto weights = selvedge::catalog::check_adapter_weights(input);
  if (weights.ok()) {
    SEL_CHECK(weights->tensor_count > 0);
  } else {
    SEL_CHECK(weights.error().code == selvedge::Code::file_invalid);
  }
  const auto config = selvedge::catalog::check_adapter_config(input, {256, false});
  if (config.ok()) {
    SEL_CHECK(config->rank >= 1 && config->rank <= 256);
  } else {
    SEL_CHECK(config.error().code == selvedge::Code::file_invalid);
  }
  return 0;
}
