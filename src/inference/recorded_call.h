// Recorded call: one call of a model as JSON: what was asked, and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "catalog/catalog.h"
#include "inference/inference.h"

// The form of the JSON is told in docs/formats/recordings.md. What is read may be anything: every
// function that reads returns corrupt_data, with a message that says what is wrong, for JSON that
// is not of this form or does not fit what was asked.
namespace selvedge::inference {

// What makes two calls the same: the model's id, what kind of task it is, and every field of the
// task that changes the answer.
struct AskedCall {
  std::string kind;   // "generate", "embed", "rank", "tokenize", "transcribe" or "draw".
  std::string model;  // Id as asked for.
  nlohmann::json request;

  // "<kind>-<SHA-256 of the three>".
  std::string name() const;
};
AskedCall asked_call(const catalog::Resolved& model, const GenerateTask& task);
AskedCall asked_call(const catalog::Resolved& model, const EmbedTask& task);
AskedCall asked_call(const catalog::Resolved& model, const RankTask& task);
AskedCall asked_call(const catalog::Resolved& model, const std::string& text);
// Of the files in these two their SHA-256 counts, which takes a while.
AskedCall asked_call(const catalog::Resolved& model, const wire::Transcribe& task);
AskedCall asked_call(const catalog::Resolved& model, const wire::Draw& task);

// A whole generation: its pieces, the last of which is marked so, or an error in place of that.
struct Generated {
  std::vector<Piece> pieces;
  std::optional<Error> error;
};

// A whole task that takes long: how far it said it was, and what came of it, or an error in its
// place.
template <class Outcome>
struct Worked {
  struct Step {
    std::int32_t done = 0;
    std::int32_t total = 0;
  };
  std::vector<Step> steps;
  std::optional<Outcome> outcome;
  std::optional<Error> error;
};

nlohmann::json answer_json(const Generated& generated);
nlohmann::json answer_json(const Embeddings& embeddings, std::size_t rows);
nlohmann::json answer_json(const Ranks& ranks);
nlohmann::json answer_json(const TokenSpans& tokens);
nlohmann::json answer_json(const Worked<wire::Transcript>& transcribed);
nlohmann::json answer_json(const Worked<wire::Picture>& drawn);
nlohmann::json answer_json(const Error& error);

// `text_bytes` is the length of the text that was cut, `rows` the count of texts. An error that was
// recorded comes back as it was.
Result<Generated> generated_from(const nlohmann::json& answer);
Result<Embeddings> embeddings_from(const nlohmann::json& answer, std::size_t rows);
Result<Ranks> ranks_from(const nlohmann::json& answer, std::size_t rows);
Result<TokenSpans> tokens_from(const nlohmann::json& answer, std::size_t text_bytes);
Result<Worked<wire::Transcript>> transcribed_from(const nlohmann::json& answer);
Result<Worked<wire::Picture>> drawn_from(const nlohmann::json& answer);

// Whether a failure follows from what was asked, and will do so again; others come from the machine
// and are not recorded.
bool is_recordable(Code code);

}  // namespace selvedge::inference
