// The bot: check, embed, store or retrieve, answer.
#include "rag/bot.h"

#include <algorithm>

#include <boost/asio.hpp>

#include "base/limits.h"
#include "base/offload.h"
#include "base/until.h"
#include "base/utf8.h"
#include "rag/answer.h"
#include "rag/chunk.h"
#include "rag/document_chunk.h"
#include "rag/document_turns.h"
#include "rag/knowledge.h"
#include "rag/prompt.h"
#include "rag/quoter.h"

namespace selvedge::rag {
namespace {

// Chunks of one embedding call: few, so that questions get their turn while a long text is added.
constexpr std::size_t kChunksPerCall = 8;
constexpr std::int32_t kDimensionsDefault = 768;
// For text models whose catalogue entry has no window.
constexpr std::int32_t kContextTokensDefault = 4'096;
// Chat template, control tokens, and what the count of parts differs from the count of the whole.
constexpr std::int32_t kTemplateTokens = 64;

Status check_text(std::string_view name, std::string_view text) {
  const std::string field(name);
  if (!utf8::valid(text)) return Error{Code::invalid_input, field + ": must be UTF-8"};
  const std::vector<Character> all = characters(text);
  if (std::all_of(all.begin(), all.end(), [](const Character& c) { return is_space(c.code); })) {
    return Error{Code::invalid_input, field + ": must not be empty"};
  }
  return ok_status();
}

Status check_question(std::string_view question) {
  // Before it is looked at: four bytes a character at most.
  const bool short_enough = question.size() <= limits::question_chars_max ||
                            (question.size() <= 4 * limits::question_chars_max &&
                             characters(question).size() <= limits::question_chars_max);
  if (!short_enough) {
    return Error{Code::invalid_input, "question: must have at most " +
                                          std::to_string(limits::question_chars_max) +
                                          " characters"};
  }
  return check_text("question", question);
}

// Who will answer: the mode, and the text model when it takes one.
struct Way {
  AnswerMode mode = AnswerMode::quote;
  std::optional<catalog::Resolved> text_model;
};

class KnowledgeBot final : public Bot {
 public:
  KnowledgeBot(BotOptions options, const catalog::Catalog& catalog, inference::Inference& inference,
               vectors::Store& store, asio::thread_pool& pool)
      : options_(std::move(options)),
        catalog_(catalog),
        inference_(inference),
        store_(store),
        pool_(pool),
        quoter_(inference) {}

  const BotOptions& options() const override { return options_; }

  asio::awaitable<Result<bool>> prepare_index() override;
  asio::awaitable<Result<std::string>> add(std::string text,
                                           std::optional<std::string> id) override;
  asio::awaitable<Status> remove(std::string id) override;
  asio::awaitable<Result<KnowledgePage>> list(std::string after, std::size_t count) override;
  asio::awaitable<Result<std::unique_ptr<Answer>>> chat(std::string question,
                                                        std::optional<AnswerMode> mode) override;

 private:
  using IndexPointer = std::shared_ptr<vectors::Index>;

  asio::awaitable<Result<IndexPointer>> find_index();
  asio::awaitable<Result<std::vector<std::string>>> chunks_of(const catalog::Resolved& model,
                                                              std::string text);
  asio::awaitable<Result<std::vector<float>>> embed_chunks(const catalog::Resolved& model,
                                                           const std::vector<std::string>& chunks);
  asio::awaitable<Result<std::vector<Passage>>> search(const std::vector<float>& vector);
  asio::awaitable<Result<std::size_t>> count_that_fits(const catalog::Resolved& model,
                                                       const std::string& question,
                                                       const std::vector<Passage>& passages);
  asio::awaitable<Result<std::unique_ptr<Answer>>> generate(const catalog::Resolved& model,
                                                            const std::string& question,
                                                            AnswerSource source);
  Result<Way> way_for(AnswerMode mode) const;
  inference::Payer payer() const { return {options_.account, "bot"}; }
  void book(const vectors::Index& index, std::int64_t queries) const;

