// Recording inference: writes down what another inference answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "inference/inference.h"
#include "inference/recording_folder.h"

namespace selvedge::inference {

// Makes the JSON of an answer; called on the pool.
using MakeAnswer = std::function<nlohmann::json()>;

// Every call goes to `inner`. A generation is written when its last piece has come, before that
// piece is passed on; one that is given up is not. So are transcripts and pictures, with how far
// they said they were. Of these equal ones get numbers in the order in which they began, up to
// kEqualMax; embeddings, ranks and tokens, which a model gives always alike, are written once. A
// recording that cannot be written fails the call with io.
class RecordingInference final : public Inference {
 public:
  static constexpr std::uint32_t kEqualMax = 100;

  // Blocking work goes to `pool`, which outlives this.
  RecordingInference(std::unique_ptr<Inference> inner, std::shared_ptr<RecordingFolder> folder,
                     asio::thread_pool& pool);

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
  std::vector<RunnerStatus> status() const override { return inner_->status(); }
  asio::awaitable<void> shut_down() override { return inner_->shut_down(); }

 private:
  // The number of one more call like this; 0 = there are enough.
  std::uint32_t begin(const AskedCall& call);
  template <class Outcome>
  std::unique_ptr<WorkStream<Outcome>> recorded(std::unique_ptr<WorkStream<Outcome>> stream,
                                                AskedCall call);
  asio::awaitable<Status> write(AskedCall call, std::uint32_t number, MakeAnswer make);
  // Once for each name.
  asio::awaitable<Status> write_once(AskedCall call, MakeAnswer make);

  const std::unique_ptr<Inference> inner_;
  const std::shared_ptr<RecordingFolder> folder_;
  asio::thread_pool& pool_;
  std::unordered_map<std::string, std::uint32_t> begun_;  // By name; of those with numbers.
  std::unordered_set<std::string> written_;               // Of the others.
};

}  // namespace selvedge::inference
