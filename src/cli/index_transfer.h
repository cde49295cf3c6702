// Index transfer: vectors from files into an index, out of it, and from one server to another.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/progress_bar.h"
#include "cli/vector_source.h"
#include "cli/vectorize_client.h"

namespace selvedge::cli {

// Writes lines to one index, while the caller makes the next ones.
class LineWriter {
 public:
  // `verb` as VectorizeClient::write. `client` must outlive the writer.
  LineWriter(VectorizeClient& client, std::string name, std::string verb)
      : client_(client), name_(std::move(name)), verb_(std::move(verb)) {}

  // Writes all lines. Where the server refuses them, those before the first one at fault are
  // written, and the message begins with `place` of its number. Errors: those of
  // VectorizeClient::write.
  using Place = std::function<std::string(std::uint64_t number)>;
  Status write(const VectorLines& lines, const Place& place);

  std::uint64_t written() const { return written_; }

 private:
  Status write_part(const VectorLines& lines, std::size_t begin, std::size_t end,
                    const Place& place);

  VectorizeClient& client_;
  std::string name_;
  std::string verb_;
  std::uint64_t written_ = 0;
};

// How many vectors go into one call, and about how many bytes at most.
inline constexpr std::size_t kTransferVectors = 1'000;
inline constexpr std::size_t kTransferBytesMax = std::size_t{32} << 20;

// Writes what `source` holds in calls of `batch` vectors. Errors: those of VectorSource and
// LineWriter.
Status write_source(VectorSource& source, std::size_t batch, LineWriter& writer, ProgressBar& bar);

// Reads the vectors of `ids` page by page, the next one while `visit` has one. What was deleted
// since is left out. Errors: those of VectorizeClient::get and of `visit`.
using PageVisit = std::function<Status(const VectorPage& page)>;
Status read_pages(VectorizeClient& client, const std::string& name,
                  std::span<const std::string> ids, bool with_values, ProgressBar& bar,
                  const PageVisit& visit);

}  // namespace selvedge::cli
