// Fuzzes answers in recordings: what is read writes the same answer again, anything else is
// refused.
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "inference/recorded_call.h"

namespace {

namespace inference = selvedge::inference;
using nlohmann::json;

constexpr std::size_t kRows = 2;
constexpr std::size_t kTextBytes = 16;

// `read` gives a Result of what `write` takes. An error that was recorded is an answer, too.
template <class Read, class Write>
void check(const json& answer, Read read, Write write) {
  const auto first = read(answer);
  if (!first.ok()) return;
  const json written = json::parse(write(*first).dump());
  const auto again = read(written);
  SEL_CHECK(again.ok());
  SEL_CHECK(write(*again) == write(*first));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const json answer = json::parse(text, nullptr, false);
  if (answer.is_discarded()) return 0;
  check(answer, inference::generated_from,
        [](const inference::Generated& each) { return inference::answer_json(each); });
  check(
      answer, [](const json& each) { return inference::embeddings_from(each, kRows); },
      [](const inference::Embeddings& each) { return inference::answer_json(each, kRows); });
  check(
      answer, [](const json& each) { return inference::tokens_from(each, kTextBytes); },
      [](const inference::TokenSpans& each) { return inference::answer_json(each); });
  check(answer, inference::transcribed_from,
        [](const inference::Worked<selvedge::wire::Transcript>& each) {
          return inference::answer_json(each);
        });
  check(answer, inference::drawn_from, [](const inference::Worked<selvedge::wire::Picture>& each) {
    return inference::answer_json(each);
  });
  return 0;
}
