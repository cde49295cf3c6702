// Emulation: translations and summaries of Workers AI, written by a text model that is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

namespace asio = boost::asio;

struct EmulationCall {
  enum class Form : std::uint8_t { translation, translations, summary };
  Form form = Form::summary;
  std::string instruction;
  std::vector<std::string> texts;  // One, but of `translations`.
  std::int32_t tokens_max = 0;     // Of each answer; 0 = as the text's length suggests.
  bool refuse_when_busy = false;
  inference::Payer payer = {};
};

// Whether `entry` is a model that this is for.
bool is_emulated(const catalog::ModelEntry& entry);

// `input` has met the schema of `entry`: {"text","source_lang","target_lang"}, IndicTrans2's
// {"text","target_language"}, or {"input_text","max_length"}. Errors: invalid_input (a language
// that is none; too many texts). Source: docs/compatibility.md#translations-and-summaries.
Result<EmulationCall> parse_emulation(const nlohmann::json& input,
                                      const catalog::ModelEntry& entry);

struct Emulated {
  std::string json;  // {"translated_text"}, {"translations":[…]} or {"summary"}
  inference::Usage usage;
};

// `usage` has the tokens of the texts and of the answers, and none of the instruction; each text is
// one call. `model` outlives the call. Errors: those of Inference, model_unsupported (weights that
// write no text).
asio::awaitable<Result<Emulated>> run_emulation(const ApiContext& context,
                                                const catalog::Resolved& model, EmulationCall call);

}  // namespace selvedge::api
