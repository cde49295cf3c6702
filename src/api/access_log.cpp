// Access log: plain answers at once, streams at their end.
#include "api/access_log.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"

namespace selvedge::api {
namespace {

using Clock = std::chrono::steady_clock;

struct Line {
  std::string method;
  std::string path;
  int status = 0;
  Clock::time_point begun;
};

void write_line(const Line& line, std::uint64_t bytes) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - line.begun);
  log::info("{} {} {} {} ms {} bytes", line.method, line.path, line.status, ms.count(), bytes);
}

// Passes the pieces on and counts their bytes.
class CountedBody final : public http::BodyStream {
 public:
  CountedBody(RequestCounts& counts, Line line, std::unique_ptr<http::BodyStream> body)
      : counts_(counts), line_(std::move(line)), body_(std::move(body)) {
    ++counts_.streams_open;
  }
  CountedBody(const CountedBody&) = delete;
  CountedBody& operator=(const CountedBody&) = delete;
  ~CountedBody() override {
    --counts_.streams_open;
    counts_.body_bytes += bytes_;
    write_line(line_, bytes_);
  }

  http::asio::awaitable<std::optional<std::string>> next() override {
    auto piece = co_await body_->next();
    if (piece) bytes_ += piece->size();
    co_return piece;
  }
  bool broken() const override { return body_->broken(); }

 private:
  RequestCounts& counts_;
  Line line_;
  std::unique_ptr<http::BodyStream> body_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::string loggable_path(std::string_view target) {
  constexpr std::size_t kShownBytes = 200;
  std::string path(target.substr(0, std::min(target.find('?'), kShownBytes)));
  for (char& c : path) {
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return path;
}

void record(RequestCounts& counts, const http::Request& request, http::Response& response,
            Clock::time_point begun) {
  const auto status_class = static_cast<std::size_t>(response.status / 100);
  if (status_class < counts.by_class.size()) ++counts.by_class[status_class];
  Line line{request.method, loggable_path(request.target), response.status, begun};
  if (response.stream) {
    response.stream =
        std::make_unique<CountedBody>(counts, std::move(line), std::move(response.stream));
    return;
  }
  counts.body_bytes += response.body.size();
  write_line(line, response.body.size());
}

}  // namespace selvedge::api
