// The bot's routes: JSON in, the bot's own calls, JSON or a stream out.
#include "api/bot_door.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/ai_run.h"
#include "api/answer_events.h"
#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/sse.h"
#include "base/base64.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

// Escapes make a text of JSON up to six times as long, of Chinese characters twice.
constexpr std::size_t kAddBodyBytesMax = 4 * limits::knowledge_text_bytes_max;
constexpr std::size_t kChatBodyBytesMax = 16 * limits::question_chars_max;
// Of routes that take no body, and of unknown ones: enough to answer them with their own error.
constexpr std::size_t kOtherBodyBytesMax = 64 * 1024;

constexpr std::size_t kListDefault = 50;
constexpr std::size_t kListMax = 1'000;

constexpr std::string_view kImageModel = "@cf/stabilityai/stable-diffusion-xl-base-1.0";

http::Response failure(const Error& error) {
  http::Response response = plain_error(error);
  // The bot is there, but a part that it needs is not.
  if (error.code == Code::model_not_installed) response.status = 503;
  return response;
}

http::Response answered(Result<http::Response> result) {
  if (!result.ok()) return failure(result.error());
  return std::move(result).value();
}

http::Response message(std::string_view text) {
  std::string json = "{\"message\":";
  append_string(json, text);
  json += '}';
  return json_response(200, std::move(json));
}

// Errors: invalid_input.
Result<std::optional<std::string>> optional_text(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) {
    return Error{Code::invalid_input, std::string(name) + ": must be a string"};
  }
  return std::optional<std::string>(found->get<std::string>());
}

Result<std::string> required_text(const nlohmann::json& object, const char* name) {
  SEL_TRY(text, optional_text(object, name));
  if (!text) return Error{Code::invalid_input, std::string(name) + ": is missing"};
  return std::move(*text);
}

Result<std::optional<rag::AnswerMode>> answer_mode(const http::Request& request) {
  using Mode = std::optional<rag::AnswerMode>;
  const auto value = request.query_value("answer");
  if (!value || value->empty()) return Mode();
  if (*value == "auto") return Mode(rag::AnswerMode::auto_);
  if (*value == "model") return Mode(rag::AnswerMode::model);
  if (*value == "quote") return Mode(rag::AnswerMode::quote);
  return Error{Code::invalid_input, "answer: must be auto, model or quote"};
}

Result<bool> wants_sources(const http::Request& request) {
  const auto value = request.query_value("sources");
  if (!value || value->empty() || *value == "0" || *value == "false") return false;
  if (*value == "1" || *value == "true") return true;
  return Error{Code::invalid_input, "sources: must be 0 or 1"};
}

Result<std::size_t> list_limit(const http::Request& request) {
  const auto value = request.query_value("limit");
  if (!value || value->empty()) return kListDefault;
  std::size_t limit = 0;
  const char* end = value->data() + value->size();
  const auto read = std::from_chars(value->data(), end, limit);
  if (read.ec != std::errc() || read.ptr != end || limit < 1 || limit > kListMax) {
    return Error{Code::invalid_input, "limit: must be 1 to " + std::to_string(kListMax)};
  }
  return limit;
}

// Names of weights come from file names; in a header they must be plain ASCII.
std::string header_text(std::string_view text) {
  std::string plain(text);
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return plain;
}

// "text model, embedding model; stand-in"
std::string models_header(const rag::AnswerSource& source) {
  std::string models = source.text_model;
  if (!models.empty()) models += ", ";
  models += source.embedding_model;
  if (source.text_stand_in || source.embedding_stand_in) models += "; stand-in";
  return header_text(models);
}

std::string page_json(const rag::KnowledgePage& page) {
  std::string json = "{\"items\":[";
  for (std::size_t at = 0; at < page.items.size(); ++at) {
    const rag::KnowledgeItem& item = page.items[at];
    json += at == 0 ? "{\"id\":" : ",{\"id\":";
    append_string(json, item.id);
    json += ",\"text\":";
    append_string(json, item.text);
    json += ",\"chunks\":";
    append_integer(json, item.chunks);
    json += '}';
  }
  json += "],\"total_chunks\":";
  append_integer(json, page.total_chunks);
  json += ",\"next\":";
  if (page.next.empty()) {
    json += "null";
  } else {
    append_string(json, page.next);
  }
  json += '}';
  return json;
}

// A number of the query as a JSON number, so that fields are checked as everywhere. Errors:
// invalid_input.
Status take_number(const http::Request& request, const char* name, const char* field,
                   nlohmann::json& inputs) {
  const auto value = request.query_value(name);
  if (!value || value->empty()) return ok_status();
  const nlohmann::json number = nlohmann::json::parse(*value, nullptr, false);
  if (!number.is_number_unsigned()) {
    return Error{Code::invalid_input, std::string(name) + ": must be a whole number"};
  }
  inputs[field] = number;
  return ok_status();
}

