// Tool calls: gathers deltas and names what has no id.
#include "api/tool_calls.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "base/json_depth.h"

namespace selvedge::api {
namespace {

// FNV-1a; ids need to differ, not to be secret.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 1099511628211U;
  }
  return hash;
}

}  // namespace

std::string tool_call_id(std::string_view seed, std::size_t at) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kIdChars = 9;
  std::uint64_t hash = hash_of(std::string(seed) + "/" + std::to_string(at));
  std::string id;
  for (std::size_t digit = 0; digit < kIdChars; ++digit) {
    id += kDigits[hash % kDigits.size()];
    hash /= kDigits.size();
  }
  return id;
}

ToolCalls::Added ToolCalls::add(const wire::ToolCallDelta& delta) {
  // A runner that skips a number would leave a call without a name.
  const auto asked = static_cast<std::size_t>(delta.index < 0 ? 0 : delta.index);
  Added added;
  added.index = std::min(asked, calls_.size());
  added.arguments = delta.arguments;
  if (added.index == calls_.size()) {
    added.id = delta.id.empty() ? tool_call_id(seed_, added.index) : delta.id;
    added.name = delta.name;
    calls_.push_back({added.id, added.name, {}});
  }
  calls_[added.index].arguments += delta.arguments;
  return added;
}

void ToolCalls::finish() {
  for (ToolCall& call : calls_) {
    if (call.arguments.empty()) call.arguments = "{}";
  }
}

void append_openai_calls(std::string& json, const std::vector<ToolCall>& calls) {
  json += '[';
  for (std::size_t at = 0; at < calls.size(); ++at) {
    json += at == 0 ? "{\"id\":" : ",{\"id\":";
    append_string(json, calls[at].id);
    json += ",\"type\":\"function\",\"function\":{\"name\":";
    append_string(json, calls[at].name);
    json += ",\"arguments\":";
    append_string(json, calls[at].arguments);
    json += "}}";
  }
  json += ']';
}

void ToolCalls::drop_cut() {
  if (calls_.empty()) return;
  const std::string& text = calls_.back().arguments;
  if (!nlohmann::ordered_json::parse(text, nullptr, false).is_object()) calls_.pop_back();
}

void append_legacy_calls(std::string& json, const std::vector<ToolCall>& calls) {
  json += '[';
  for (std::size_t at = 0; at < calls.size(); ++at) {
    json += at == 0 ? "{\"name\":" : ",{\"name\":";
    append_string(json, calls[at].name);
    json += ",\"arguments\":" + object_text(calls[at].arguments) + "}";
  }
  json += ']';
}

std::string object_text(std::string_view text) {
  const auto value = nlohmann::ordered_json::parse(text.begin(), text.end(), nullptr, false);
  return value.is_object() && within_depth(text) ? value.dump() : "{}";
}

}  // namespace selvedge::api
