// Thin clients of the bot's /knowledge/add and /chat.
#include "cli/knowledge_verbs.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "base/utf8.h"
#include "cli/api_client.h"
#include "cli/output.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

Result<std::string> text_of_file(const std::string& path) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{Code::not_found, "cannot read " + path};
    text << file.rdbuf();
  }
  if (!utf8::valid(text.str())) return Error{Code::file_invalid, path + " is not UTF-8 text"};
  return text.str();
}

void add_text(Context& context, const std::string& text, const std::string& id) {
  json body = {{"text", text}};
  if (!id.empty()) body["id"] = id;
  const ApiClient client(context.bot_url, "bot");
  auto answer = client.call("POST", "/knowledge/add", body.dump());
  if (!answer.ok()) return fail(context, answer.error());
  print_line(context.json ? answer->dump() : answer->value("message", ""));
}

void add_add(CLI::App& app, Context& context) {
  struct Options {
    std::vector<std::string> texts;
    std::vector<std::string> files;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("add", "Add texts to the bot's knowledge");
  verb->add_option("text", options->texts, "The text; several are several entries");
  verb->add_option("--file", options->files, "Add the text of a file (- = standard input)");
  verb->add_option("--id", options->id, "Its id; a known id is replaced (default: a new UUID)");
  verb->callback([options, &context] {
    std::vector<std::string> texts = options->texts;
    for (const std::string& path : options->files) {
      auto text = text_of_file(path);
      if (!text.ok()) return fail(context, text.error());
      texts.push_back(std::move(*text));
    }
    if (texts.empty()) return fail(context, Error{Code::invalid_input, "give a text, or --file"});
    if (!options->id.empty() && texts.size() > 1) {
      return fail(context, Error{Code::invalid_input, "--id names one text, not several"});
    }
    for (const std::string& text : texts) add_text(context, text, options->id);
  });
}

// Prints an answer as it comes; collects it when it is to be JSON.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool as_json) : as_json_(as_json) {}

  void start(std::string_view model, std::string_view answer) {
    collected_["answered_by"] = model;
    collected_["answer_mode"] = answer;
  }

  void event(const http::ServerEvent& event) {
    if (event.data == "[DONE]") {
      done_ = true;
      return;
    }
    const json data = json::parse(event.data, nullptr, false);
    if (!data.is_object()) return;
    if (event.event == "sources") return sources(data);
    if (event.event == "citations") {
      collected_["citations"] = data;
      return;
    }
    if (const auto error = data.find("error"); error != data.end()) error_ = *error;
    if (const auto piece = data.find("response"); piece != data.end() && piece->is_string()) {
      text_ += piece->get_ref<const std::string&>();
      if (!as_json_) print(piece->get_ref<const std::string&>());
    }
  }

  // Ends the output. Errors: what the stream said, or that it broke off.
  Status finish() {
    if (!error_.is_null()) {
      return Error{Code::internal, error_.is_object() ? error_.value("message", "the answer failed")
                                                      : std::string("the answer failed")};
    }
    if (!done_) return Error{Code::io, "the answer broke off"};
    if (as_json_) {
      collected_["response"] = text_;
      print_line(collected_.dump(2));
    } else {
      print_line("");
    }
    return ok_status();
  }

 private:
  void sources(const json& data) {
    collected_["sources"] = data;
    if (as_json_) return;
    for (const json& passage : data.value("passages", json::array())) {
      char score[16];
      std::snprintf(score, sizeof score, "%.3f", passage.value("score", 0.0));
      const std::string text = passage.value("text", "");
      const std::size_t shown = utf8::floor_boundary(text, 120);
      print_line(dim("  " + std::string(score) + "  " + text.substr(0, shown) +
                     (shown < text.size() ? "…" : "")));
    }
    print_line(dim("  " + collected_.value("answer_mode", "") + " by " +
                   collected_.value("answered_by", "")));
  }

  bool as_json_;
  bool done_ = false;
  json collected_ = json::object();
  json error_;
  std::string text_;
};

void add_ask(CLI::App& app, Context& context) {
  struct Options {
    std::string question;
    std::string answer;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("ask", "Ask the bot; prints the passages and the answer");
  verb->add_option("question", options->question, "The question")->required();
  verb->add_option("--answer", options->answer, "Who answers (default: as the bot was started)")
      ->check(CLI::IsMember({"auto", "model", "quote"}));
  verb->callback([options, &context] {
    std::string path = "/chat?sources=1";
    if (!options->answer.empty()) path += "&answer=" + options->answer;
    const ApiClient client(context.bot_url, "bot");
    AnswerPrinter printer(context.json);
    auto status = client.stream(
        path, json({{"question", options->question}}).dump(),
        [&](std::string_view model, std::string_view answer) { printer.start(model, answer); },
        [&](const http::ServerEvent& event) { printer.event(event); });
    if (status.ok()) status = printer.finish();
    if (!status.ok()) fail(context, status.error());
  });
}

}  // namespace

void add_knowledge_verbs(CLI::App& app, Context& context) {
  add_add(app, context);
  add_ask(app, context);
}

}  // namespace selvedge::cli