Result<nlohmann::json> imagine_inputs(const http::Request& request) {
  const auto prompt = request.query_value("prompt");
  if (!prompt || prompt->empty()) {
    return Error{Code::invalid_input, "prompt: is missing, as in /imagine?prompt=cat"};
  }
  nlohmann::json inputs = {{"prompt", *prompt}};
  for (const char* name : {"seed", "width", "height"}) {
    SEL_CHECK_OK(take_number(request, name, name, inputs));
  }
  SEL_CHECK_OK(take_number(request, "steps", "num_steps", inputs));
  return inputs;
}

// The address that the client used, if it is harmless to repeat.
std::string own_address(const http::Request& request) {
  const std::string_view host = request.headers.get("host");
  const auto harmless = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == ':' || c == '-' || c == '[' || c == ']';
  };
  const bool usable =
      !host.empty() && host.size() < 256 && std::all_of(host.begin(), host.end(), harmless);
  return "http://" + (usable ? std::string(host) : std::string("localhost:8787"));
}

http::Response front_page(const http::Request& request) {
  const std::string address = own_address(request);
  http::Response response;
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.body =
      "Selvedge's bot answers questions from the texts that you give it.\n\n"
      "  curl -X POST " +
      address +
      "/knowledge/add -d '{\"text\": \"Durable Objects "
      "提供強一致性的狀態管理。\"}'\n"
      "  curl -X POST " +
      address +
      "/chat -d '{\"question\": \"什麼是 Durable "
      "Objects?\"}'\n"
      "  curl '" +
      address +
      "/knowledge?limit=10'\n"
      "  curl -X DELETE " +
      address +
      "/knowledge/ID\n"
      "  curl '" +
      address +
      "/imagine?prompt=a+red+fox' -o fox.png\n\n"
      "/chat takes ?sources=1 (the passages and their scores come first) and "
      "?answer=quote, model or auto.\n";
  return response;
}

// {"image":"<base64>"}.
Result<std::string> picture_in(const std::string& result_json) {
  const nlohmann::json result = nlohmann::json::parse(result_json, nullptr, false);
  const auto image = result.is_object() ? result.find("image") : result.end();
  auto bytes = image != result.end() && image->is_string()
                   ? base64_bytes(image->get_ref<const std::string&>())
                   : std::nullopt;
  if (!bytes) return Error{Code::internal, "the model that answers for the bot made no picture"};
  return *std::move(bytes);
}

}  // namespace

BotDoor::BotDoor(rag::Bot& bot, std::shared_ptr<TestKit> kit, const ApiContext* drawing)
    : bot_(bot),
      kit_(kit != nullptr ? std::move(kit) : std::make_shared<TestKit>()),
      drawing_(drawing) {
  add_knowledge_routes();
  add_other_routes();
}

void BotDoor::add_knowledge_routes() {
  router_.add(
      {"POST", "/knowledge/add",
       [this](http::Request& request, const PathParameters&) -> asio::awaitable<http::Response> {
         auto result = co_await add(request);
         co_return answered(std::move(result));
       },
       kAddBodyBytesMax});
  router_.add(
      {"GET", "/knowledge",
       [this](http::Request& request, const PathParameters&) -> asio::awaitable<http::Response> {
         auto result = co_await list(request);
         co_return answered(std::move(result));
       },
       kOtherBodyBytesMax});
  router_.add(
      {"DELETE", "/knowledge/{id...}",
       [this](http::Request&, const PathParameters& parameters) -> asio::awaitable<http::Response> {
         auto result = co_await remove(parameters);
         co_return answered(std::move(result));
       },
       kOtherBodyBytesMax});
}

void BotDoor::add_other_routes() {
  router_.add(
      {"POST", "/chat",
       [this](http::Request& request, const PathParameters&) -> asio::awaitable<http::Response> {
         auto result = co_await chat(request);
         co_return answered(std::move(result));
       },
       kChatBodyBytesMax});
  router_.add(
      {"GET", "/imagine",
       [this](http::Request& request, const PathParameters&) -> asio::awaitable<http::Response> {
         auto result = co_await imagine(request);
         co_return answered(std::move(result));
       },
       kOtherBodyBytesMax});
  router_.add({"GET", "/health",
               [](http::Request&, const PathParameters&) -> asio::awaitable<http::Response> {
                 co_return json_response(200, "{\"status\":\"ok\"}");
               },
               kOtherBodyBytesMax});
  router_.add(
      {"GET", "/",
       [](http::Request& request, const PathParameters&) -> asio::awaitable<http::Response> {
         co_return front_page(request);
       },
       kOtherBodyBytesMax});
}

asio::awaitable<http::Response> BotDoor::handle(http::Request request) {
  const auto begun = std::chrono::steady_clock::now();
  auto response = co_await answer_with_kit(request);
  record(counts_, request, response, begun);
  co_return std::move(response);
}

