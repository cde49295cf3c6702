// Fuzzes the redirection of workerd's configuration: what comes out is a message that is not
// redirected again.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/check.h"
#include "launcher/redirected_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace launcher = selvedge::launcher;
  launcher::ServerPlace place;
  place.url = "http://127.0.0.1:7358";
  place.address = "127.0.0.1:7358";
  place.account = "team";
  const auto made = launcher::redirected_config(std::as_bytes(std::span(data, size)), place);
  if (!made) return 0;
  SEL_CHECK(made->find("selvedge:relay") != std::string::npos);
  SEL_CHECK(!launcher::redirected_config(std::as_bytes(std::span(*made)), place));
  return 0;
}
