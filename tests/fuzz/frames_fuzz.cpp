// Fuzzes frames between server and runner: what decodes must encode to the same bytes.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = selvedge::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto message = wire::decode(body);
  if (!message.ok()) {
    SEL_CHECK(message.error().code == selvedge::Code::corrupt_data);
    return 0;
  }
  const std::string frame = wire::encode(*message);
  const auto again = wire::decode(std::string_view(frame).substr(wire::kFrameHeaderBytes));
  SEL_CHECK(again.ok());
  SEL_CHECK(wire::encode(*again) == frame);
  return 0;
}
