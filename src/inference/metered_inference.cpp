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

// A generation, booked once: at its end, or with what it used until it was given up, or, when
// nobody tells that any more, without use.
class GenerationBooking {
 public:
  GenerationBooking(Booking booking, std::optional<std::int32_t> prompt_tokens_told)
      : booking_(std::move(booking)), prompt_tokens_told_(prompt_tokens_told) {}
  GenerationBooking(const GenerationBooking&) = delete;
  GenerationBooking& operator=(const GenerationBooking&) = delete;
  ~GenerationBooking() {
    if (began_) book(Usage());
  }

  void begin() { began_ = true; }
  // Of what the weights used, what the caller is told.
  Usage told(Usage usage) const {
    if (prompt_tokens_told_) usage = {*prompt_tokens_told_, 0, usage.completion_tokens};
    return usage;
  }
  void book(const Usage& usage) {
    if (!std::exchange(booked_, true)) booking_.add(usage);
  }

 private:
  Booking booking_;
  std::optional<std::int32_t> prompt_tokens_told_;
  bool began_ = false;
  bool booked_ = false;
};

class MeteredTokens final : public TokenStream {
 public:
  MeteredTokens(std::unique_ptr<TokenStream> inner, std::shared_ptr<GenerationBooking> booking)
      : inner_(std::move(inner)), booking_(std::move(booking)) {}
  asio::awaitable<Result<Piece>> next() override {
    auto piece = co_await inner_->next();
    if (piece.ok() && piece->last) {
      piece->usage = booking_->told(piece->usage);
      booking_->book(piece->usage);
    }
    co_return std::move(piece);
  }

 private:
  std::unique_ptr<TokenStream> inner_;
  std::shared_ptr<GenerationBooking> booking_;
};

// Booked once: at its end, or without use when it is destroyed before: what is not finished costs
// nothing. `use_of` tells the use of an outcome.
template <class Outcome, class UseOf>
class MeteredWork final : public WorkStream<Outcome> {
 public:
  MeteredWork(std::unique_ptr<WorkStream<Outcome>> inner, Booking booking, UseOf use_of)
      : inner_(std::move(inner)), booking_(std::move(booking)), use_of_(std::move(use_of)) {}
  MeteredWork(const MeteredWork&) = delete;
  MeteredWork& operator=(const MeteredWork&) = delete;
  ~MeteredWork() override {
    if (!booked_) booking_.add(catalog::ModelUse());
  }
  asio::awaitable<Result<WorkEvent<Outcome>>> next() override {
    auto event = co_await inner_->next();
    if (event.ok() && event->outcome) {
      booked_ = true;
      booking_.add(use_of_(*event->outcome));
    }
    co_return std::move(event);
  }

 private:
  std::unique_ptr<WorkStream<Outcome>> inner_;
  Booking booking_;
  UseOf use_of_;
  bool booked_ = false;
};

template <class Outcome, class UseOf>
std::unique_ptr<WorkStream<Outcome>> metered(std::unique_ptr<WorkStream<Outcome>> inner,
                                             Booking booking, UseOf use_of) {
  return std::make_unique<MeteredWork<Outcome, UseOf>>(std::move(inner), std::move(booking),
                                                       std::move(use_of));
}

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
  const auto booking = std::make_shared<GenerationBooking>(
      Booking(ledger_, task.payer, *model.entry), task.prompt_tokens_told);
  task.given_up = [booking](const Usage& used) { booking->book(booking->told(used)); };
  auto started = co_await inner_->generate(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  booking->begin();
  std::unique_ptr<TokenStream> metered =
      std::make_unique<MeteredTokens>(std::move(stream), booking);
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

asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> MeteredInference::transcribe(
    const catalog::Resolved& model, TranscribeTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  Booking booking(ledger_, task.payer, *model.entry);
  auto started = co_await inner_->transcribe(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  const auto use_of = [&entry = *model.entry](const wire::Transcript& transcript) {
    catalog::ModelUse use;
    use.audio_s = transcript.duration_s;
    use.neurons = neurons_of_audio(entry, use.audio_s);
    return use;
  };
  co_return metered(std::move(stream), std::move(booking), use_of);
}

asio::awaitable<Result<std::unique_ptr<DrawStream>>> MeteredInference::draw(
    const catalog::Resolved& model, DrawTask task) {
  SEL_CO_CHECK_OK(check_budget(task.payer));
  Booking booking(ledger_, task.payer, *model.entry);
  const std::int32_t steps = task.request.steps;
  auto started = co_await inner_->draw(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  const auto use_of = [&entry = *model.entry, steps](const wire::Picture& picture) {
    catalog::ModelUse use;
    use.pictures = 1;
    use.neurons = neurons_of_picture(entry, picture, steps);
    return use;
  };
  co_return metered(std::move(stream), std::move(booking), use_of);
}

}  // namespace selvedge::inference
