// Work events: a task that takes long as server-sent events: how far it is, then what came of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/sse.h"
#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

// "event: progress" with {"<done>":1,"<total>":20} for each step, then the last events.
template <class Outcome>
class WorkEvents final : public EventSource {
 public:
  struct Way {
    const char* done;  // "step"; names in the JSON of progress.
    const char* total;
    // Makes the last events of what came of it, with [DONE].
    std::function<asio::awaitable<Result<std::string>>(Outcome)> last;
    std::function<std::string(const Error&)> error_json;  // The door's form of an error.
  };

  WorkEvents(std::unique_ptr<inference::WorkStream<Outcome>> stream, Way way)
      : stream_(std::move(stream)), way_(std::move(way)) {}

  asio::awaitable<Result<std::optional<std::string>>> next() override {
    if (ended_) co_return std::optional<std::string>();
    auto got = co_await stream_->next();
    SEL_CO_TRY(event, std::move(got));
    if (!event.outcome) {
      std::string text = "event: progress\n";
      text += sse_event("{\"" + std::string(way_.done) + "\":" + std::to_string(event.done) +
                        ",\"" + way_.total + "\":" + std::to_string(event.total) + "}");
      co_return std::optional<std::string>(std::move(text));
    }
    ended_ = true;
    auto made = co_await way_.last(*std::move(event.outcome));
    SEL_CO_TRY(last, std::move(made));
    co_return std::optional<std::string>(std::move(last));
  }

  std::string error_event(const Error& error) override { return sse_event(way_.error_json(error)); }

 private:
  std::unique_ptr<inference::WorkStream<Outcome>> stream_;
  Way way_;
  bool ended_ = false;
};

}  // namespace selvedge::api
