// One call is under way while the next one is made ready.
#include "cli/index_transfer.h"

#include <algorithm>
#include <future>
#include <utility>

namespace selvedge::cli {
namespace {

// A refused line alone is line 1 of what was sent, which tells nothing.
std::string without_line(std::string message) {
  constexpr std::string_view kLine = " (line 1)";
  if (const std::size_t at = message.find(kLine); at != std::string::npos) {
    message.erase(at, kLine.size());
  }
  return message;
}

}  // namespace

Status LineWriter::write(const VectorLines& lines, const Place& place) {
  return write_part(lines, 0, lines.starts.size(), place);
}

// A refused call changed nothing, so its halves can be written one after the other.
Status LineWriter::write_part(const VectorLines& lines, std::size_t begin, std::size_t end,
                              const Place& place) {
  if (begin == end) return ok_status();
  auto outcome = client_.write(name_, verb_, std::string(lines.part(begin, end)));
  if (outcome.ok()) {
    written_ += end - begin;
    return ok_status();
  }
  if (outcome.error().code != Code::invalid_input) return outcome;
  if (end - begin == 1) {
    return Error{Code::invalid_input,
                 place(lines.numbers[begin]) + ": " + without_line(outcome.error().message)};
  }
  const std::size_t middle = begin + (end - begin) / 2;
  SEL_CHECK_OK(write_part(lines, begin, middle, place));
  return write_part(lines, middle, end, place);
}

Status write_source(VectorSource& source, std::size_t batch, LineWriter& writer, ProgressBar& bar) {
  VectorLines sending;
  VectorLines next;
  std::future<Status> under_way;
  const auto place = [&source](std::uint64_t number) { return source.place(number); };
  while (true) {
    const Status read = source.next(batch, kTransferBytesMax, next);
    if (under_way.valid()) SEL_CHECK_OK(under_way.get());
    SEL_CHECK_OK(read);
    bar.update(source.done(), source.total(), "importing");
    if (next.starts.empty()) return ok_status();
    std::swap(sending, next);
    under_way = std::async(std::launch::async, [&] { return writer.write(sending, place); });
  }
}

Status read_pages(VectorizeClient& client, const std::string& name,
                  std::span<const std::string> ids, bool with_values, ProgressBar& bar,
                  const PageVisit& visit) {
  const std::uint64_t total = ids.size();
  const auto start_next = [&] {
    const auto asked = ids.first(std::min(ids.size(), kTransferVectors));
    ids = ids.subspan(asked.size());
    return std::async(std::launch::async, [&client, &name, asked, with_values] {
      return client.get(name, asked, with_values);
    });
  };
  std::future<Result<VectorPage>> under_way;
  if (!ids.empty()) under_way = start_next();
  while (under_way.valid()) {
    SEL_TRY(page, under_way.get());
    const std::uint64_t done = total - ids.size();
    if (!ids.empty()) under_way = start_next();
    SEL_CHECK_OK(visit(page));
    bar.update(done, total, "reading");
  }
  return ok_status();
}

}  // namespace selvedge::cli
