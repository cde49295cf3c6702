// Thin client of …/ai/tomarkdown: files go up as a form, what comes back is printed.
#include "cli/markdown_verb.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "cli/api_client.h"
#include "cli/output.h"

namespace selvedge::cli {
namespace {

constexpr int kSilenceMsMax = 3'600'000;  // The server says nothing until all files are done.

struct MarkdownOptions {
  std::vector<std::string> files;
  std::string type;
  std::string selector;
  std::string hostname;
  bool plain = false;
  bool no_metadata = false;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return Error{Code::not_found, "cannot read \"" + path + "\""};
  return bytes;
}

// What a quoted parameter of a part's header may hold.
std::string quoted(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) text += c;
  }
  return text;
}

Result<std::string> form_of(const MarkdownOptions& options, const std::string& boundary) {
  nlohmann::json wanted = nlohmann::json::object();
  if (options.plain) wanted["output"]["format"] = "text";
  if (options.no_metadata) wanted["pdf"]["metadata"] = false;
  if (!options.selector.empty()) wanted["html"]["cssSelector"] = options.selector;
  if (!options.hostname.empty()) wanted["html"]["hostname"] = options.hostname;
  std::string form = "--" + boundary +
                     "\r\ncontent-disposition: form-data; name=\"conversionOptions\"\r\n\r\n" +
                     wanted.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\r\n";
  for (const std::string& path : options.files) {
    SEL_TRY(bytes, read_file(path));
    form += "--" + boundary + "\r\ncontent-disposition: form-data; name=\"files\"; filename=\"" +
            quoted(std::filesystem::path(path).filename().string()) + "\"\r\n";
    if (!options.type.empty()) form += "content-type: " + quoted(options.type) + "\r\n";
    form.append("\r\n").append(bytes).append("\r\n");
  }
  return form + "--" + boundary + "--\r\n";
}

// A failure of one file does not keep the others from being printed.
void print_results(Context& context, const nlohmann::json& results) {
  bool first = true;
  for (const auto& result : results) {
    if (result.value("format", "") == "error") {
      fail(context,
           Error{Code::file_invalid, result.value("name", "") + ": " + result.value("error", "")});
      continue;
    }
    if (!first) print_line("");
    first = false;
    const std::string text = result.value("data", "");
    print(text);
    if (!text.ends_with('\n')) print_line("");
  }
}

void convert(Context& context, const MarkdownOptions& options) {
  const std::string boundary = random_uuid();
  auto form = form_of(options, boundary);
  if (!form.ok()) return fail(context, form.error());
  const ApiClient client(context.api_url, "server", context.token);
  auto response = client.exchange(
      "POST", "/client/v4/accounts/" + context.account + "/ai/tomarkdown", std::move(form).value(),
      "multipart/form-data; boundary=" + boundary, kSilenceMsMax);
  if (!response.ok()) {
    if (response.error().code != Code::unavailable) return fail(context, response.error());
    return fail(context, Error{Code::unavailable, "no server answers at " + context.api_url +
                                                      "; start one with \"selvedge serve\""});
  }
  if (response->status != 200) {
    return fail(context, said_by_server(response->status, response->body));
  }
  const auto answer = nlohmann::json::parse(response->body, nullptr, false);
  if (!answer.is_object() || !answer.contains("result") || !answer["result"].is_array()) {
    return fail(context, Error{Code::internal, "the server's answer is no list of results"});
  }
  if (!context.json) return print_results(context, answer["result"]);
  print_line(answer["result"].dump(2));
  for (const auto& result : answer["result"]) {
    if (result.value("format", "") == "error") context.exit_code = 1;
  }
}

}  // namespace

void add_markdown_verb(CLI::App& app, Context& context) {
  auto options = std::make_shared<MarkdownOptions>();
  CLI::App* verb = app.add_subcommand("markdown", "Make Markdown of documents");
  verb->add_option("files", options->files, "HTML, PDF, DOCX, XLSX, ODT, ODS, CSV, XML …")
      ->required();
  verb->add_option(
      "--type", options->type,
      "What all of them are, such as \"text/csv; charset=gbk\"; else their names tell");
  verb->add_option("--selector", options->selector, "Of HTML, only what this CSS selector means");
  verb->add_option("--hostname", options->hostname, "What relative links of HTML are relative to");
  verb->add_flag("--plain", options->plain, "Text without Markdown's signs");
  verb->add_flag("--no-metadata", options->no_metadata, "Of PDFs, the contents alone");
  verb->callback([options, &context] { convert(context, *options); });
}

}  // namespace selvedge::cli
