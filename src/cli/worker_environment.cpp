// One list, three ways to write it.
#include "cli/worker_environment.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace selvedge::cli {
namespace {

bool plain(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/:._-+@%,").find(c) != std::string_view::npos;
  });
}

std::string replaced(std::string_view text, char from, std::string_view to) {
  std::string out;
  for (const char c : text) {
    if (c == from) {
      out += to;
    } else {
      out += c;
    }
  }
  return out;
}

// dotenv takes what stands between two equal quotes as it is (between double quotes it reads \n);
// a value with all three kinds cannot be written.
std::string dotenv_value(std::string_view value) {
  if (plain(value)) return std::string(value);
  const std::string escaped = replaced(value, '$', "\\$");
  for (const char quote : {'\'', '`', '"'}) {
    if (value.find(quote) == std::string_view::npos) return quote + escaped + quote;
  }
  return "'" + escaped + "'";
}

}  // namespace

Variables worker_environment(const Context& context) {
  Variables variables = {
      {"CLOUDFLARE_API_BASE_URL", context.api_url + "/client/v4"},
      {"CLOUDFLARE_API_TOKEN", context.token.empty() ? "local" : context.token},
      {"CLOUDFLARE_ACCOUNT_ID", context.account},
      {"WRANGLER_SEND_METRICS", "false"},
      {"CLOUDFLARE_CF_FETCH_ENABLED", "false"},
      {"MINIFLARE_WORKERD_PATH", (context.programs / "selvedge-workerd").string()},
      {"SELVEDGE_URL", context.api_url},
  };
  if (!context.token.empty()) variables.emplace_back("SELVEDGE_TOKEN", context.token);
  return variables;
}

Variables dotenv_environment(const Context& context, bool alone) {
  Variables variables = worker_environment(context);
  if (alone) variables.emplace_back("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", "false");
  return variables;
}

const std::vector<std::string_view>& contrary_variables() {
  static const std::vector<std::string_view> kNames = {
      "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CF_API_KEY",      "CF_EMAIL",
      "CF_API_TOKEN",       "CF_ACCOUNT_ID",    "CF_API_BASE_URL", "WRANGLER_API_ENVIRONMENT",
      "SELVEDGE_ACCOUNT",
  };
  return kNames;
}

std::string shell_form(const Variables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) {
    text += "export " + name + "='" + replaced(value, '\'', "'\\''") + "'\n";
  }
  return text;
}

std::string dotenv_form(const Variables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) text += name + "=" + dotenv_value(value) + "\n";
  return text;
}

std::string json_form(const Variables& variables) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : variables) object[name] = value;
  return object.dump(2) + "\n";
}

}  // namespace selvedge::cli
