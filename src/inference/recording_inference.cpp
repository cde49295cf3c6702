// Recording inference: a stream that remembers its pieces.
#include "inference/recording_inference.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "base/offload.h"

namespace selvedge::inference {
namespace {

// Of a call whose answer is to be recorded when it is there.
struct PendingRecord {
  std::shared_ptr<RecordingFolder> folder;
  asio::thread_pool& pool;  // Outlives this.
  AskedCall call;
  std::uint32_t number;
};

// Makes the JSON there, too: of a hundred vectors it takes a while.
asio::awaitable<Status> write_off_thread(PendingRecord record, MakeAnswer make) {
  asio::thread_pool& pool = record.pool;
  auto work = [record = std::move(record), make = std::move(make)] {
    return record.folder->write(record.call, record.number, make());
  };
  auto written = co_await offload(pool, std::move(work));
  co_return std::move(written);
}

class RecordingStream final : public TokenStream {
 public:
  RecordingStream(std::unique_ptr<TokenStream> inner, PendingRecord record)
      : inner_(std::move(inner)), record_(std::move(record)) {}

  asio::awaitable<Result<Piece>> next() override {
    auto piece = co_await inner_->next();
    bool whole = false;
    if (piece.ok()) {
      generated_.pieces.push_back(*piece);
      whole = piece->last && piece->reason != wire::FinishReason::cancelled;
    } else if (is_recordable(piece.error().code)) {
      generated_.error = piece.error();
      whole = true;
    }
    if (!whole) co_return std::move(piece);
    MakeAnswer make = [generated = std::move(generated_)] { return answer_json(generated); };
    auto written = co_await write_off_thread(std::move(record_), std::move(make));
    if (!written.ok()) co_return std::move(written.error());
    co_return std::move(piece);
  }

 private:
  std::unique_ptr<TokenStream> inner_;
  PendingRecord record_;
  Generated generated_;
};

template <class Outcome>
class RecordingWork final : public WorkStream<Outcome> {
 public:
  RecordingWork(std::unique_ptr<WorkStream<Outcome>> inner, PendingRecord record)
      : inner_(std::move(inner)), record_(std::move(record)) {}

  asio::awaitable<Result<WorkEvent<Outcome>>> next() override {
    auto event = co_await inner_->next();
    if (event.ok() && !event->outcome) {
      worked_.steps.push_back({event->done, event->total});
      co_return std::move(event);
    }
    if (!event.ok() && !is_recordable(event.error().code)) co_return std::move(event);
    if (event.ok()) {
      worked_.outcome = event->outcome;
    } else {
      worked_.error = event.error();
    }
    MakeAnswer make = [worked = std::move(worked_)] { return answer_json(worked); };
    auto written = co_await write_off_thread(std::move(record_), std::move(make));
    if (!written.ok()) co_return std::move(written.error());
    co_return std::move(event);
  }

