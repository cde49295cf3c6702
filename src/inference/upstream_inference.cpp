// Upstream inference: a blocking request a call, and a mailbox on the I/O thread for what came.
#include "inference/upstream_inference.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio.hpp>

#include "base/log.h"
#include "http/client.h"
#include "http/event_stream.h"
#include "inference/event.h"
#include "inference/upstream_messages.h"

namespace selvedge::inference {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kCallsMax = 64;
constexpr std::size_t kWaitingMax = 256;
constexpr std::size_t kAnswerBytesMax = 256u << 20;  // Of one that is no stream.
constexpr std::size_t kFailureBytesMax = 64u << 10;
constexpr milliseconds kFirstPause{200};
constexpr milliseconds kPauseMost{5'000};
constexpr milliseconds kDown{5'000};
constexpr milliseconds kEndMost{2'000};
constexpr milliseconds kEndPause{10};

bool is_good(int status) { return status >= 200 && status < 300; }

milliseconds pause_before(int attempt, std::string_view retry_after) {
  int seconds = 0;
  const auto read =
      std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds);
  milliseconds pause = kFirstPause * (1 << std::min(attempt, 10));
  if (read.ec == std::errc() && !retry_after.empty()) pause = std::chrono::seconds(seconds);
  return std::clamp(pause, milliseconds(0), kPauseMost);
}

}  // namespace

// Shared by the thread that asks and the coroutine that waits. What is not atomic belongs to the
// I/O thread.
struct UpstreamInference::Call {
  explicit Call(asio::io_context& io) : changed(io) {}

  // `ended`: with this piece comes why.
  void add(Piece piece, bool ended) {
    if (ended) reason = piece.reason;
    if (piece.usage.prompt_tokens + piece.usage.completion_tokens > 0) usage = piece.usage;
    const bool something = !piece.text.empty() || !piece.logprobs.empty() ||
                           !piece.reasoning.empty() || !piece.tool_calls.empty();
    any = any || something;
    pieces += something ? 1 : 0;
    gathered.text += piece.text;
    gathered.reasoning += piece.reasoning;
    std::ranges::move(piece.logprobs, std::back_inserter(gathered.logprobs));
    std::ranges::move(piece.tool_calls, std::back_inserter(gathered.tool_calls));
    changed.notify();
  }

  void stop() {
    {
      const std::lock_guard lock(stop_mutex);
      stopped = true;
    }
    stop_told.notify_all();
  }

  std::mutex stop_mutex;
  std::condition_variable stop_told;
  std::atomic<bool> stopped{false};
  Event changed;
  Piece gathered;      // Text and logprobs that nobody took yet; its `last` is not set.
  bool any = false;    // There is something in it.
  std::string answer;  // Of a call that is no stream.
  std::optional<Status> end;
  Usage usage;
  wire::FinishReason reason = wire::FinishReason::stop;
  std::int32_t pieces = 0;
};

// Ends the request when nobody waits for its answer any more.
struct UpstreamInference::Holder {
  explicit Holder(std::shared_ptr<Call> held) : call(std::move(held)) {}
  Holder(Holder&&) noexcept = default;
  Holder& operator=(Holder&&) = delete;
  ~Holder() {
    if (call != nullptr) call->stop();
  }

  // Until something came, or the end. Errors: cancelled.
  asio::awaitable<Status> wait() const {
    while (!call->any && !call->end) {
      co_await call->changed.wait();
      const auto cancellation = co_await asio::this_coro::cancellation_state;
      if (cancellation.cancelled() != asio::cancellation_type::none) {
        co_return Error{Code::cancelled, "the caller left"};
      }
    }
    co_return ok_status();
  }

  std::shared_ptr<Call> call;
};

class UpstreamInference::Stream final : public TokenStream {
 public:
  Stream(Holder holder, std::function<void(const Usage&)> given_up)
      : holder_(std::move(holder)), given_up_(std::move(given_up)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // Most upstreams tell what a call used at its end alone, and send each token by itself.
  ~Stream() override {
    if (!given_up_) return;
    Usage used = holder_.call->usage;
    used.completion_tokens = std::max(used.completion_tokens, holder_.call->pieces);
    given_up_(used);
  }

  asio::awaitable<Result<Piece>> next() override {
    auto waited = co_await holder_.wait();
    SEL_CO_CHECK_OK(std::move(waited));
    Call& call = *holder_.call;
    Piece piece = std::exchange(call.gathered, {});
    const bool any = std::exchange(call.any, false);
    if (!call.end) co_return piece;
    // What came before a failure is still the caller's.
    if (!call.end->ok()) {
      if (any) co_return piece;
      co_return call.end->error();
    }
    piece.last = true;
    piece.reason = call.reason;
    piece.usage = call.usage;
    co_return piece;
  }

 private:
  Holder holder_;
  std::function<void(const Usage&)> given_up_;
};

// One request on a thread of the pool, with its tries.
class UpstreamInference::Exchange {
 public:
  Exchange(asio::io_context& io, std::shared_ptr<Call> call,
           std::shared_ptr<const Upstream> upstream, std::string path, std::string body,
           bool streamed)
      : io_(io), call_(std::move(call)), upstream_(std::move(upstream)), streamed_(streamed) {
    request_.method = "POST";
    request_.url = upstream_->url + path;
    request_.body = std::move(body);
    request_.headers = {{"content-type", "application/json"}};
    request_.connect_ms_max = upstream_->connect_ms_max;
    request_.silence_ms_max = upstream_->silence_ms_max;
    request_.stopped = [stopped = &call_->stopped] { return stopped->load(); };
  }

  // Ok, or why there is no (whole) answer. `reached`: it was no connection that failed.
  Status run(bool& reached) {
    reached = true;
    SEL_CHECK_OK(add_key());
    for (int attempt = 0;; ++attempt) {
      Status outcome = once();
      reached = reached_;
      const bool again = !outcome.ok() && !begun_ && attempt + 1 < upstream_->tries &&
                         !call_->stopped && (!reached_ || worth_another_try(answered_));
      if (!again) return outcome;
      if (!rest(pause_before(attempt, retry_after_))) return outcome;
    }
  }

 private:
  Status add_key() {
    if (upstream_->key_variable.empty()) return ok_status();
    const char* key = std::getenv(upstream_->key_variable.c_str());
    if (key == nullptr || *key == '\0') {
      return Error{Code::unavailable, "the upstream of model " + upstream_->id +
                                          " needs a key: set the environment variable " +
                                          upstream_->key_variable + " for the server"};
    }
    request_.headers.emplace_back("authorization", std::string("Bearer ") + key);
    return ok_status();
  }

  Status once() {
    answered_ = 0;
    retry_after_.clear();
    collected_.clear();
    ended_ = false;
    fault_.reset();
    http::EventStream events([this](const http::ServerEvent& event) { take(event.data); });
    bool as_events = false;
    const auto on_headers = [&](const http::ClientResponse& response) {
      answered_ = response.status;
      retry_after_ = response.headers.get("retry-after");
      as_events = streamed_ && is_good(answered_) &&
                  response.headers.get("content-type").starts_with("text/event-stream");
    };
    const auto on_bytes = [&](std::string_view bytes) {
      if (as_events) {
        events.feed(bytes);
        return !fault_;
      }
      const std::size_t most = is_good(answered_) ? kAnswerBytesMax : kFailureBytesMax;
      collected_.append(bytes.substr(0, most - std::min(most, collected_.size())));
      return collected_.size() < most;
    };
    const auto sent = http::send_streaming(request_, on_headers, on_bytes);
    reached_ = sent.ok() || sent.error().code != Code::unavailable;
    if (fault_) return *fault_;
    if (answered_ != 0 && !is_good(answered_)) {
      return upstream_failure(*upstream_, answered_, collected_);
    }
    // An answer may be whole although its connection did not end well.
    if (ended_) return ok_status();
    if (!sent.ok()) return worded(sent.error());
    if (!streamed_) return hand_over();
    if (!as_events) take(collected_);
    if (fault_) return *fault_;
    if (!ended_) return broke_off();
    return ok_status();
  }

  Error broke_off() const {
    return Error{Code::unavailable,
                 "the upstream of model " + upstream_->id + " broke off in its answer"};
  }

  Error worded(const Error& error) const {
    if (error.code == Code::cancelled) return error;
    if (reached_ && error.code == Code::io) return broke_off();
    const std::string who =
        "the upstream of model " + upstream_->id + " (" + upstream_->name() + ")";
    if (error.code == Code::deadline_exceeded) {
      return Error{Code::deadline_exceeded, who + " did not answer in time"};
    }
    return Error{Code::unavailable, who + " cannot be reached"};
  }

  void take(std::string_view data) {
    if (fault_ || data.empty()) return;
    if (data == "[DONE]") {
      ended_ = true;
      return;
    }
    auto chunk = parse_upstream_chunk(data);
    if (!chunk.ok()) {
      fault_ = chunk.error();
      return;
    }
    ended_ = ended_ || chunk->ended;
    begun_ = true;
    asio::post(io_, [call = call_, piece = std::move(chunk->piece),
                     ended = chunk->ended]() mutable { call->add(std::move(piece), ended); });
  }

  Status hand_over() {
    asio::post(io_, [call = call_, answer = std::move(collected_)]() mutable {
      call->answer = std::move(answer);
    });
    return ok_status();
  }

  // False: nobody waits any more.
  bool rest(milliseconds pause) const {
    std::unique_lock lock(call_->stop_mutex);
    return !call_->stop_told.wait_for(lock, pause, [this] { return call_->stopped.load(); });
  }

  asio::io_context& io_;
  std::shared_ptr<Call> call_;
  std::shared_ptr<const Upstream> upstream_;
  const bool streamed_;
  http::ClientRequest request_;
  int answered_ = 0;      // 0: no answer began.
  bool reached_ = false;  // The last try.
  std::string retry_after_;
  std::string collected_;
  bool begun_ = false;  // Something of the answer was handed over.
  bool ended_ = false;  // It is whole.
  std::optional<Error> fault_;
};

UpstreamInference::UpstreamInference(asio::io_context& io, std::unique_ptr<Inference> inner,
                                     std::shared_ptr<const Upstreams> upstreams)
    : io_(io),
      inner_(std::move(inner)),
      upstreams_(std::move(upstreams)),
      health_(std::make_shared<std::map<std::string, Health>>()) {}

UpstreamInference::~UpstreamInference() { end_all(); }

void UpstreamInference::end_all() {
  for (const auto& each : calls_) {
    if (const auto call = each.lock()) call->stop();
  }
  if (pool_ != nullptr) pool_->join();
}

Result<UpstreamInference::Holder> UpstreamInference::begin(
    const std::shared_ptr<const Upstream>& upstream, std::string path, std::string body,
    bool streamed) {
  if (ending_) return Error{Code::unavailable, "the server is shutting down"};
  std::erase_if(calls_, [](const auto& each) { return each.expired(); });
  if (calls_.size() >= kCallsMax + kWaitingMax) {
    return Error{Code::queue_full, "too many calls of upstreams wait"};
  }
  Health& health = (*health_)[upstream->id];
  health.name = upstream->name();
  if (Clock::now() < health.down_until) {
    return Error{Code::unavailable, "the upstream of model " + upstream->id + " (" + health.name +
                                        ") could not be reached a moment ago"};
  }
  if (pool_ == nullptr) pool_ = std::make_unique<asio::thread_pool>(kCallsMax);
  const auto call = std::make_shared<Call>(io_);
  calls_.push_back(call);
  ++health.active;
  auto exchange =
      std::make_unique<Exchange>(io_, call, upstream, std::move(path), std::move(body), streamed);
  asio::post(*pool_, [&io = io_, call, exchange = std::move(exchange), health = health_,
                      id = upstream->id] {
    bool reached = false;
    Status outcome = exchange->run(reached);
    asio::post(io, [call, health, id, reached, outcome = std::move(outcome)]() mutable {
      Health& known = (*health)[id];
      --known.active;
      const bool down = !reached && !outcome.ok() && outcome.error().code != Code::cancelled;
      known.down_until = down ? Clock::now() + kDown : TimePoint();
      if (down) log::warn("upstream {} cannot be reached", known.name);
      call->end = std::move(outcome);
      call->changed.notify();
    });
  });
  return Holder(call);
}

asio::awaitable<Result<std::unique_ptr<TokenStream>>> UpstreamInference::generate(
    const catalog::Resolved& model, GenerateTask task) {
  const auto upstream = upstreams_->find(model.entry->id);
  if (upstream == nullptr) {
    auto local = co_await inner_->generate(model, std::move(task));
    co_return std::move(local);
  }
  if (!task.adapter.name.empty()) {
    co_return Error{Code::lora_unsupported, "Model " + model.entry->id +
                                                " is answered by an upstream, which takes no "
                                                "LoRA adapters"};
  }
  UpstreamBody body = upstream_body(*upstream, task);
  SEL_CO_TRY(holder, begin(upstream, std::move(body.path), std::move(body.json), true));
  std::unique_ptr<TokenStream> stream =
      std::make_unique<Stream>(std::move(holder), std::move(task.given_up));
  co_return std::move(stream);
}

asio::awaitable<Result<Embeddings>> UpstreamInference::embed(const catalog::Resolved& model,
                                                             EmbedTask task) {
  const auto upstream = upstreams_->find(model.entry->id);
  if (upstream == nullptr) {
    auto local = co_await inner_->embed(model, std::move(task));
    co_return std::move(local);
  }
  const std::size_t texts = task.texts.size();
  const std::int32_t promised = model.entry->output_dimensions;
  UpstreamBody body = upstream_body(*upstream, task);
  SEL_CO_TRY(holder, begin(upstream, std::move(body.path), std::move(body.json), false));
  auto waited = co_await holder.wait();
  SEL_CO_CHECK_OK(std::move(waited));
  if (!holder.call->end->ok()) co_return holder.call->end->error();
  co_return parse_upstream_embeddings(holder.call->answer, texts, promised);
}

asio::awaitable<Result<TokenSpans>> UpstreamInference::tokenize(const catalog::Resolved& model,
                                                                std::string text) {
  if (upstreams_->find(model.entry->id) == nullptr) {
    auto local = co_await inner_->tokenize(model, std::move(text));
    co_return std::move(local);
  }
  TokenSpans spans;
  spans.ids.assign(text.size(), 0);
  for (std::size_t at = 0; at < text.size(); ++at) {
    spans.ends.push_back(static_cast<std::uint32_t>(at + 1));
  }
  co_return std::move(spans);
}

asio::awaitable<Result<Ranks>> UpstreamInference::rank(const catalog::Resolved& model,
                                                       RankTask task) {
  if (upstreams_->find(model.entry->id) != nullptr) {
    co_return Error{
        Code::model_unsupported,
        "an upstream can neither rank nor classify texts, as model " + model.entry->id + " does"};
  }
  auto ranked = co_await inner_->rank(model, std::move(task));
  co_return std::move(ranked);
}

std::vector<RunnerStatus> UpstreamInference::status() const {
  std::vector<RunnerStatus> all = inner_->status();
  for (const auto& [id, health] : *health_) {
    RunnerStatus status;
    status.model = health.name;
    status.state = Clock::now() < health.down_until ? RunnerState::backing_off : RunnerState::ready;
    status.tasks_active = health.active;
    all.push_back(std::move(status));
  }
  return all;
}

asio::awaitable<void> UpstreamInference::shut_down() {
  ending_ = true;
  for (const auto& each : calls_) {
    if (const auto call = each.lock()) call->stop();
  }
  co_await inner_->shut_down();
  // Who reads an answer still books it: not when all that it needs is gone.
  const auto deadline = Clock::now() + kEndMost;
  asio::steady_timer pause(io_);
  const auto goes_on = [](const std::weak_ptr<Call>& call) { return !call.expired(); };
  while (std::ranges::any_of(calls_, goes_on) && Clock::now() < deadline) {
    pause.expires_after(kEndPause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

}  // namespace selvedge::inference
