// Answers: the share of right answers and of refusals, of quotes and of the text model, over a file
// of questions with passages.
//
//   bench/answers QA.jsonl --home DIR --runner build/release/bin/selvedge-runner [--way both]
//
// A line of the file is {"id","kind","lang","question","passages":[…],"gold":[…]}; `kind` is
// answerable, unanswerable (passages about other things) or hard-unanswerable (passages about the
// same thing, without the fact); `lang` is en or zh. A reply is right when it holds a gold answer,
// both without marks, accents and capitals. The models are those that the catalogue of DIR resolves
// for the bot's defaults; generation is greedy. Each question is asked over its own passages, so
// retrieval plays no part.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/utf8.h"
#include "catalog/catalog.h"
#include "inference/local_inference.h"
#include "rag/prompt.h"
#include "rag/quoter.h"

namespace selvedge::bench {
namespace {

namespace asio = boost::asio;
using nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string home;
  std::string runner;
  std::string rows_file;
  std::string way = "quote";
  std::size_t limit = 0;
  std::int32_t tokens_max = 64;
  bool json = false;
};

struct Row {
  std::string id;
  std::string kind;
  std::string lang;
  std::string question;
  std::vector<rag::Passage> passages;
  std::vector<std::string> gold;
};

// What one way made of one row.
struct Reply {
  const Row* row = nullptr;
  std::string text;
  bool right = false;    // Holds a gold answer, before any refusal.
  bool refused = false;  // By the threshold in use.
  double cosine = 0;
  double seconds = 0;
};

Result<std::vector<Row>> read_rows(const Options& options) {
  std::ifstream file(options.file);
  if (!file) return Error{Code::not_found, "cannot read " + options.file};
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    const ordered_json json = ordered_json::parse(line, nullptr, false);
    if (!json.is_object()) return Error{Code::file_invalid, options.file + ": a line is not JSON"};
    Row row;
    row.id = json.value("id", "");
    row.kind = json.value("kind", "");
    row.lang = json.value("lang", "");
    row.question = json.value("question", "");
    row.gold = json.value("gold", std::vector<std::string>());
    for (const std::string& text : json.value("passages", std::vector<std::string>())) {
      row.passages.push_back({std::to_string(row.passages.size()), text, 0});
    }
    rows.push_back(std::move(row));
    if (options.limit != 0 && rows.size() == options.limit) break;
  }
  return rows;
}

// Words in lower case without accents between single spaces; CJK characters side by side.
std::string normalised(std::string_view text) {
  std::string plain = " ";
  for (const rag::Character& character : rag::characters(text)) {
    if (rag::is_cjk(character.code)) {
      utf8::append(plain, character.code);
    } else if (rag::is_word(character.code)) {
      utf8::append(plain, rag::folded(character.code));
    } else if (plain.back() != ' ') {
      plain += ' ';
    }
  }
  if (plain.back() != ' ') plain += ' ';
  return plain;
}

std::string without_spaces(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  return text;
}

// English answers must be whole words: "7" is not in "1970". Chinese has no word ends.
bool holds_gold(const Row& row, std::string_view reply) {
  const std::string in = normalised(reply);
  for (const std::string& gold : row.gold) {
    const std::string wanted = normalised(gold);
    if (row.lang == "zh") {
      const std::string bare = without_spaces(wanted);
      if (!bare.empty() && without_spaces(in).find(bare) != std::string::npos) return true;
    } else if (wanted.size() > 2 && in.find(wanted) != std::string::npos) {
      return true;
    }
  }
  return false;
}

class Runs {
 public:
  Runs(inference::Inference& inference, catalog::Resolved embedding,
       std::optional<catalog::Resolved> text, const Options& options)
      : inference_(inference),
        embedding_(std::move(embedding)),
        text_(std::move(text)),
        options_(options),
        quoter_(inference) {}

  asio::awaitable<Result<Reply>> quote(const Row& row) {
    const auto begun = std::chrono::steady_clock::now();
    inference::EmbedTask task;
    task.role = inference::EmbedRole::query;
    task.texts.push_back(row.question);
    auto embedded = co_await inference_.embed(embedding_, std::move(task));
    SEL_CO_TRY(embeddings, std::move(embedded));
    // Without a threshold, so that every threshold can be held against the cosine afterwards.
    catalog::Resolved never_refuses = embedding_;
    never_refuses.refuse_below_latin = 0;
    never_refuses.refuse_below_cjk = 0;
    auto quoted =
        co_await quoter_.quote(never_refuses, row.question, embeddings.values, row.passages);
    SEL_CO_TRY(made, std::move(quoted));
    Reply reply;
    reply.row = &row;
    reply.cosine = made.cosine;
    reply.refused = made.cosine < rag::refuse_below(embedding_, row.question);
    reply.text = std::move(made.text);
    finish(reply, begun);
    co_return std::move(reply);
  }

