// Fuzzes the reader of server-sent events: the portions in which bytes come must not matter.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "http/event_stream.h"

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

Events read(std::string_view bytes, std::size_t portion) {
  Events events;
  selvedge::http::EventStream stream([&events](const selvedge::http::ServerEvent& event) {
    events.emplace_back(event.event, event.data);
  });
  for (std::size_t at = 0; at < bytes.size(); at += portion) stream.feed(bytes.substr(at, portion));
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t portion = 1 + data[0] % 7;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  SEL_CHECK(read(bytes, bytes.size()) == read(bytes, portion));
  return 0;
}