asio::awaitable<http::Response> BotDoor::answer_with_kit(http::Request& request) {
  KitCall call;
  if (kit_->has_part_in(request)) call.names = bot_call_names(request);
  if (call.names.product == Product::none) {
    auto plain = co_await dispatch(request);
    co_return std::move(plain);
  }
  call.own_fault = request.headers.get(TestKit::kFaultHeader);
  call.own_latency = request.headers.get(TestKit::kLatencyHeader);
  const TestKit::Work work = [this, &request] { return dispatch(request); };
  auto response = co_await kit_->act(std::move(call), work);
  co_return std::move(response);
}

asio::awaitable<http::Response> BotDoor::dispatch(http::Request& request) {
  const Router::Found found = router_.find(request.method, request.path);
  if (found.route != nullptr) {
    auto response = co_await found.route->handler(request, found.parameters);
    co_return std::move(response);
  }
  if (found.allowed.empty()) {
    co_return failure(Error{Code::route_not_found, "No such path; GET / tells what there is"});
  }
  http::Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    response = failure(Error{Code::method_not_allowed, "This path takes other methods"});
  }
  response.headers.set("allow", allow_header(found.allowed));
  co_return std::move(response);
}

http::Response BotDoor::error_body(int status, Code code, std::string_view text,
                                   const http::Request*) {
  http::Response response = plain_error(Error{code, std::string(text)});
  response.status = status;
  return response;
}

std::size_t BotDoor::body_limit(const http::Request& request) const {
  const Router::Found found = router_.find(request.method, request.path);
  return found.route == nullptr ? kOtherBodyBytesMax : found.route->body_bytes_max;
}

asio::awaitable<Result<http::Response>> BotDoor::add(const http::Request& request) {
  SEL_CO_TRY(body, parse_object(request.body));
  SEL_CO_TRY(text, required_text(body, "text"));
  SEL_CO_TRY(id, optional_text(body, "id"));
  auto added = co_await bot_.add(std::move(text), std::move(id));
  SEL_CO_TRY(known_id, std::move(added));
  http::Response response = message("Indexed successfully");
  // An id may hold any characters, a header may not.
  response.headers.set("selvedge-id", header_text(known_id));
  co_return std::move(response);
}

asio::awaitable<Result<http::Response>> BotDoor::list(const http::Request& request) {
  SEL_CO_TRY(limit, list_limit(request));
  std::string after = request.query_value("cursor").value_or("");
  auto listed = co_await bot_.list(std::move(after), limit);
  SEL_CO_TRY(page, std::move(listed));
  co_return json_response(200, page_json(page));
}

asio::awaitable<Result<http::Response>> BotDoor::remove(const PathParameters& parameters) {
  std::string id(parameters.get("id"));
  auto removed = co_await bot_.remove(std::move(id));
  if (!removed.ok()) co_return std::move(removed.error());
  co_return message("Removed");
}

asio::awaitable<Result<http::Response>> BotDoor::chat(const http::Request& request) {
  SEL_CO_TRY(mode, answer_mode(request));
  SEL_CO_TRY(with_sources, wants_sources(request));
  SEL_CO_TRY(body, parse_object(request.body));
  SEL_CO_TRY(question, required_text(body, "question"));
  auto started = co_await bot_.chat(std::move(question), mode);
  SEL_CO_TRY(answer, std::move(started));
  const std::string models = models_header(answer->source());
  const std::string mode_name(answer_mode_name(answer->source().mode));
  auto events = std::make_unique<AnswerEvents>(std::move(answer), with_sources);
  auto streamed = co_await sse_response(std::move(events));
  SEL_CO_TRY(response, std::move(streamed));
  response.headers.set("selvedge-answer", mode_name);
  response.headers.set("selvedge-model", models);
  co_return std::move(response);
}

asio::awaitable<Result<http::Response>> BotDoor::imagine(const http::Request& request) {
  SEL_CO_TRY(inputs, imagine_inputs(request));
  if (drawing_ == nullptr) co_return Error{Code::not_served, "this bot draws no pictures"};
  AiCall call;
  call.model = kImageModel;
  call.request_id = drawing_->identities->uuid({"imagine", inputs.dump()});
  call.payer = {bot_.options().account, "bot"};
  auto ran = co_await run_inputs(*drawing_, std::move(call), std::move(inputs));
  SEL_CO_TRY(answer, std::move(ran));
  if (answer.bytes_type.empty()) {
    // An alias may have put a model here whose pictures come in JSON.
    SEL_CO_TRY(picture, picture_in(answer.result_json));
    answer.bytes = std::move(picture);
    answer.bytes_type = "image/jpeg";
  }
  http::Response response = bytes_response(std::move(answer.bytes_type), std::move(answer.bytes));
  for (auto& [name, value] : answer.headers) response.headers.set(name, std::move(value));
  response.headers.set("selvedge-model", header_text(answered_by(answer.model)));
  co_return std::move(response);
}

}  // namespace selvedge::api
