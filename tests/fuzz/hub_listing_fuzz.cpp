// Fuzzes the list of a repository's files: any answer is files inside it, or an error.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "catalog/hub.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace selvedge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto files = catalog::parse_hub_listing(text);
  if (!files.ok()) {
    SEL_CHECK(files.error().code == Code::download_failed);
    return 0;
  }
  for (const catalog::WeightsFile& file : *files) {
    SEL_CHECK(!file.path.empty() && file.path.front() != '/' && file.path != "..");
    SEL_CHECK(file.sha256.empty() || file.sha256.size() == 64);
  }
  for (const catalog::WeightsSet& set : catalog::weights_sets(*files)) {
    SEL_CHECK(!set.files.empty());
    const auto picked = catalog::pick_weights({set}, set.name(), "x");
    SEL_CHECK(!picked.ok() || picked->name() == set.name());
  }
  return 0;
}
