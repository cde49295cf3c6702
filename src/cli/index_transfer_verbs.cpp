// Options to transfers; says at the end what was done, and how fast.
#include "cli/index_transfer_verbs.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "cli/index_transfer.h"
#include "cli/output.h"
#include "cli/vector_sink.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr const char* kHostedUrl = "https://api.cloudflare.com/client/v4";

struct ImportOptions {
  std::string name;
  std::vector<std::string> files;
  bool create = false;
  std::size_t dimensions = 0;
  std::string metric = "cosine";
  bool upsert = false;
  std::size_t batch = kTransferVectors;
  VectorSourceOptions source;
};

struct ExportOptions {
  std::string name;
  std::string file;
  ExportFormat format = ExportFormat::ndjson;
};

struct CopyOptions {
  std::string name;
  std::string from;
  std::string from_account;
  std::string to;
  std::string to_account;
  std::string to_name;
};

VectorizePlace running_server(const Context& context) {
  return {context.api_url + "/client/v4", context.account, context.token};
}

// Where nobody answers, people want to know how to start what does.
Error with_advice(Error error, const Context& context) {
  if (error.code == Code::unavailable && error.message.starts_with(context.api_url)) {
    error.message += "; \"selvedge serve\" starts a server";
  }
  return error;
}

// "imported 1000 vectors in 2.5 s, 400/s; ".
std::string told(const char* did, std::uint64_t count, double seconds) {
  char figures[64];
  std::snprintf(figures, sizeof(figures), " vectors in %.1f s, %.0f/s", seconds,
                static_cast<double>(count) / std::max(seconds, 1e-3));
  return did + std::to_string(count) + figures;
}

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

// The index is there afterwards. Errors: those of VectorizeClient, invalid_input (it would have to
// be made and nothing tells its dimensions).
Status ensure_index(VectorizeClient& client, const ImportOptions& options, std::size_t dimensions) {
  auto there = client.index(options.name);
  if (there.ok()) {
    const std::size_t has = there->value("config", json::object()).value("dimensions", 0u);
    if (dimensions == 0 || dimensions == has) return ok_status();
    return Error{Code::invalid_input, options.files.front() + " has " + std::to_string(dimensions) +
                                          " numbers a vector, the index " + options.name + " " +
                                          std::to_string(has)};
  }
  if (there.error().code != Code::index_not_found) return there.error();
  if (!options.create) {
    there.error().message += "; --create makes it";
    return there.error();
  }
  const std::size_t wanted = options.dimensions != 0 ? options.dimensions : dimensions;
  if (wanted == 0) {
    return Error{Code::invalid_input, options.files.front() +
                                          ": its first line has no values that would tell the "
                                          "dimensions; --dimensions does"};
  }
  return client.create(
      {{"name", options.name}, {"config", {{"dimensions", wanted}, {"metric", options.metric}}}});
}

Status import_files(VectorizeClient& client, const ImportOptions& options, LineWriter& writer,
                    bool quiet) {
  VectorSourceOptions source_options = options.source;
  for (const std::string& file : options.files) {
    SEL_TRY(source, VectorSource::open(file, source_options));
    if (&file == &options.files.front()) {
      SEL_CHECK_OK(ensure_index(client, options, source->dimensions()));
    }
    ProgressBar bar(file == "-" ? "stdin" : file, quiet, std::string(source->unit()));
    SEL_CHECK_OK(write_source(*source, options.batch, writer, bar));
    if (!source->unit().empty()) source_options.first_number += source->done();
  }
  return ok_status();
}

void import(Context& context, const ImportOptions& options) {
  if (!options.source.ids.empty() && options.files.size() > 1) {
    return fail(context, Error{Code::invalid_input, "--ids goes with one file"});
  }
  const auto begun = Clock::now();
  VectorizeClient client(running_server(context));
  LineWriter writer(client, options.name, options.upsert ? "upsert" : "insert");
  const Status done = import_files(client, options, writer, context.json);
  if (!done.ok()) {
    Error error = with_advice(done.error(), context);
    if (writer.written() > 0) {
      error.message += " (" + std::to_string(writer.written()) +
                       " vectors before it are written; the same command may be given again)";
    }
    return fail(context, error);
  }
  const double seconds = seconds_since(begun);
  auto count = client.count(options.name);
  if (!count.ok()) return fail(context, count.error());
  if (context.json) {
    return print_line(json({{"index", options.name},
                            {"sent", writer.written()},
                            {"seconds", seconds},
                            {"vectorCount", *count}})
                          .dump(2));
  }
  print_line(told("sent ", writer.written(), seconds) + "; " + options.name + " holds " +
             std::to_string(*count));
}

