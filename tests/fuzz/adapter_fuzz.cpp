// Fuzzes the files of an adapter: what passes fits the file, what fails says which file is at
// fault.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "catalog/adapter_check.h"
#include "catalog/adapter_gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto weights = selvedge::catalog::adapter_tensors(input);
  if (weights.ok()) {
    SEL_CHECK(!weights->empty());
  } else {
    SEL_CHECK(weights.error().code == selvedge::Code::file_invalid);
  }
  const auto config = selvedge::catalog::check_adapter_config(input, {256, false});
  if (config.ok()) {
    SEL_CHECK(config->rank >= 1 && config->rank <= 256);
  } else {
    SEL_CHECK(config.error().code == selvedge::Code::file_invalid);
  }
  const char* whole = R"({"peft_type":"LORA","r":2,"rank_pattern":{"x":1}})";
  for (const char* architecture : {"llama", "gemma"}) {
    const auto converted = selvedge::catalog::adapter_gguf(whole, input, {architecture, 2, 1});
    if (converted.ok()) SEL_CHECK(converted->starts_with("GGUF"));
    const auto other = selvedge::catalog::adapter_gguf(input, {}, {architecture, 2, 1});
    SEL_CHECK(!other.ok());
  }
  return 0;
}
