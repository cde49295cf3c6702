// Gunzip: gzip bytes in, plain bytes out, in bounded steps.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::http {

// A running decoder. Members that follow each other are one text, as in gzip files.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(Gunzip&&) noexcept;
  Gunzip& operator=(Gunzip&&) noexcept;

  // Decodes from the front of `bytes` onto `out`, at most `out_bytes_max` bytes; returns how many
  // of `bytes` it took. It is done with `bytes` when all are taken and fewer than `out_bytes_max`
  // came out. Errors: invalid_input (not gzip, or damaged).
  Result<std::size_t> step(std::string_view bytes, std::string& out, std::size_t out_bytes_max);

  // True when the last member is whole.
  bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace selvedge::http
