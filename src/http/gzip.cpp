// zlib's deflate in one call.
#include "http/gzip.h"

#include <zlib.h>

#include "base/check.h"

namespace selvedge::http {

std::string gzip(std::string_view bytes) {
  z_stream stream = {};
  // 15 bits of window, plus 16: the gzip wrapper.
  SEL_CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
            Z_OK);
  std::string result(deflateBound(&stream, bytes.size()), '\0');
  // zlib's interface predates const; it does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  SEL_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace selvedge::http