  BotOptions options_;
  const catalog::Catalog& catalog_;
  inference::Inference& inference_;
  vectors::Store& store_;
  asio::thread_pool& pool_;
  Quoter quoter_;
  DocumentTurns turns_;
};

asio::awaitable<Result<KnowledgeBot::IndexPointer>> KnowledgeBot::find_index() {
  // Not in the pool, whose few threads are everybody's.
  co_await until([this] { return store_.ready(options_.account, options_.index); });
  auto find = [this] { return store_.find(options_.account, options_.index); };
  auto result = co_await offload(pool_, std::move(find));
  co_return std::move(result);
}

void KnowledgeBot::book(const vectors::Index& index, std::int64_t queries) const {
  if (options_.ledger == nullptr) return;
  const auto dimensions = std::int64_t{index.description().config.dimensions};
  const auto vectors = static_cast<std::int64_t>(index.stats().vector_count);
  options_.ledger->add(options_.account, options_.index, {queries, dimensions, vectors});
}

asio::awaitable<Result<bool>> KnowledgeBot::prepare_index() {
  SEL_CO_TRY(entry, catalog_.find(options_.embedding_model));
  vectors::IndexConfig config;
  config.metric = vectors::Metric::cosine;
  config.dimensions = static_cast<std::uint32_t>(
      entry->output_dimensions > 0 ? entry->output_dimensions : kDimensionsDefault);
  auto prepare = [this, config]() -> Result<bool> {
    auto found = store_.status(options_.account, options_.index);
    if (found.ok()) return false;
    const Code missing = found.error().code;
    if (missing != Code::index_not_found && missing != Code::index_deleted) {
      return std::move(found.error());
    }
    auto created = store_.create(options_.account, options_.index, "Knowledge of the bot", config);
    if (created.ok()) return true;
    if (created.error().code == Code::index_already_exists) return false;
    return std::move(created.error());
  };
  auto result = co_await offload(pool_, std::move(prepare));
  co_return std::move(result);
}

asio::awaitable<Result<std::vector<std::string>>> KnowledgeBot::chunks_of(
    const catalog::Resolved& model, std::string text) {
  std::vector<std::string> chunks;
  if (is_one_chunk(text)) {
    chunks.push_back(std::move(text));
    co_return std::move(chunks);
  }
  std::string lent = text;
  auto result = co_await inference_.tokenize(model, std::move(lent));
  SEL_CO_TRY(tokens, std::move(result));
  auto cut = [text = std::move(text), tokens = std::move(tokens)] {
    std::vector<std::string> cut_chunks;
    for (const Span& span : chunk_spans(text, tokens)) cut_chunks.emplace_back(slice(text, span));
    return cut_chunks;
  };
  chunks = co_await offload(pool_, std::move(cut));
  co_return std::move(chunks);
}

asio::awaitable<Result<std::vector<float>>> KnowledgeBot::embed_chunks(
    const catalog::Resolved& model, const std::vector<std::string>& chunks) {
  std::vector<float> values;
  for (std::size_t done = 0; done < chunks.size(); done += kChunksPerCall) {
    const std::size_t end = std::min(done + kChunksPerCall, chunks.size());
    inference::EmbedTask task;
    task.role = inference::EmbedRole::passage;
    task.payer = payer();
    for (std::size_t at = done; at < end; ++at) task.texts.push_back(chunks[at]);
    auto result = co_await inference_.embed(model, std::move(task));
    SEL_CO_TRY(embeddings, std::move(result));
    values.insert(values.end(), embeddings.values.begin(), embeddings.values.end());
  }
  if (values.empty() || values.size() % chunks.size() != 0) {
    co_return Error{Code::internal, "embedding: rows are missing"};
  }
  co_return std::move(values);
}

asio::awaitable<Result<std::string>> KnowledgeBot::add(std::string text,
                                                       std::optional<std::string> id) {
  if (text.size() > limits::knowledge_text_bytes_max) {
    co_return Error{
        Code::body_too_large,
        "text: must have at most " + std::to_string(limits::knowledge_text_bytes_max) + " bytes"};
  }
  SEL_CO_CHECK_OK(check_text("text", text));
  if (id) SEL_CO_CHECK_OK(check_document_id(*id));
  SEL_CO_TRY(model, catalog_.resolve(options_.embedding_model));
  const std::string of = options_.identities->seeded() ? text : std::string();
  // Looked for before the work, so that a missing index is told at once.
  auto found = co_await find_index();
  SEL_CO_TRY(index, std::move(found));
  auto cut = co_await chunks_of(model, std::move(text));
  SEL_CO_TRY(chunks, std::move(cut));
  auto embedded = co_await embed_chunks(model, chunks);
  SEL_CO_TRY(values, std::move(embedded));

  const std::string document = id ? *id : options_.identities->uuid({"text", of});
  auto turn = co_await turns_.take(document);
  auto write = [index, document, chunks = std::move(chunks), values = std::move(values)] {
    return replace_document(*index, document, chunks, values);
  };
  auto written = co_await offload(pool_, std::move(write));
  if (!written.ok()) co_return std::move(written.error());
  book(*index, 0);
  co_return document;
}

asio::awaitable<Status> KnowledgeBot::remove(std::string id) {
  auto found = co_await find_index();
  SEL_CO_TRY(index, std::move(found));
  auto turn = co_await turns_.take(id);
  auto write = [index, id] { return remove_document(*index, id); };
  auto result = co_await offload(pool_, std::move(write));
  co_return std::move(result);
}

asio::awaitable<Result<KnowledgePage>> KnowledgeBot::list(std::string after, std::size_t count) {
  auto found = co_await find_index();
  SEL_CO_TRY(index, std::move(found));
  auto read = [index, after = std::move(after), count] {
    return list_documents(*index, after, count);
  };
  auto result = co_await offload(pool_, std::move(read));
  co_return std::move(result);
}

asio::awaitable<Result<std::vector<Passage>>> KnowledgeBot::search(
    const std::vector<float>& vector) {
  auto found = co_await find_index();
  SEL_CO_TRY(index, std::move(found));
  auto query = [index, vector, count = options_.passages] {
    return nearest_passages(*index, vector, count);
  };
  auto result = co_await offload(pool_, std::move(query));
  if (result.ok()) book(*index, 1);
  co_return std::move(result);
}

Result<Way> KnowledgeBot::way_for(AnswerMode mode) const {
  if (mode == AnswerMode::quote) return Way{};
  auto text_model = catalog_.resolve(options_.text_model);
  if (mode == AnswerMode::auto_) {
    // No text model, or none that reads: quoting needs neither.
    if (!text_model.ok() && (text_model.error().code == Code::model_not_installed ||
                             text_model.error().code == Code::model_unsupported)) {
      return Way{};
    }
    if (text_model.ok() && !text_model->reader) return Way{};
  }
  if (!text_model.ok()) return std::move(text_model.error());
  return Way{AnswerMode::model, std::move(text_model).value()};
}

// How many of the best passages fit the text model's window beside the question and the answer.
asio::awaitable<Result<std::size_t>> KnowledgeBot::count_that_fits(
    const catalog::Resolved& model, const std::string& question,
    const std::vector<Passage>& passages) {
  const std::int32_t window =
      model.entry->context_tokens > 0 ? model.entry->context_tokens : kContextTokensDefault;
  const auto budget = static_cast<std::size_t>(
      std::max(window - options_.tokens_max - kTemplateTokens, std::int32_t{0}));
  for (std::size_t count = passages.size(); count > 0; --count) {
    std::string whole;
    for (const wire::ChatMessage& message : prompt_of(question, std::span(passages).first(count))) {
      whole += message.content;
    }
    if (whole.size() <= budget) co_return count;  // No token is shorter than a byte.
    auto result = co_await inference_.tokenize(model, std::move(whole));
    SEL_CO_TRY(tokens, std::move(result));
    if (tokens.ids.size() <= budget) co_return count;
  }
  co_return std::size_t{0};
}

asio::awaitable<Result<std::unique_ptr<Answer>>> KnowledgeBot::generate(
    const catalog::Resolved& model, const std::string& question, AnswerSource source) {
  auto fitting = co_await count_that_fits(model, question, source.passages);
  SEL_CO_TRY(count, std::move(fitting));
  source.passages.resize(count);
  source.text_model = model.answered_by;
  source.text_stand_in = model.stand_in;
  inference::GenerateTask task;
  task.messages = prompt_of(question, source.passages);
  task.tokens_max = options_.tokens_max;
  task.payer = payer();
  auto started = co_await inference_.generate(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  co_return generated_answer(std::move(source), std::move(stream));
}

asio::awaitable<Result<std::unique_ptr<Answer>>> KnowledgeBot::chat(
    std::string question, std::optional<AnswerMode> mode) {
  SEL_CO_CHECK_OK(check_question(question));
  SEL_CO_TRY(embedding_model, catalog_.resolve(options_.embedding_model));
  SEL_CO_TRY(way, way_for(mode.value_or(options_.answer)));

  inference::EmbedTask task;
  task.role = inference::EmbedRole::query;
  task.payer = payer();
  task.texts.push_back(question);
  auto embedded = co_await inference_.embed(embedding_model, std::move(task));
  SEL_CO_TRY(embeddings, std::move(embedded));
  auto found = co_await search(embeddings.values);
  SEL_CO_TRY(passages, std::move(found));

  AnswerSource source;
  source.mode = way.mode;
  source.embedding_model = embedding_model.answered_by;
  source.embedding_stand_in = embedding_model.stand_in;
  source.passages = std::move(passages);
  if (way.mode == AnswerMode::model) {
    auto generated = co_await generate(*way.text_model, question, std::move(source));
    co_return std::move(generated);
  }
  auto quoted =
      co_await quoter_.quote(embedding_model, question, embeddings.values, source.passages);
  SEL_CO_TRY(quote, std::move(quoted));
  co_return quoted_answer(std::move(source), std::move(quote), embeddings.usage);
}

}  // namespace

std::unique_ptr<Bot> Bot::create(BotOptions options, const catalog::Catalog& catalog,
                                 inference::Inference& inference, vectors::Store& store,
                                 asio::thread_pool& pool) {
  return std::make_unique<KnowledgeBot>(std::move(options), catalog, inference, store, pool);
}

}  // namespace selvedge::rag
