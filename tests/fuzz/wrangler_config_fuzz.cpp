// Fuzzes wrangler configurations: a file is read or refused by name, in either form.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cli/wrangler_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using selvedge::cli::ConfigForm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const ConfigForm form : {ConfigForm::toml, ConfigForm::json}) {
    for (const std::string_view environment : {"", "staging"}) {
      const auto config = selvedge::cli::parse_wrangler_config(text, form, "file", environment);
      if (!config.ok()) {
        SEL_CHECK(config.error().code == selvedge::Code::file_invalid);
        SEL_CHECK(config.error().message.starts_with("file"));
        continue;
      }
      for (const auto& binding : config->vectorize) {
        SEL_CHECK(!binding.binding.empty() && !binding.index_name.empty());
      }
    }
  }
  return 0;
}
