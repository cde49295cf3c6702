// Replay inference: files are read and checked on the pool.
#include "inference/replay_inference.h"

#include <type_traits>
#include <utility>

#include "base/offload.h"

namespace selvedge::inference {
namespace {

class ReplayedStream final : public TokenStream {
 public:
  explicit ReplayedStream(Generated generated) : generated_(std::move(generated)) {}

  asio::awaitable<Result<Piece>> next() override {
    if (at_ < generated_.pieces.size()) co_return std::move(generated_.pieces[at_++]);
    co_return generated_.error.value_or(Error{Code::internal, "read past the last piece"});
  }

 private:
  Generated generated_;
  std::size_t at_ = 0;
};

template <class Outcome>
class ReplayedWork final : public WorkStream<Outcome> {
 public:
  explicit ReplayedWork(Worked<Outcome> worked) : worked_(std::move(worked)) {}

  asio::awaitable<Result<WorkEvent<Outcome>>> next() override {
    WorkEvent<Outcome> event;
    if (at_ < worked_.steps.size()) {
      const auto& step = worked_.steps[at_++];
      event.done = step.done;
      event.total = step.total;
      co_return std::move(event);
    }
    if (worked_.error) co_return *worked_.error;
    event.outcome = std::move(worked_.outcome);
    co_return std::move(event);
  }

 private:
  Worked<Outcome> worked_;
  std::size_t at_ = 0;
};

// Reads the recording and makes of its answer what `parse` makes.
template <class Parse>
auto read_answer(asio::thread_pool& pool, std::shared_ptr<RecordingFolder> folder, AskedCall call,
                 std::uint32_t number, Parse parse)
    -> asio::awaitable<std::invoke_result_t<Parse&, const nlohmann::json&>> {
  using Parsed = std::invoke_result_t<Parse&, const nlohmann::json&>;
  auto work = [folder = std::move(folder), call = std::move(call), number,
               parse = std::move(parse)]() -> Parsed {
    SEL_TRY(answer, folder->read(call, number));
    Parsed parsed = parse(answer);
    if (!parsed.ok() && parsed.error().code == Code::corrupt_data) {
      return Error{Code::corrupt_data, "the recording " + call.name() + " in " +
                                           folder->path().string() + ": " + parsed.error().message};
    }
    return parsed;
  };
  auto parsed = co_await offload(pool, std::move(work));
  co_return std::move(parsed);
}

}  // namespace

ReplayInference::ReplayInference(std::shared_ptr<RecordingFolder> folder, asio::thread_pool& pool)
    : folder_(std::move(folder)), pool_(pool) {}

Result<std::uint32_t> ReplayInference::number_for(const AskedCall& call) {
  const std::string name = call.name();
  const std::vector<std::uint32_t> numbers = folder_->numbers(name);
  if (!numbers.empty()) return numbers[asked_[name]++ % numbers.size()];
  const std::string folder = folder_->path().string();
  return Error{Code::not_found, "this call of model \"" + call.model + "\" is not recorded in " +
                                    folder + " (" + name + "): start the server with --record " +
                                    folder + " and make the call once"};
}

asio::awaitable<Result<std::unique_ptr<TokenStream>>> ReplayInference::generate(
    const catalog::Resolved& model, GenerateTask task) {
  AskedCall call = asked_call(model, task);
  SEL_CO_TRY(number, number_for(call));
  auto parse = [](const nlohmann::json& answer) { return generated_from(answer); };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  SEL_CO_TRY(generated, std::move(read));
  if (generated.pieces.empty()) co_return std::move(*generated.error);
  std::unique_ptr<TokenStream> stream = std::make_unique<ReplayedStream>(std::move(generated));
  co_return std::move(stream);
}

asio::awaitable<Result<Embeddings>> ReplayInference::embed(const catalog::Resolved& model,
                                                           EmbedTask task) {
  AskedCall call = asked_call(model, task);
  SEL_CO_TRY(number, number_for(call));
  auto parse = [rows = task.texts.size()](const nlohmann::json& answer) {
    return embeddings_from(answer, rows);
  };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  co_return std::move(read);
}

asio::awaitable<Result<TokenSpans>> ReplayInference::tokenize(const catalog::Resolved& model,
                                                              std::string text) {
  AskedCall call = asked_call(model, text);
  SEL_CO_TRY(number, number_for(call));
  auto parse = [bytes = text.size()](const nlohmann::json& answer) {
    return tokens_from(answer, bytes);
  };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  co_return std::move(read);
}

asio::awaitable<Result<Ranks>> ReplayInference::rank(const catalog::Resolved& model,
                                                     RankTask task) {
  AskedCall call = asked_call(model, task);
  SEL_CO_TRY(number, number_for(call));
  auto parse = [rows = task.texts.size()](const nlohmann::json& answer) {
    return ranks_from(answer, rows);
  };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  co_return std::move(read);
}

asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> ReplayInference::transcribe(
    const catalog::Resolved& model, TranscribeTask task) {
  auto name = [&] { return asked_call(model, task.request); };
  AskedCall call = co_await offload(pool_, std::move(name));
  SEL_CO_TRY(number, number_for(call));
  auto parse = [](const nlohmann::json& answer) { return transcribed_from(answer); };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  SEL_CO_TRY(transcribed, std::move(read));
  std::unique_ptr<TranscribeStream> stream =
      std::make_unique<ReplayedWork<wire::Transcript>>(std::move(transcribed));
  co_return std::move(stream);
}

asio::awaitable<Result<std::unique_ptr<DrawStream>>> ReplayInference::draw(
    const catalog::Resolved& model, DrawTask task) {
  auto name = [&] { return asked_call(model, task.request); };
  AskedCall call = co_await offload(pool_, std::move(name));
  SEL_CO_TRY(number, number_for(call));
  auto parse = [](const nlohmann::json& answer) { return drawn_from(answer); };
  auto read = co_await read_answer(pool_, folder_, std::move(call), number, std::move(parse));
  SEL_CO_TRY(drawn, std::move(read));
  std::unique_ptr<DrawStream> stream =
      std::make_unique<ReplayedWork<wire::Picture>>(std::move(drawn));
  co_return std::move(stream);
}

}  // namespace selvedge::inference
