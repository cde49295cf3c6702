// Picture tasks: a question, and what becomes of the answer.
#include "api/picture_tasks.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/picture_input.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr const char* kDescribe = "Describe this picture in one or two sentences.";
constexpr const char* kName =
    "What is the main thing in this picture? Answer with its name alone, in one to three words.";
constexpr std::int32_t kCaptionTokens = 512;  // Workers AI's default.
constexpr std::int32_t kNameTokens = 12;
constexpr std::size_t kMessagesMax = 1'024;

Error at_image(const Error& why) { return Error{Code::invalid_input, "'/image': " + why.message}; }

// The schema has seen to the types, but bounds few of them.
double number_of(const json& input, const char* name, double fallback, double least, double most) {
  const json* value = present(input, name);
  if (value == nullptr || !value->is_number()) return fallback;
  const double number = value->get<double>();
  return std::isnan(number) ? fallback : std::clamp(number, least, most);
}

void read_sampling(const json& input, wire::Sampling& sampling) {
  sampling.temperature = number_of(input, "temperature", sampling.temperature, 0, 5);
  sampling.top_p = number_of(input, "top_p", sampling.top_p, 0, 1);
  sampling.top_k = static_cast<std::int32_t>(number_of(input, "top_k", sampling.top_k, 0, 1e6));
  sampling.repetition_penalty =
      number_of(input, "repetition_penalty", sampling.repetition_penalty, 0, 2);
  sampling.frequency_penalty = number_of(input, "frequency_penalty", 0, -2, 2);
  sampling.presence_penalty = number_of(input, "presence_penalty", 0, -2, 2);
  sampling.has_seed = present(input, "seed") != nullptr;
  sampling.seed = static_cast<std::uint64_t>(number_of(input, "seed", 0, 0, 9e15));
}

Status read_messages(const json& list, std::vector<wire::ChatMessage>& messages) {
  SEL_CHECK_OK(check_count("/messages", list.size(), 1, kMessagesMax));
  for (std::size_t at = 0; at < list.size(); ++at) {
    const std::string path = "/messages/" + std::to_string(at);
    const json* role = present(list[at], "role");
    const json* content = present(list[at], "content");
    const bool texts =
        role != nullptr && content != nullptr && role->is_string() && content->is_string();
    if (!texts) return required_missing(path, "role,content");
    const auto& name = role->get_ref<const std::string&>();
    if (name != "system" && name != "user" && name != "assistant") {
      return not_in_enum(path + "/role", name, "system,user,assistant");
    }
    messages.push_back({name, content->get<std::string>()});
    SEL_CHECK_OK(
        check_length(path + "/content", messages.back().content, 0, limits::prompt_chars_max));
  }
  return ok_status();
}

Status read_question(const json& input, inference::GenerateTask& task) {
  const json* raw = present(input, "raw");
  if (raw != nullptr && *raw == true) {
    return Error{Code::invalid_input, "'/raw' is not served by this server for pictures"};
  }
  if (const json* messages = present(input, "messages");
      messages != nullptr && messages->is_array()) {
    return read_messages(*messages, task.messages);
  }
  std::string prompt = kDescribe;
  if (const json* asked = present(input, "prompt"); asked != nullptr && asked->is_string()) {
    if (*asked != "") prompt = asked->get<std::string>();
  }
  SEL_CHECK_OK(check_length("/prompt", prompt, 1, limits::prompt_chars_max));
  task.messages = {{"user", std::move(prompt)}};
  return ok_status();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n.\"'*";
  const std::size_t begin = std::min(text.find_first_not_of(kAround), text.size());
  return text.substr(begin, text.find_last_not_of(kAround) + 1 - begin);
}

}  // namespace

Result<PictureCall> parse_picture_call(json& input, std::string file,
                                       const catalog::ModelEntry& entry) {
  PictureCall call;
  call.labels = entry.task == catalog::Task::image_classification;
  if (file.empty()) {
    const auto image = input.find("image");
    if (image == input.end() || image->is_null()) return required_missing("/", "image");
    auto picture = picture_of_value(*image);
    if (!picture.ok()) return at_image(picture.error());
    file = std::move(*picture);
    input.erase(image);
  } else if (const Status good = check_picture(file); !good.ok()) {
    return Error{Code::invalid_input, "the body is no picture: " + good.error().message};
  }
  if (call.labels) {
    call.task.messages = {{"user", kName}};
    call.task.tokens_max = kNameTokens;
    call.task.stop = {"\n"};
    call.task.sampling.temperature = 0;
    call.task.sampling.logprobs = true;
  } else {
    SEL_CHECK_OK(read_question(input, call.task));
    call.task.tokens_max =
        static_cast<std::int32_t>(number_of(input, "max_tokens", kCaptionTokens, 1, 1'048'576));
    // The default is more than small windows leave.
    call.task.cut_to_window = present(input, "max_tokens") == nullptr;
    read_sampling(input, call.task.sampling);
  }
  if (show_picture(call.task.messages, std::move(file))) return call;
  return Error{Code::invalid_input,
               "'/messages' has no turn of the user, which the picture is for"};
}

asio::awaitable<Result<PictureAnswer>> run_picture_call(const ApiContext& context,
                                                        const catalog::Resolved& model,
                                                        PictureCall call) {
  auto started = co_await context.inference.generate(model, std::move(call.task));
  SEL_CO_TRY(stream, std::move(started));
  double logprob = 0;
  PictureAnswer answer;
  for (bool last = false; !last;) {
    auto next = co_await stream->next();
    SEL_CO_TRY(piece, std::move(next));
    answer.text += piece.text;
    for (const wire::TokenLogprob& token : piece.logprobs) logprob += double{token.logprob};
    last = piece.last;
    answer.usage = piece.usage;
  }
  if (!call.labels) {
    answer.json = "{\"description\":";
    append_string(answer.json, answer.text);
    answer.json += '}';
    co_return std::move(answer);
  }
  const std::string_view label = trimmed(answer.text);
  answer.json = "[";
  if (!label.empty()) {
    answer.json += "{\"score\":";
    append_double(answer.json, std::exp(std::min(logprob, 0.0)));
    answer.json += ",\"label\":";
    append_string(answer.json, label);
    answer.json += '}';
  }
  answer.json += ']';
  co_return std::move(answer);
}

}  // namespace selvedge::api