  asio::awaitable<Result<Reply>> generate(const Row& row) {
    const auto begun = std::chrono::steady_clock::now();
    inference::GenerateTask task;
    task.messages = rag::prompt_of(row.question, row.passages);
    task.tokens_max = options_.tokens_max;
    task.sampling.temperature = 0;
    auto started = co_await inference_.generate(*text_, std::move(task));
    SEL_CO_TRY(stream, std::move(started));
    Reply reply;
    reply.row = &row;
    for (bool last = false; !last;) {
      auto next = co_await stream->next();
      SEL_CO_TRY(piece, std::move(next));
      reply.text += piece.text;
      last = piece.last;
    }
    const std::string said = normalised(reply.text);
    reply.refused = said.find(" don t know ") != std::string::npos ||
                    said.find(" do not know ") != std::string::npos ||
                    said.find("不知道") != std::string::npos;
    finish(reply, begun);
    co_return std::move(reply);
  }

 private:
  static void finish(Reply& reply, std::chrono::steady_clock::time_point begun) {
    reply.right = holds_gold(*reply.row, reply.text);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun;
    reply.seconds = time.count();
  }

  inference::Inference& inference_;
  catalog::Resolved embedding_;
  std::optional<catalog::Resolved> text_;
  const Options& options_;
  rag::Quoter quoter_;
};

double share(const std::vector<Reply>& replies, std::string_view lang, std::string_view kind,
             bool (*holds)(const Reply&)) {
  double all = 0;
  double held = 0;
  for (const Reply& reply : replies) {
    if (reply.row->lang != lang || reply.row->kind != kind) continue;
    all += 1;
    if (holds(reply)) held += 1;
  }
  return all == 0 ? -1 : held / all;
}

// What each threshold would do, in steps of 0.005 where it changes anything.
ordered_json thresholds(const std::vector<Reply>& replies, const std::string& lang) {
  ordered_json table = ordered_json::array();
  for (int step = 100; step < 200; ++step) {
    const double threshold = step * 0.005;
    std::map<std::string, std::pair<double, double>> refused;
    for (const Reply& reply : replies) {
      if (reply.row->lang != lang) continue;
      auto& counts = refused[reply.row->kind];
      counts.first += reply.cosine < threshold ? 1 : 0;
      counts.second += 1;
    }
    ordered_json line = {{"threshold", threshold}};
    double low = 1;
    double high = 0;
    for (const auto& [kind, counts] : refused) {
      const double part = counts.second == 0 ? 0 : counts.first / counts.second;
      line[kind] = part;
      low = std::min(low, part);
      high = std::max(high, part);
    }
    if (high > 0 && low < 0.5) table.push_back(std::move(line));
  }
  return table;
}

ordered_json summary(const std::vector<Reply>& replies) {
  ordered_json all;
  for (const char* lang : {"en", "zh"}) {
    ordered_json one;
    const auto put = [&](const char* name, const char* kind, bool (*holds)(const Reply&)) {
      const double value = share(replies, lang, kind, holds);
      if (value >= 0) one[name] = value;
    };
    put("right", "answerable", [](const Reply& r) { return r.right && !r.refused; });
    put("right_if_never_refusing", "answerable", [](const Reply& r) { return r.right; });
    put("answerable_refused", "answerable", [](const Reply& r) { return r.refused; });
    put("unanswerable_refused", "unanswerable", [](const Reply& r) { return r.refused; });
    put("hard_unanswerable_refused", "hard-unanswerable", [](const Reply& r) { return r.refused; });
    double seconds = 0;
    std::size_t count = 0;
    for (const Reply& reply : replies) {
      if (reply.row->lang != lang) continue;
      seconds += reply.seconds;
      ++count;
    }
    if (count == 0) continue;
    one["questions"] = count;
    one["seconds_each"] = seconds / static_cast<double>(count);
    all[lang] = std::move(one);
  }
  return all;
}

void print_summary(const ordered_json& way, const std::string& name) {
  for (const auto& [lang, figures] : way.items()) {
    if (lang == "thresholds") continue;
    std::printf("%s, %s:\n", name.c_str(), lang.c_str());
    for (const auto& [figure, value] : figures.items()) {
      const bool plain = figure == "questions" || figure == "seconds_each";
      std::printf("  %-28s %.*f%s\n", figure.c_str(),
                  figure == "questions" ? 0
                  : plain               ? 3
                                        : 1,
                  value.get<double>() * (plain ? 1 : 100), plain ? "" : " %");
    }
  }
  if (!way.contains("thresholds")) return;
  for (const auto& [lang, table] : way["thresholds"].items()) {
    std::printf("share refused by threshold, %s:\n", lang.c_str());
    for (const auto& line : table) std::printf("  %s\n", line.dump().c_str());
  }
}

