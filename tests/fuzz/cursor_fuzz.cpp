// Fuzzes the cursors of listings: what is taken for one says the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/limits.h"
#include "vectors/listings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace vectors = selvedge::vectors;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cursor = vectors::decode_cursor(text);
  if (!cursor.ok()) return 0;
  SEL_CHECK(!cursor->after.empty() && cursor->after.size() <= selvedge::limits::id_bytes_max);
  const std::string again = vectors::encode_cursor(*cursor);
  SEL_CHECK(again.size() == text.size());
  const auto read = vectors::decode_cursor(again);
  SEL_CHECK(read.ok());
  SEL_CHECK(read->listing == cursor->listing && read->after == cursor->after);
  return 0;
}