Result<std::uint64_t> export_index(VectorizeClient& client, const ExportOptions& options,
                                   bool quiet) {
  SEL_TRY(index, client.index(options.name));
  const std::size_t dimensions = index.value("config", json::object()).value("dimensions", 0u);
  ProgressBar bar(options.name, quiet, "vectors");
  SEL_TRY(ids, client.list_ids(options.name, [&](std::uint64_t done, std::uint64_t total) {
    bar.update(done, total, "listing");
  }));
  SEL_TRY(sink, VectorSink::open(options.file, options.format, dimensions));
  std::uint64_t count = 0;
  SEL_CHECK_OK(read_pages(client, options.name, ids, options.format != ExportFormat::ndjson, bar,
                          [&](const VectorPage& page) {
                            count += page.ids.size();
                            return sink->write(page);
                          }));
  SEL_CHECK_OK(sink->finish());
  return count;
}

void run_export(Context& context, const ExportOptions& options) {
  if (options.format != ExportFormat::ndjson && options.file.empty()) {
    return fail(context, Error{Code::invalid_input, "this format needs a file: -o FILE"});
  }
  const auto begun = Clock::now();
  VectorizeClient client(running_server(context));
  auto count = export_index(client, options, context.json);
  if (!count.ok()) return fail(context, with_advice(count.error(), context));
  if (options.file.empty()) return;  // What goes to stdout is the vectors alone.
  const double seconds = seconds_since(begun);
  if (context.json) {
    return print_line(
        json({{"file", options.file}, {"vectors", *count}, {"seconds", seconds}}).dump(2));
  }
  print_line(told("exported ", *count, seconds) + " to " + options.file);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// `place` is "cloudflare", the URL of a server, or empty: the one that client verbs talk to.
// Tokens come from the environment: CLOUDFLARE_API_TOKEN for Cloudflare, else `token_name`, else
// SELVEDGE_TOKEN.
Result<VectorizePlace> place_of(const Context& context, std::string place, std::string account,
                                const char* token_name) {
  if (account.empty()) account = context.account;
  if (place != "cloudflare") {
    while (place.ends_with('/')) place.pop_back();
    const std::string token = environment(token_name);
    return VectorizePlace{(place.empty() ? context.api_url : place) + "/client/v4", account,
                          token.empty() ? context.token : token};
  }
  const std::string token = environment("CLOUDFLARE_API_TOKEN");
  if (token.empty()) {
    return Error{Code::unauthorized, "Cloudflare wants a token: set CLOUDFLARE_API_TOKEN"};
  }
  if (account == "local") {
    return Error{Code::invalid_input,
                 "Cloudflare wants an account: --account ID, or CLOUDFLARE_ACCOUNT_ID"};
  }
  std::string url = environment("CLOUDFLARE_API_BASE_URL");
  while (url.ends_with('/')) url.pop_back();
  return VectorizePlace{url.empty() ? kHostedUrl : url, account, token};
}

// Makes the index as that of the other side is, or finds one of the same kind; then its metadata
// indexes, which the hosted service wants before the vectors.
Status prepare_copy(VectorizeClient& from, VectorizeClient& to, const CopyOptions& options) {
  SEL_TRY(source, from.index(options.name));
  const json config = source.value("config", json::object());
  const json kind = {{"dimensions", config.value("dimensions", json())},
                     {"metric", config.value("metric", json())}};
  auto there = to.index(options.to_name);
  if (there.ok()) {
    const json other = there->value("config", json::object());
    if (other.value("dimensions", json()) != kind["dimensions"] ||
        other.value("metric", json()) != kind["metric"]) {
      return Error{Code::already_exists,
                   "the index " + options.to_name + " is there, with other dimensions or metric"};
    }
  } else if (there.error().code == Code::index_not_found) {
    json body = {{"name", options.to_name}, {"config", kind}};
    const json description = source.value("description", json());
    if (description.is_string() && description != "") body["description"] = description;
    SEL_CHECK_OK(to.create(body));
  } else {
    return there.error();
  }
  SEL_TRY(wanted, from.metadata_indexes(options.name));
  SEL_TRY(known, to.metadata_indexes(options.to_name));
  for (json& each : wanted) {
    const std::string name = each.value("propertyName", "");
    json index = {{"propertyName", name}, {"indexType", each.value("indexType", "")}};
    const bool there_too = std::any_of(known.begin(), known.end(), [&](const json& other) {
      return other.value("propertyName", "") == name;
    });
    if (!there_too) SEL_CHECK_OK(to.create_metadata_index(options.to_name, index));
  }
  return ok_status();
}

Result<std::uint64_t> copy_index(VectorizeClient& from, VectorizeClient& to,
                                 const CopyOptions& options, bool quiet) {
  SEL_CHECK_OK(prepare_copy(from, to, options));
  ProgressBar bar(options.name, quiet, "vectors");
  SEL_TRY(ids, from.list_ids(options.name, [&](std::uint64_t done, std::uint64_t total) {
    bar.update(done, total, "listing");
  }));
  LineWriter writer(to, options.to_name, "upsert");
  SEL_CHECK_OK(read_pages(from, options.name, ids, false, bar, [&](const VectorPage& page) {
    VectorLines lines;
    for (const std::string& line : page.lines) {
      lines.starts.push_back(lines.text.size());
      lines.numbers.push_back(lines.numbers.size());
      lines.text += line + "\n";
    }
    return writer.write(lines, [&](std::uint64_t at) { return "vector \"" + page.ids[at] + "\""; });
  }));
  return writer.written();
}

void copy(Context& context, CopyOptions options) {
  if (options.to_name.empty()) options.to_name = options.name;
  auto from = place_of(context, options.from, options.from_account, "SELVEDGE_FROM_TOKEN");
  if (!from.ok()) return fail(context, from.error());
  auto to = place_of(context, options.to, options.to_account, "SELVEDGE_TO_TOKEN");
  if (!to.ok()) return fail(context, to.error());
  if (from->url == to->url && from->account == to->account && options.to_name == options.name) {
    return fail(context, Error{Code::invalid_input, "--from and --to are the same index"});
  }
  const auto begun = Clock::now();
  VectorizeClient source(std::move(*from));
  VectorizeClient target(std::move(*to));
  auto count = copy_index(source, target, options, context.json);
  if (!count.ok()) return fail(context, with_advice(count.error(), context));
  const double seconds = seconds_since(begun);
  if (context.json) {
    return print_line(
        json({{"index", options.to_name}, {"vectors", *count}, {"seconds", seconds}}).dump(2));
  }
  print_line(told("copied ", *count, seconds) + " to " + options.to_name);
}

void add_import(CLI::App& group, Context& context) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* verb = group.add_subcommand(
      "import", "Write the vectors of files: NDJSON (- is stdin), .npy, .fvecs");
  verb->add_option("name", options->name, "The index")->required();
  verb->add_option("file", options->files, "The files")->required();
  verb->add_flag("--create", options->create, "Make the index where it is missing");
  verb->add_option("--dimensions", options->dimensions, "Of --create; else as the file's vectors");
  verb->add_option("--metric", options->metric, "Of --create")
      ->check(CLI::IsMember({"cosine", "euclidean", "dot-product"}))
      ->capture_default_str();
  verb->add_flag("--upsert", options->upsert, "Replace vectors that are there; else they stay");
  verb->add_option("--batch", options->batch, "Vectors a call")
      ->check(CLI::Range(std::size_t{1}, limits::vectors_per_write_max))
      ->capture_default_str();
  verb->add_option("--id-prefix", options->source.id_prefix,
                   "Before the row numbers that are the ids of .npy and .fvecs");
  verb->add_option("--ids", options->source.ids, "One id a line, instead of row numbers");
  verb->add_option("--scale", options->source.scale, "One factor a row (int8 codes)");
  verb->callback([options, &context] { import(context, *options); });
}

