// Metered inference: one account of use for each kind of task.
#include "inference/metered_inference.h"

#include <cmath>
#include <utility>

#include "inference/price.h"

namespace selvedge::inference {
namespace {

// One task on its way into the ledger.
class Booking {
 public:
  Booking(catalog::UsageLedger& ledger, Payer payer, const catalog::ModelEntry& entry)
      : ledger_(ledger), payer_(std::move(payer)), entry_(entry) {}

  const catalog::ModelEntry& entry() const { return entry_; }

  void add(catalog::ModelUse use) const {
    if (payer_.account.empty()) return;
    use.calls = 1;
    ledger_.add(payer_.account, payer_.key, entry_.id, use);
  }
  void add(const Usage& usage) const {
    catalog::ModelUse use;
    use.neurons = neurons_of(entry_, usage);
    use.input_tokens = usage.prompt_tokens;
    use.cached_tokens = usage.cached_tokens;
    use.output_tokens = usage.completion_tokens;
    add(use);
  }

 private:
  catalog::UsageLedger& ledger_;
  Payer payer_;
  const catalog::ModelEntry& entry_;
};

// Booked once: at its end, or without use when it is destroyed before.
template <class Stream>
class Metered : public Stream {
 public:
  Metered(std::unique_ptr<Stream> inner, Booking booking)
      : inner_(std::move(inner)), booking_(std::move(booking)) {}
  Metered(const Metered&) = delete;
  Metered& operator=(const Metered&) = delete;
  ~Metered() override {
    if (!booked_) booking_.add(catalog::ModelUse());
  }

 protected:
  template <class Use>
  void book(const Use& use) {
    booked_ = true;
    booking_.add(use);
  }

  std::unique_ptr<Stream> inner_;
  Booking booking_;

 private:
  bool booked_ = false;
};

class MeteredTokens final : public Metered<TokenStream> {
 public:
  using Metered::Metered;
  asio::awaitable<Result<Piece>> next() override {
    auto piece = co_await inner_->next();
    if (piece.ok() && piece->last) book(piece->usage);
    co_return std::move(piece);
  }
};

class MeteredPicture final : public Metered<DrawStream> {
 public:
  MeteredPicture(std::unique_ptr<DrawStream> inner, Booking booking, std::int32_t steps)
      : Metered(std::move(inner), std::move(booking)), steps_(steps) {}
  asio::awaitable<Result<DrawEvent>> next() override {
    auto event = co_await inner_->next();
    if (event.ok() && event->picture) {
      catalog::ModelUse use;
      use.pictures = 1;
      use.neurons = neurons_of_picture(booking_.entry(), event->picture->width,
                                       event->picture->height, steps_);
      book(use);
    }
    co_return std::move(event);
  }

 private:
  std::int32_t steps_;
};

}  // namespace

Status MeteredInference::check_budget(const Payer& payer) const {
  if (daily_neurons_max_ <= 0 || payer.account.empty()) return ok_status();
  if (ledger_.neurons_today(payer.account) < daily_neurons_max_) return ok_status();
  return Error{Code::daily_budget_used, "you have used up your daily free allocation of " +
                                            std::to_string(std::llround(daily_neurons_max_)) +
                                            " neurons"};
}

asio::awaitable<Result<std::unique_ptr<TokenStream>>> MeteredInference::generate(
    const catalog::Resolved& model, GenerateTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  Booking booking(ledger_, task.payer, *model.entry);
  auto started = co_await inner_->generate(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  std::unique_ptr<TokenStream> metered =
      std::make_unique<MeteredTokens>(std::move(stream), std::move(booking));
  co_return std::move(metered);
}

asio::awaitable<Result<Embeddings>> MeteredInference::embed(const catalog::Resolved& model,
                                                            EmbedTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  const Booking booking(ledger_, task.payer, *model.entry);
  auto embedded = co_await inner_->embed(model, std::move(task));
  if (embedded.ok()) booking.add(embedded->usage);
  co_return std::move(embedded);
}

asio::awaitable<Result<Ranks>> MeteredInference::rank(const catalog::Resolved& model,
                                                      RankTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  const Booking booking(ledger_, task.payer, *model.entry);
  auto ranked = co_await inner_->rank(model, std::move(task));
  if (ranked.ok()) booking.add(ranked->usage);
  co_return std::move(ranked);
}

asio::awaitable<Result<wire::Transcript>> MeteredInference::transcribe(
    const catalog::Resolved& model, TranscribeTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  const Booking booking(ledger_, task.payer, *model.entry);
  auto transcribed = co_await inner_->transcribe(model, std::move(task));
  if (transcribed.ok()) {
    catalog::ModelUse use;
    use.audio_s = transcribed->duration_s;
    use.neurons = neurons_of_audio(booking.entry(), use.audio_s);
    booking.add(use);
  }
  co_return std::move(transcribed);
}

asio::awaitable<Result<std::unique_ptr<DrawStream>>> MeteredInference::draw(
    const catalog::Resolved& model, DrawTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  Booking booking(ledger_, task.payer, *model.entry);
  const std::int32_t steps = task.request.steps;
  auto started = co_await inner_->draw(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  std::unique_ptr<DrawStream> metered =
      std::make_unique<MeteredPicture>(std::move(stream), std::move(booking), steps);
  co_return std::move(metered);
}

}  // namespace selvedge::inference