void write_rows(const Options& options, const std::string& way, const std::vector<Reply>& replies) {
  if (options.rows_file.empty()) return;
  std::ofstream file(options.rows_file, std::ios::app);
  for (const Reply& reply : replies) {
    const ordered_json line = {{"way", way},
                               {"id", reply.row->id},
                               {"kind", reply.row->kind},
                               {"lang", reply.row->lang},
                               {"right", reply.right},
                               {"refused", reply.refused},
                               {"cosine", reply.cosine},
                               {"reply", reply.text}};
    file << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
  }
}

asio::awaitable<Result<ordered_json>> run_way(Runs& runs, const std::string& way,
                                              const std::vector<Row>& rows,
                                              const Options& options) {
  std::vector<Reply> replies;
  for (const Row& row : rows) {
    auto work = way == "quote" ? runs.quote(row) : runs.generate(row);
    auto result = co_await std::move(work);
    SEL_CO_TRY(reply, std::move(result));
    replies.push_back(std::move(reply));
    if (!options.json)
      std::fprintf(stderr, "\r%s %zu/%zu", way.c_str(), replies.size(), rows.size());
  }
  if (!options.json) std::fprintf(stderr, "\n");
  write_rows(options, way, replies);
  ordered_json figures = summary(replies);
  if (way == "quote") {
    for (const char* lang : {"en", "zh"}) {
      ordered_json table = thresholds(replies, lang);
      if (!table.empty()) figures["thresholds"][lang] = std::move(table);
    }
  }
  co_return std::move(figures);
}

asio::awaitable<Result<ordered_json>> run(Runs& runs, const std::vector<Row>& rows,
                                          const Options& options) {
  ordered_json report;
  for (const std::string way : {"quote", "model"}) {
    if (options.way != "both" && options.way != way) continue;
    auto result = co_await run_way(runs, way, rows, options);
    SEL_CO_TRY(figures, std::move(result));
    report[way] = std::move(figures);
  }
  co_return std::move(report);
}

void print(const ordered_json& report, const catalog::Resolved& embedding, const Options& options) {
  if (!options.json) {
    for (const auto& [way, figures] : report.items()) print_summary(figures, way);
    return;
  }
  ordered_json all = {{"embedding_model", embedding.answered_by},
                      {"refuse_below_latin", embedding.refuse_below_latin},
                      {"refuse_below_cjk", embedding.refuse_below_cjk}};
  all.update(report);
  std::printf("%s\n", all.dump(2).c_str());
}

Status main_with(const Options& options) {
  SEL_TRY(rows, read_rows(options));
  SEL_TRY(catalog, catalog::Catalog::open(options.home, catalog::Profile::auto_));
  const rag::BotOptions defaults;
  SEL_TRY(embedding, catalog->resolve(defaults.embedding_model));
  std::optional<catalog::Resolved> text;
  if (options.way != "quote") {
    SEL_TRY(resolved, catalog->resolve(defaults.text_model));
    text = std::move(resolved);
  }
  asio::io_context io;
  inference::InferenceOptions inference_options;
  inference_options.runner = options.runner;
  auto inference = inference::create_inference(io, inference_options);
  Runs runs(*inference, embedding, text, options);
  std::optional<Result<ordered_json>> report;
  auto all = [&]() -> asio::awaitable<void> {
    auto result = co_await run(runs, rows, options);
    report.emplace(std::move(result));
    co_await inference->shut_down();
  };
  asio::co_spawn(io, all(), asio::detached);
  io.run();
  if (!report) return Error{Code::internal, "broken off"};
  if (!report->ok()) return report->error();
  print(report->value(), embedding, options);
  return ok_status();
}

}  // namespace
}  // namespace selvedge::bench

int main(int argc, char** argv) {
  selvedge::bench::Options options;
  CLI::App app("Share of right answers and of refusals over a file of questions");
  app.add_option("file", options.file, "Questions, one JSON object a line")->required();
  app.add_option("--home", options.home, "Folder with the installed models")->required();
  app.add_option("--runner", options.runner, "The selvedge-runner to use")->required();
  app.add_option("--way", options.way, "Who answers")
      ->check(CLI::IsMember({"quote", "model", "both"}));
  app.add_option("--limit", options.limit, "Only the first so many questions");
  app.add_option("--tokens", options.tokens_max, "Longest reply of the text model");
  app.add_option("--rows", options.rows_file, "Append every reply to this file, one JSON a line");
  app.add_flag("--json", options.json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  selvedge::log::start("warn");
  const selvedge::Status status = selvedge::bench::main_with(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "answers: %s (%s)\n", status.error().message.c_str(),
               selvedge::code_name(status.error().code));
  return 1;
}
