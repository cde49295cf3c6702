// Metered inference: books what tasks used to whoever asked, and refuses those whose day is spent.
#pragma once

#include <memory>

#include "catalog/usage_ledger.h"
#include "inference/inference.h"

namespace selvedge::inference {

// Every task goes to `inner`. What it used is added to the ledger when it is done; of a stream that
// is given up before its end what the runner had read and written, once it says so. A picture that
// is given up is a call without use. Tasks without a payer are not booked, nor is tokenize().
class MeteredInference final : public Inference {
 public:
  // `ledger` outlives this. `daily_neurons_max`: what an account may use between two midnights
  // (UTC); 0 = as much as it likes. A task that begins within it is finished.
  MeteredInference(std::unique_ptr<Inference> inner, catalog::UsageLedger& ledger,
                   double daily_neurons_max)
      : inner_(std::move(inner)), ledger_(ledger), daily_neurons_max_(daily_neurons_max) {}

  // Errors also, of all: daily_budget_used.
  asio::awaitable<Result<std::unique_ptr<TokenStream>>> generate(const catalog::Resolved& model,
                                                                 GenerateTask task) override;
  asio::awaitable<Result<Embeddings>> embed(const catalog::Resolved& model,
                                            EmbedTask task) override;
  asio::awaitable<Result<TokenSpans>> tokenize(const catalog::Resolved& model,
                                               std::string text) override {
    return inner_->tokenize(model, std::move(text));
  }
  asio::awaitable<Result<Ranks>> rank(const catalog::Resolved& model, RankTask task) override;
  asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> transcribe(
      const catalog::Resolved& model, TranscribeTask task) override;
  asio::awaitable<Result<std::unique_ptr<DrawStream>>> draw(const catalog::Resolved& model,
                                                            DrawTask task) override;
  std::vector<RunnerStatus> status() const override { return inner_->status(); }
  asio::awaitable<void> shut_down() override { return inner_->shut_down(); }

 private:
  Status check_budget(const Payer& payer) const;

  const std::unique_ptr<Inference> inner_;
  catalog::UsageLedger& ledger_;
  const double daily_neurons_max_;
};

}  // namespace selvedge::inference