 private:
  std::unique_ptr<WorkStream<Outcome>> inner_;
  PendingRecord record_;
  Worked<Outcome> worked_;
};

}  // namespace

RecordingInference::RecordingInference(std::unique_ptr<Inference> inner,
                                       std::shared_ptr<RecordingFolder> folder,
                                       asio::thread_pool& pool)
    : inner_(std::move(inner)), folder_(std::move(folder)), pool_(pool) {}

asio::awaitable<Result<std::unique_ptr<TokenStream>>> RecordingInference::generate(
    const catalog::Resolved& model, GenerateTask task) {
  AskedCall call = asked_call(model, task);
  const std::uint32_t number = begin(call);
  auto started = co_await inner_->generate(model, std::move(task));
  if (!started.ok()) {
    if (is_recordable(started.error().code) && number > 0) {
      MakeAnswer make = [error = started.error()] { return answer_json(error); };
      auto written = co_await write(std::move(call), number, std::move(make));
      SEL_CO_CHECK_OK(std::move(written));
    }
    co_return std::move(started);
  }
  if (number == 0) co_return std::move(started);
  PendingRecord record{folder_, pool_, std::move(call), number};
  std::unique_ptr<TokenStream> stream =
      std::make_unique<RecordingStream>(std::move(started).value(), std::move(record));
  co_return std::move(stream);
}

asio::awaitable<Result<Embeddings>> RecordingInference::embed(const catalog::Resolved& model,
                                                              EmbedTask task) {
  AskedCall call = asked_call(model, task);
  const std::size_t rows = task.texts.size();
  auto embedded = co_await inner_->embed(model, std::move(task));
  if (!embedded.ok() && !is_recordable(embedded.error().code)) co_return std::move(embedded);
  MakeAnswer make = [&embedded, rows] {
    return embedded.ok() ? answer_json(*embedded, rows) : answer_json(embedded.error());
  };
  auto written = co_await write_once(std::move(call), std::move(make));
  SEL_CO_CHECK_OK(std::move(written));
  co_return std::move(embedded);
}

asio::awaitable<Result<TokenSpans>> RecordingInference::tokenize(const catalog::Resolved& model,
                                                                 std::string text) {
  AskedCall call = asked_call(model, text);
  auto cut = co_await inner_->tokenize(model, std::move(text));
  if (!cut.ok() && !is_recordable(cut.error().code)) co_return std::move(cut);
  MakeAnswer make = [&cut] { return cut.ok() ? answer_json(*cut) : answer_json(cut.error()); };
  auto written = co_await write_once(std::move(call), std::move(make));
  SEL_CO_CHECK_OK(std::move(written));
  co_return std::move(cut);
}

asio::awaitable<Status> RecordingInference::write(AskedCall call, std::uint32_t number,
                                                  MakeAnswer make) {
  PendingRecord record{folder_, pool_, std::move(call), number};
  auto written = co_await write_off_thread(std::move(record), std::move(make));
  co_return std::move(written);
}

asio::awaitable<Status> RecordingInference::write_once(AskedCall call, MakeAnswer make) {
  const std::string name = call.name();
  if (!written_.insert(name).second) co_return ok_status();
  auto written = co_await write(std::move(call), 1, std::move(make));
  if (!written.ok()) written_.erase(name);
  co_return std::move(written);
}

asio::awaitable<Result<Ranks>> RecordingInference::rank(const catalog::Resolved& model,
                                                        RankTask task) {
  AskedCall call = asked_call(model, task);
  auto ranked = co_await inner_->rank(model, std::move(task));
  if (!ranked.ok() && !is_recordable(ranked.error().code)) co_return std::move(ranked);
  MakeAnswer make = [&ranked] {
    return ranked.ok() ? answer_json(*ranked) : answer_json(ranked.error());
  };
  auto written = co_await write_once(std::move(call), std::move(make));
  SEL_CO_CHECK_OK(std::move(written));
  co_return std::move(ranked);
}

std::uint32_t RecordingInference::begin(const AskedCall& call) {
  const std::string name = call.name();
  const std::uint32_t number = ++begun_[name];
  if (number == kEqualMax + 1) log::warn("{} is recorded {} times; no more", name, kEqualMax);
  return number <= kEqualMax ? number : 0;
}

template <class Outcome>
std::unique_ptr<WorkStream<Outcome>> RecordingInference::recorded(
    std::unique_ptr<WorkStream<Outcome>> stream, AskedCall call) {
  const std::uint32_t number = begin(call);
  if (number == 0) return stream;
  PendingRecord record{folder_, pool_, std::move(call), number};
  return std::make_unique<RecordingWork<Outcome>>(std::move(stream), std::move(record));
}

asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> RecordingInference::transcribe(
    const catalog::Resolved& model, TranscribeTask task) {
  auto name = [&] { return asked_call(model, task.request); };
  AskedCall call = co_await offload(pool_, std::move(name));
  auto started = co_await inner_->transcribe(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  co_return recorded(std::move(stream), std::move(call));
}

asio::awaitable<Result<std::unique_ptr<DrawStream>>> RecordingInference::draw(
    const catalog::Resolved& model, DrawTask task) {
  auto name = [&] { return asked_call(model, task.request); };
  AskedCall call = co_await offload(pool_, std::move(name));
  auto started = co_await inner_->draw(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  co_return recorded(std::move(stream), std::move(call));
}

}  // namespace selvedge::inference
