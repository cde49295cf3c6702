// The head as JSON, so that names and selectors may hold anything.
#include "documents/conversion.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace selvedge::documents {
namespace {

using nlohmann::json;

constexpr std::string_view kMarkdown = "markdown\n";
constexpr std::string_view kError = "error\n";

std::string text_in(const json& head, const char* name) {
  const auto found = head.find(name);
  return found != head.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_in(const json& head, const char* name) {
  const auto found = head.find(name);
  return found != head.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

std::string conversion_head(const Conversion& conversion) {
  const json head = {{"kind", static_cast<int>(conversion.kind)},
                     {"name", conversion.name},
                     {"charset", conversion.charset},
                     {"plain_text", conversion.options.plain_text},
                     {"pdf_metadata", conversion.options.pdf_metadata},
                     {"html_hostname", conversion.options.html_hostname},
                     {"html_selector", conversion.options.html_selector}};
  return head.dump(-1, ' ', true, json::error_handler_t::replace) + "\n";
}

Result<Conversion> read_conversion(std::string_view stream) {
  const std::size_t end = stream.find('\n');
  const json head = json::parse(stream.substr(0, end), nullptr, false);
  const int kind = head.is_object() && head.contains("kind") && head["kind"].is_number_integer()
                       ? head["kind"].get<int>()
                       : -1;
  if (end == std::string_view::npos || kind < 0 || kind > static_cast<int>(FormatKind::unserved)) {
    return Error{Code::file_invalid, "the converter was given no file"};
  }
  Conversion conversion;
  conversion.kind = static_cast<FormatKind>(kind);
  conversion.name = text_in(head, "name");
  conversion.charset = text_in(head, "charset");
  conversion.options.plain_text = flag_in(head, "plain_text");
  conversion.options.pdf_metadata = flag_in(head, "pdf_metadata");
  conversion.options.html_hostname = text_in(head, "html_hostname");
  conversion.options.html_selector = text_in(head, "html_selector");
  conversion.bytes = std::string(stream.substr(end + 1));
  return conversion;
}

std::string conversion_reply(const Result<std::string>& converted) {
  if (!converted.ok()) return std::string(kError) + converted.error().message;
  return std::string(kMarkdown) + *converted;
}

Result<std::string> read_reply(std::string_view reply) {
  if (reply.starts_with(kMarkdown)) return std::string(reply.substr(kMarkdown.size()));
  if (reply.starts_with(kError)) {
    return Error{Code::file_invalid, std::string(reply.substr(kError.size()))};
  }
  return Error{Code::internal, "the converter ended without an answer"};
}

}  // namespace selvedge::documents
