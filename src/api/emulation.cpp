// Emulation: an instruction, the text, and what came of it without the space around it.
#include "api/emulation.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_writer.h"
#include "api/languages.h"
#include "api/text_generation.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

// Some languages take several tokens for a letter; models that will not end are ended.
constexpr std::int64_t kTokensLeast = 64;
constexpr std::int64_t kTokensMost = 8'192;
constexpr std::int64_t kTokensPerToken = 4;

constexpr const char* kSummarise =
    "Summarise the text that the user gives you in a few sentences, in its own language. Answer "
    "with the summary alone.";

Result<std::string> language_of(const json& input, const char* field, const char* usual) {
  const auto found = input.find(field);
  const std::string code =
      found != input.end() && found->is_string() ? found->get<std::string>() : usual;
  auto name = language_name(code);
  if (name) return *std::move(name);
  constexpr std::size_t kShownBytes = 32;
  return Error{Code::invalid_input, "'/" + std::string(field) + "': '" +
                                        code.substr(0, utf8::floor_boundary(code, kShownBytes)) +
                                        "' is no language that is known; take a code such as 'fr'"};
}

std::string translate_instruction(const std::string& from, const std::string& to) {
  return "You are a translator. Translate the text that the user gives you from " + from +
         " into " + to + ". Answer with the translation alone.";
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

inference::GenerateTask task_of(const EmulationCall& call, const std::string& text,
                                std::int64_t tokens_of_text) {
  inference::GenerateTask task;
  task.messages = {{"system", call.instruction}, {"user", text}};
  const std::int64_t enough =
      std::clamp(tokens_of_text * kTokensPerToken, kTokensLeast, kTokensMost);
  const std::int64_t asked = call.tokens_max > 0 ? call.tokens_max : enough;
  task.tokens_max = static_cast<std::int32_t>(std::min(asked, enough));
  task.cut_to_window = true;
  task.sampling.temperature = 0;
  task.chat.template_values = R"({"enable_thinking":false})";
  task.chat.parse_reasoning = true;
  task.refuse_when_busy = call.refuse_when_busy;
  task.payer = call.payer;
  task.prompt_tokens_told = static_cast<std::int32_t>(tokens_of_text);
  return task;
}

std::string result_json(EmulationCall::Form form, const std::vector<std::string>& answers) {
  using Form = EmulationCall::Form;
  std::string result = form == Form::translation    ? "{\"translated_text\":"
                       : form == Form::translations ? "{\"translations\":["
                                                    : "{\"summary\":";
  for (std::size_t at = 0; at < answers.size(); ++at) {
    if (at != 0) result += ',';
    append_string(result, answers[at]);
  }
  result += form == Form::translations ? "]}" : "}";
  return result;
}

}  // namespace

bool is_emulated(const catalog::ModelEntry& entry) {
  return entry.task == catalog::Task::translation || entry.task == catalog::Task::summarization;
}

Result<EmulationCall> parse_emulation(const json& input, const catalog::ModelEntry& entry) {
  EmulationCall call;
  if (entry.task == catalog::Task::summarization) {
    call.instruction = kSummarise;
    call.texts.push_back(input.at("input_text").get<std::string>());
    const auto longest = input.find("max_length");
    if (longest != input.end() && longest->is_number()) {
      const double asked = longest->get<double>();
      if (asked < 1) return out_of_range("/max_length", ">=", 1);
      call.tokens_max = static_cast<std::int32_t>(std::min(asked, double{kTokensMost}));
    }
    return call;
  }
  // IndicTrans2 has fields of its own, and translates out of English alone.
  const bool indic = entry.id.find("/indictrans") != entry.id.npos;
  SEL_TRY(from, language_of(input, "source_lang", "en"));
  SEL_TRY(to, language_of(input, indic ? "target_language" : "target_lang", ""));
  call.instruction = translate_instruction(from, to);
  call.form = indic ? EmulationCall::Form::translations : EmulationCall::Form::translation;
  const json& text = input.at("text");
  if (text.is_string()) {
    call.texts.push_back(text.get<std::string>());
    return call;
  }
  SEL_CHECK_OK(check_count("/text", text.size(), 1, limits::embed_texts_max));
  for (const json& each : text) call.texts.push_back(each.get<std::string>());
  return call;
}

asio::awaitable<Result<Emulated>> run_emulation(const ApiContext& context,
                                                const catalog::Resolved& model,
                                                EmulationCall call) {
  if (model.weights_task != catalog::Task::text_generation) {
    co_return Error{Code::model_unsupported,
                    "The weights that answer for model " + model.entry->id + " write no text"};
  }
  Emulated emulated;
  std::vector<std::string> answers;
  for (const std::string& text : call.texts) {
    auto cut = co_await context.inference.tokenize(model, text);
    SEL_CO_TRY(tokens, std::move(cut));
    const auto tokens_of_text = static_cast<std::int32_t>(tokens.ids.size());
    auto started = co_await context.inference.generate(model, task_of(call, text, tokens_of_text));
    SEL_CO_TRY(stream, std::move(started));
    auto collected = co_await collect(*stream);
    SEL_CO_TRY(completion, std::move(collected));
    emulated.usage.prompt_tokens += tokens_of_text;
    emulated.usage.completion_tokens += completion.usage.completion_tokens;
    answers.push_back(trimmed(completion.text));
  }
  emulated.json = result_json(call.form, answers);
  co_return std::move(emulated);
}

}  // namespace selvedge::api
