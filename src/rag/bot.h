// Bot: the knowledge base and the answers, without HTTP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/identities.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/usage_ledger.h"
#include "inference/inference.h"
#include "vectors/store.h"

namespace selvedge::rag {

namespace asio = boost::asio;

// Who answers: the text model, or the passages' own best sentences. `auto_`: `quote` while the text
// model is marked as no reader in the catalogue, `model` otherwise.
enum class AnswerMode : std::uint8_t { auto_, model, quote };

struct BotOptions {
  std::string account = "local";
  std::string index = "my-knowledge-base";
  std::string text_model = "@cf/meta/llama-3-8b-instruct";
  std::string embedding_model = "@cf/baai/bge-base-en-v1.5";
  AnswerMode answer = AnswerMode::auto_;
  std::size_t passages = 3;
  std::int32_t tokens_max = 256;
  // Where what is used is booked, under the key "bot"; null: nowhere. What a quote costs is not,
  // for the hosted service has no such answers.
  catalog::UsageLedger* ledger = nullptr;
  // Where ids of texts that came without one are from.
  std::shared_ptr<Identities> identities = std::make_shared<Identities>();
};

struct Passage {
  std::string id;
  std::string text;
  float score = 0;
};

// Who answered what, told before the first piece.
struct AnswerSource {
  AnswerMode mode = AnswerMode::quote;  // Never auto_.
  std::string text_model;               // Name of the weights; empty in quote mode.
  std::string embedding_model;
  bool text_stand_in = false;
  bool embedding_stand_in = false;
  std::vector<Passage> passages;  // Best first.
};

struct Citation {
  std::string passage_id;
  std::uint32_t begin = 0;  // Byte offsets in the passage's text.
  std::uint32_t end = 0;
};

struct AnswerPiece {
  std::string text;
  bool last = false;
  bool refused = false;  // Of the last one: nothing in the passages answers the question.
  std::vector<Citation> citations;  // Of the last one, quote mode.
  inference::Usage usage;           // Of the last one.
};

class Answer {
 public:
  virtual ~Answer() = default;  // Destroying it cancels.
  virtual const AnswerSource& source() const = 0;
  // After the last piece it must not be called again. Errors: those of TokenStream::next.
  virtual asio::awaitable<Result<AnswerPiece>> next() = 0;
};

struct KnowledgeItem {
  std::string id;
  std::string text;  // The beginning, whole characters, at most 200 bytes.
  std::size_t chunks = 1;
};

struct KnowledgePage {
  std::vector<KnowledgeItem> items;
  std::size_t total_chunks = 0;
  std::string next;  // Pass as `after` for the next page; empty = no more.
};

// Used on the I/O thread; blocking work goes to `pool`. All references must outlive it.
class Bot {
 public:
  static std::unique_ptr<Bot> create(BotOptions options, const catalog::Catalog& catalog,
                                     inference::Inference& inference, vectors::Store& store,
                                     asio::thread_pool& pool);
  virtual ~Bot() = default;

  virtual const BotOptions& options() const = 0;

  // Creates the index (768, cosine) if it is not there; true when it was created.
  virtual asio::awaitable<Result<bool>> prepare_index() = 0;

  // Cuts the text into overlapping chunks that fit the embedding model's window, embeds them and
  // stores them in one batch; a known id is replaced whole. Returns the id. Errors: invalid_input,
  // index_not_found, those of Inference::embed and Index::upsert.
  virtual asio::awaitable<Result<std::string>> add(std::string text,
                                                   std::optional<std::string> id) = 0;

  // Errors: knowledge_not_found, index_not_found, io.
  virtual asio::awaitable<Status> remove(std::string id) = 0;

  virtual asio::awaitable<Result<KnowledgePage>> list(std::string after, std::size_t count) = 0;

  // Embeds, retrieves, and starts the answer. `mode` overrides the options'.
  // Errors: invalid_input, index_not_found, model_not_installed, those of Inference.
  virtual asio::awaitable<Result<std::unique_ptr<Answer>>> chat(std::string question,
                                                                std::optional<AnswerMode> mode) = 0;
};

}  // namespace selvedge::rag
