// Replay inference: answers from recordings; no model, no runner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "inference/inference.h"
#include "inference/recording_folder.h"

namespace selvedge::inference {

// The first of several equal calls gets the recording with the lowest number, the second the next,
// and after the last it begins anew. A stream has the parts that were recorded, at once. A
// call that was not recorded fails with not_found, in words that say how to record it; a damaged
// recording with corrupt_data.
class ReplayInference final : public Inference {
 public:
  // Blocking work goes to `pool`, which outlives this.
  ReplayInference(std::shared_ptr<RecordingFolder> folder, asio::thread_pool& pool);

  asio::awaitable<Result<std::unique_ptr<TokenStream>>> generate(const catalog::Resolved& model,
                                                                 GenerateTask task) override;
  asio::awaitable<Result<Embeddings>> embed(const catalog::Resolved& model,
                                            EmbedTask task) override;
  asio::awaitable<Result<TokenSpans>> tokenize(const catalog::Resolved& model,
                                               std::string text) override;
  asio::awaitable<Result<Ranks>> rank(const catalog::Resolved& model, RankTask task) override;
  asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> transcribe(
      const catalog::Resolved& model, TranscribeTask task) override;
  asio::awaitable<Result<std::unique_ptr<DrawStream>>> draw(const catalog::Resolved& model,
                                                            DrawTask task) override;
  std::vector<RunnerStatus> status() const override { return {}; }
  asio::awaitable<void> shut_down() override { co_return; }

 private:
  // Which recording answers this call. Errors: not_found.
  Result<std::uint32_t> number_for(const AskedCall& call);

  const std::shared_ptr<RecordingFolder> folder_;
  asio::thread_pool& pool_;
  std::unordered_map<std::string, std::size_t> asked_;  // How often, by name.
};

}  // namespace selvedge::inference
