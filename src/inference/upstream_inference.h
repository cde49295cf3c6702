// Upstream inference: tasks for ids that have an upstream go there, all others to the inner one.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "inference/inference.h"
#include "inference/upstream.h"

namespace selvedge::inference {

// A call is tried again (see Upstream::tries) while nothing of its answer came: when it cannot
// connect, and for 408, 409, 429 and 5xx, after 0.2 s, then twice as long each time, or as long as
// `Retry-After` says, up to 5 s. One that could not connect fails the others at once for 5 s.
// Of tokenize() every byte counts as a token: an upstream does not tell how it cuts.
class UpstreamInference final : public Inference {
 public:
  // `io` is run by one thread, which makes all calls, and outlives this.
  UpstreamInference(asio::io_context& io, std::unique_ptr<Inference> inner,
                    std::shared_ptr<const Upstreams> upstreams);
  ~UpstreamInference() override;

  // Errors of upstreams: unavailable (not there, a refused key, an answer that broke off),
  // queue_full, deadline_exceeded, invalid_input and context_overflow (its own words).
  asio::awaitable<Result<std::unique_ptr<TokenStream>>> generate(const catalog::Resolved& model,
                                                                 GenerateTask task) override;
  asio::awaitable<Result<Embeddings>> embed(const catalog::Resolved& model,
                                            EmbedTask task) override;
  asio::awaitable<Result<TokenSpans>> tokenize(const catalog::Resolved& model,
                                               std::string text) override;
  // Errors also: model_unsupported (upstreams do not rank).
  asio::awaitable<Result<Ranks>> rank(const catalog::Resolved& model, RankTask task) override;
  asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> transcribe(
      const catalog::Resolved& model, TranscribeTask task) override {
    return inner_->transcribe(model, std::move(task));
  }
  asio::awaitable<Result<std::unique_ptr<DrawStream>>> draw(const catalog::Resolved& model,
                                                            DrawTask task) override {
    return inner_->draw(model, std::move(task));
  }
  // Those of the inner one, and one for each upstream that was asked.
  std::vector<RunnerStatus> status() const override;
  asio::awaitable<void> shut_down() override;

 private:
  struct Call;
  struct Holder;
  class Stream;
  class Exchange;
  using TimePoint = std::chrono::steady_clock::time_point;
  // What is known of an upstream. I/O thread only.
  struct Health {
    std::string name;
    std::size_t active = 0;
    TimePoint down_until{};
  };

  Result<Holder> begin(const std::shared_ptr<const Upstream>& upstream, std::string path,
                       std::string body, bool streamed);
  void end_all();

  asio::io_context& io_;
  const std::unique_ptr<Inference> inner_;
  const std::shared_ptr<const Upstreams> upstreams_;
  std::vector<std::weak_ptr<Call>> calls_;
  bool ending_ = false;
  std::shared_ptr<std::map<std::string, Health>> health_;  // By id; shared with calls under way.
  std::unique_ptr<asio::thread_pool> pool_;  // Each call has a thread of it; made by the first one.
};

}  // namespace selvedge::inference
