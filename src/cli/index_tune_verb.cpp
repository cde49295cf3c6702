// A thin client of …/vectorize/v2/indexes/{name}/recall.
#include "cli/index_tune_verb.h"

#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/table.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

// As it was given: without what float32 adds.
std::string shortest(double number) {
  char text[64];
  std::snprintf(text, sizeof(text), "%g", number);
  return text;
}

struct Options {
  std::string name;
  std::optional<double> recall;
};

void tune(Context& context, const Options& options) {
  const ApiClient client(context.api_url, "server", context.token);
  const std::string path = "/client/v4/accounts/" + http::percent_encoded(context.account) +
                           "/vectorize/v2/indexes/" + http::percent_encoded(options.name) +
                           "/recall";
  const auto answer = options.recall
                          ? client.call("PUT", path, json{{"recall", *options.recall}}.dump())
                          : client.call("GET", path);
  if (!answer.ok()) return fail(context, answer.error());
  const json result = answer->value("result", json::object());
  if (context.json) return print_line(result.dump(2));
  print(tuning_text(result));
}

}  // namespace

std::string tuning_text(const json& result) {
  Table table({"recall", "width", "µs"});
  const double setting = result.value("recall", 0.0);
  bool reached = false;
  for (const json& each : result.value("measured", json::array())) {
    const double recall = each.value("recall", 0.0);
    // The first that finds enough is what queries are answered with.
    const bool mark = !reached && setting < 1 && recall >= setting;
    reached = reached || mark;
    table.add({fixed(recall, 3), std::to_string(each.value("width", 0)),
               fixed(each.value("microseconds", 0.0), 0) + (mark ? "  <-" : "")});
  }
  std::string text = table.empty()
                         ? "nothing is measured yet: every vector is looked at, or linking "
                           "is under way\n"
                         : table.text();
  text += "recall " + shortest(setting);
  if (setting >= 1) {
    text += ": every vector is looked at";
  } else if (!table.empty() && !reached) {
    text += ": more than any width promises; every vector is looked at";
  }
  return text + '\n';
}

void add_index_tune_verb(CLI::App& group, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = group.add_subcommand("tune", "Show what recall costs, and set the index's own");
  verb->add_option("name", options->name, "The index")->required();
  verb->add_option("--recall", options->recall,
                   "Share of the true nearest that queries find, 0 to 1; 1 looks at every vector")
      ->check(CLI::Range(0.0, 1.0));
  verb->callback([options, &context] { tune(context, *options); });
}

}  // namespace selvedge::cli