void add_export(CLI::App& group, Context& context) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* verb = group.add_subcommand(
      "export",
      "Read all vectors: the ids as they are at the start, each page as it is when it is read");
  verb->add_option("name", options->name, "The index")->required();
  verb->add_option("-o,--output", options->file, "File; without it stdout");
  const std::map<std::string, ExportFormat> formats = {
      {"ndjson", ExportFormat::ndjson}, {"npy", ExportFormat::npy}, {"fvecs", ExportFormat::fvecs}};
  verb->add_option("--format", options->format,
                   "ndjson, npy or fvecs; the latter two without metadata and namespaces, their "
                   "ids in FILE.ids")
      ->transform(CLI::CheckedTransformer(formats))
      ->default_str("ndjson");
  verb->callback([options, &context] { run_export(context, *options); });
}

void add_copy(CLI::App& group, Context& context) {
  auto options = std::make_shared<CopyOptions>();
  CLI::App* verb = group.add_subcommand(
      "copy",
      "Copy an index with its metadata indexes from one server to another; either may be "
      "\"cloudflare\" (token: CLOUDFLARE_API_TOKEN)");
  verb->add_option("name", options->name, "The index")->required();
  verb->add_option("--from", options->from, "URL or \"cloudflare\"; else the server of --url");
  verb->add_option("--to", options->to, "URL or \"cloudflare\"; else the server of --url");
  verb->add_option("--from-account", options->from_account, "Account there, if not --account");
  verb->add_option("--to-account", options->to_account, "Account there, if not --account");
  verb->add_option("--to-name", options->to_name, "Another name there");
  verb->callback([options, &context] { copy(context, *options); });
}

}  // namespace

void add_index_transfer_verbs(CLI::App& group, Context& context) {
  add_import(group, context);
  add_export(group, context);
  add_copy(group, context);
}

}  // namespace selvedge::cli
