// zlib's inflate behind a bounded step.
#include "http/gunzip.h"

#include <algorithm>

#include <zlib.h>

namespace selvedge::http {

struct Gunzip::State {
  z_stream stream = {};
  bool ready = false;
  bool member_ended = false;
  ~State() { inflateEnd(&stream); }
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {
  // 15 bits of window, plus 16: the gzip wrapper only.
  state_->ready = inflateInit2(&state_->stream, 15 + 16) == Z_OK;
}
Gunzip::~Gunzip() = default;
Gunzip::Gunzip(Gunzip&&) noexcept = default;
Gunzip& Gunzip::operator=(Gunzip&&) noexcept = default;

Result<std::size_t> Gunzip::step(std::string_view bytes, std::string& out,
                                 std::size_t out_bytes_max) {
  const Error damaged{Code::invalid_input, "the body is not valid gzip"};
  if (!state_->ready) return damaged;
  z_stream& stream = state_->stream;
  const auto in_bytes = static_cast<uInt>(std::min<std::size_t>(bytes.size(), 1u << 30));
  // zlib's interface predates const; it does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = in_bytes;
  const std::size_t out_before = out.size();
  while (out.size() - out_before < out_bytes_max) {
    if (state_->member_ended) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return damaged;
      state_->member_ended = false;
    }
    const std::size_t at = out.size();
    const std::size_t room = std::min<std::size_t>(64 * 1024, out_bytes_max - (at - out_before));
    out.resize(at + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.resize(at + room - stream.avail_out);
    if (result == Z_STREAM_END) {
      state_->member_ended = true;
    } else if (result == Z_BUF_ERROR || (result == Z_OK && stream.avail_out > 0)) {
      break;  // More input is needed.
    } else if (result != Z_OK) {
      return damaged;
    }
  }
  return static_cast<std::size_t>(in_bytes - stream.avail_in);
}

bool Gunzip::complete() const { return state_->member_ended; }

}  // namespace selvedge::http
