// A thin client of /usage.
#include "cli/usage_verb.h"

#include <array>
#include <cstdio>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/table.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string month;
  std::string by = "model";
  bool csv = false;
};

std::string fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, number);
  return text;
}

// 1234567 -> "1,234,567".
std::string grouped(double number) {
  std::string digits = fixed(number, 0);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

struct Sums {
  double calls = 0;
  double neurons = 0;
  double input_tokens = 0;
  double output_tokens = 0;
};

std::map<std::string, Sums> summed(const json& rows, const std::string& by) {
  std::map<std::string, Sums> sums;
  for (const json& row : rows) {
    const auto name = row.value(by, std::string());
    Sums& sum = sums[name.empty() ? "(none)" : name];
    sum.calls += row.value("calls", 0.0);
    sum.neurons += row.value("neurons", 0.0);
    sum.input_tokens += row.value("input_tokens", 0.0);
    sum.output_tokens += row.value("output_tokens", 0.0);
  }
  return sums;
}

std::string models_text(const json& rows, const std::string& by) {
  Table table({by, "calls", "tokens in", "tokens out", "neurons"});
  for (const auto& [name, sum] : summed(rows, by)) {
    table.add({name, grouped(sum.calls), grouped(sum.input_tokens), grouped(sum.output_tokens),
               fixed(sum.neurons, 2)});
  }
  return table.empty() ? "no model was called\n" : table.text();
}

struct Queried {
  double queries = 0;
  double vectors = 0;
  double dimensions = 0;
};

std::string indexes_text(const json& rows) {
  std::map<std::string, Queried> all;
  for (const json& row : rows) {
    Queried& one =
        all[row.value("account", std::string()) + "/" + row.value("index", std::string())];
    one.queries += row.value("queries", 0.0);
    one.vectors = std::max(one.vectors, row.value("vectors", 0.0));
    one.dimensions = row.value("dimensions", 0.0);
  }
  if (all.empty()) return {};
  Table table({"index", "queries", "vectors", "dimensions"});
  for (const auto& [name, one] : all) {
    table.add({name, grouped(one.queries), grouped(one.vectors), grouped(one.dimensions)});
  }
  return '\n' + table.text();
}

std::string costs_text(const json& accounts) {
  std::string text;
  for (const json& one : accounts) {
    text += "\naccount " + one.value("account", std::string()) + ": $" +
            fixed(one.value("usd", 0.0), 4) + " on Workers Paid; " +
            grouped(one.value("neurons_billed", 0.0)) + " of " +
            fixed(one.value("neurons", 0.0), 2) + " neurons are beyond the free 10,000 a day ($" +
            fixed(one.value("ai_usd", 0.0), 4) + "), " +
            grouped(one.value("queried_dimensions", 0.0)) + " dimensions queried and " +
            grouped(one.value("stored_dimensions", 0.0)) + " stored ($" +
            fixed(one.value("vectorize_usd", 0.0), 4) + ")";
  }
  return text.empty() ? text : text + '\n';
}

std::string quoted(const json& value) {
  if (!value.is_string()) return value.dump();
  std::string text = "\"";
  for (const char c : value.get<std::string>())
    text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

void show(Context& context, const Options& options) {
  const ApiClient client(context.api_url, "server", context.token);
  std::string path = "/usage";
  if (!options.month.empty()) path += "?month=" + http::percent_encoded(options.month);
  const auto answer = client.call("GET", path);
  if (!answer.ok()) return fail(context, answer.error());
  if (context.json) return print_line(answer->dump(2));
  print(options.csv ? usage_csv(*answer) : usage_text(*answer, options.by));
}

}  // namespace

std::string usage_text(const json& month, const std::string& by) {
  return month.value("month", std::string()) + " (UTC)\n\n" +
         models_text(month.value("models", json::array()), by) +
         indexes_text(month.value("indexes", json::array())) +
         costs_text(month.value("accounts", json::array()));
}

std::string usage_csv(const json& month) {
  constexpr std::array kColumns = {
      "day",           "account",  "key",          "model",         "index",
      "calls",         "neurons",  "input_tokens", "cached_tokens", "output_tokens",
      "audio_seconds", "pictures", "queries",      "vectors",       "dimensions"};
  std::string text;
  for (const char* column : kColumns) text += (text.empty() ? "" : ",") + std::string(column);
  text += "\r\n";
  for (const char* list : {"models", "indexes"}) {
    for (const json& row : month.value(list, json::array())) {
      std::string line;
      for (const char* column : kColumns) {
        if (column != kColumns.front()) line += ',';
        if (const auto found = row.find(column); found != row.end()) line += quoted(*found);
      }
      text += line + "\r\n";
    }
  }
  return text;
}

void add_usage_verb(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("usage", "What a month used, and what it would have cost on Cloudflare");
  verb->add_option("--month", options->month, "Month, such as 2026-11; default: this one (UTC)");
  verb->add_option("--by", options->by, "Sum calls up by model, day, key or account")
      ->check(CLI::IsMember({"model", "day", "key", "account"}))
      ->capture_default_str();
  verb->add_flag("--csv", options->csv, "All rows, as CSV");
  verb->callback([options, &context] { show(context, *options); });
}

}  // namespace selvedge::cli
