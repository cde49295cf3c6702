// Fuzzes `.env` files: what stands outside our block stays, and a second writing changes nothing.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cli/dotenv_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const selvedge::cli::Variables variables = {{"SELVEDGE_URL", "http://x"}, {"A", "it's $1"}};
  const auto lines = selvedge::cli::foreign_lines(text);
  const auto once = selvedge::cli::with_block(text, variables);
  SEL_CHECK(lines.ok() || !once.ok());
  if (!once.ok()) return 0;
  const auto again = selvedge::cli::with_block(*once, variables);
  SEL_CHECK(again.ok() && *again == *once);
  const auto kept = selvedge::cli::foreign_lines(*once);
  SEL_CHECK(kept.ok() && kept->size() == lines->size());
  for (std::size_t at = 0; at < kept->size(); ++at) {
    SEL_CHECK((*kept)[at].name == (*lines)[at].name && (*kept)[at].value == (*lines)[at].value);
  }
  return 0;
}
