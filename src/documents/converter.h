// Converter: makes Markdown of files, each in a process of its own that may crash or hang.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/result.h"
#include "documents/conversion.h"

namespace selvedge::documents {

namespace asio = boost::asio;

class Converter {
 public:
  // `program` is selvedge-converter; it may be missing, which each call then says. At most
  // `at_once` of them run side by side.
  Converter(std::filesystem::path program, std::size_t at_once);
  // Ends what runs. No call may be under way any more.
  ~Converter();
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // The Markdown of one file, at most kMarkdownBytesMax. On the I/O thread only. Errors:
  // file_invalid (the file's fault, in words for people), deadline_exceeded, queue_full (too many
  // wait), model_crashed (the converter died of it), unavailable (no converter, or the server
  // ends), io.
  asio::awaitable<Result<std::string>> convert(Conversion conversion);

  // Kills the converters that run; theirs and all later calls fail. Thread-safe.
  void stop();

 private:
  const std::filesystem::path program_;
  int stopped_;  // An eventfd, readable for good once stop() was called.
  std::size_t waiting_ = 0;
  asio::thread_pool pool_;
};

}  // namespace selvedge::documents
