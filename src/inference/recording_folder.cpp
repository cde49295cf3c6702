// Recording folder: names, versions, and writing by renaming.
#include "inference/recording_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <utility>

#include <unistd.h>

#include "base/json_depth.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "catalog/task_names.h"

namespace selvedge::inference {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "selvedge-recording";
constexpr int kVersion = 1;
constexpr std::string_view kExtension = ".json";
constexpr std::size_t kInlineBytes = 100;

// The members of an object in the order in which people read a recording.
std::vector<std::string> reading_order(const json& object) {
  std::vector<std::string> keys;
  for (const char* first : {"format", "version", "kind", "model", "request"}) {
    if (object.contains(first)) keys.emplace_back(first);
  }
  const auto named = static_cast<std::ptrdiff_t>(keys.size());
  for (const auto& [key, member] : object.items()) {
    if (std::find(keys.begin(), keys.begin() + named, key) == keys.begin() + named) {
      keys.push_back(key);
    }
  }
  return keys;
}

// What is short, and lists of numbers, on one line: so a file reads well, and a vector is no page.
void append_readable(std::string& text, const json& value, std::size_t depth) {
  const std::string compact = value.dump(-1, ' ', false, json::error_handler_t::replace);
  const bool numbers =
      value.is_array() && !value.empty() &&
      std::all_of(value.begin(), value.end(), [](const json& each) { return each.is_number(); });
  if (compact.size() <= kInlineBytes || numbers || !value.is_structured()) {
    text += compact;
    return;
  }
  std::string separator = "\n" + std::string(depth * 2 + 2, ' ');
  const auto append = [&](const std::string& key, const json& member) {
    text += separator + key;
    append_readable(text, member, depth + 1);
    if (separator.front() != ',') separator.insert(0, ",");
  };
  text += value.is_object() ? '{' : '[';
  if (value.is_object()) {
    for (const std::string& key : reading_order(value)) {
      append(json(key).dump() + ": ", value[key]);
    }
  } else {
    for (const json& member : value) append({}, member);
  }
  text += "\n" + std::string(depth * 2, ' ') + (value.is_object() ? '}' : ']');
}

std::string file_name(const std::string& name, std::uint32_t number) {
  return number == 1 ? name : name + "-" + std::to_string(number);
}

std::string model_file_name(std::string_view id) {
  constexpr std::size_t kDigits = 8;
  std::string name = "model";
  for (const char c : id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_';
    if (plain) {
      name += c;
    } else if (name.back() != '-') {
      name += '-';
    }
  }
  Sha256 hash;
  hash.add(id);
  return name + "-" + hash.hex().substr(0, kDigits);
}

// "generate-<64 digits>" or "generate-<64 digits>-2", without the extension.
struct CallFile {
  std::string name;
  std::uint32_t number = 1;
};
std::optional<CallFile> call_file(std::string_view stem) {
  constexpr std::size_t kDigits = 64;
  const std::size_t dash = stem.find('-');
  if (dash == stem.npos || stem.size() < dash + 1 + kDigits) return std::nullopt;
  const std::string_view kind = stem.substr(0, dash);
  if (kind != "generate" && kind != "embed" && kind != "rank" && kind != "tokenize" &&
      kind != "transcribe" && kind != "draw") {
    return std::nullopt;
  }
  CallFile file{std::string(stem.substr(0, dash + 1 + kDigits)), 1};
  std::string_view rest = stem.substr(file.name.size());
  if (rest.empty()) return file;
  if (!rest.starts_with('-')) return std::nullopt;
  rest.remove_prefix(1);
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), file.number);
  const bool whole = read.ec == std::errc() && read.ptr == rest.data() + rest.size();
  return whole && file.number > 1 ? std::optional(file) : std::nullopt;
}

// What weights want where a call says nothing becomes a part of the call. Null: nothing.
json habits_json(const catalog::DrawingHabits& habits) {
  json out;
  if (habits.steps > 0) out["steps"] = habits.steps;
  if (habits.guidance > 0) out["guidance"] = habits.guidance;
  if (!habits.sampler.empty()) out["sampler"] = habits.sampler;
  if (!habits.scheduler.empty()) out["scheduler"] = habits.scheduler;
  return out;
}

json model_json(const catalog::Resolved& model) {
  json content = {{"format", kFormat},
                  {"version", kVersion},
                  {"kind", "model"},
                  {"model", model.entry->id},
                  {"weights", utf8::repaired(model.answered_by)},
                  {"sha256", model.sha256},
                  {"stand_in", model.stand_in},
                  {"weights_task", catalog::task_name(model.weights_task)},
                  {"reader", model.reader},
                  {"query_prefix", utf8::repaired(model.query_prefix)},
                  {"passage_prefix", utf8::repaired(model.passage_prefix)},
                  {"refuse_below_latin", model.refuse_below_latin},
                  {"refuse_below_cjk", model.refuse_below_cjk}};
  if (json habits = habits_json(model.drawing); !habits.is_null()) {
    content["drawing"] = std::move(habits);
  }
  return content;
}

Status take(const json& object, const char* name, std::string& into) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return Error{Code::corrupt_data, "`" + std::string(name) + "` is no text"};
  }
  into = found->get<std::string>();
  return ok_status();
}
Status take(const json& object, const char* name, bool& into) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_boolean()) {
    return Error{Code::corrupt_data, "`" + std::string(name) + "` is no boolean"};
  }
  into = found->get<bool>();
  return ok_status();
}
Status take(const json& object, const char* name, double& into) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number() || !std::isfinite(found->get<double>())) {
    return Error{Code::corrupt_data, "`" + std::string(name) + "` is no number"};
  }
  into = found->get<double>();
  return ok_status();
}

Result<catalog::DrawingHabits> habits_from(const json& content) {
  catalog::DrawingHabits habits;
  if (!content.is_object()) return Error{Code::corrupt_data, "`drawing` is no object"};
  double steps = 0;
  if (content.contains("steps")) SEL_CHECK_OK(take(content, "steps", steps));
  if (!(steps >= 0 && steps <= limits::picture_steps_max)) {
    return Error{Code::corrupt_data, "`steps` is no count"};
  }
  habits.steps = static_cast<std::int32_t>(steps);
  if (content.contains("guidance")) SEL_CHECK_OK(take(content, "guidance", habits.guidance));
  if (content.contains("sampler")) SEL_CHECK_OK(take(content, "sampler", habits.sampler));
  if (content.contains("scheduler")) SEL_CHECK_OK(take(content, "scheduler", habits.scheduler));
  return habits;
}

// All but the entry.
Result<catalog::Resolved> model_from(const json& content) {
  catalog::Resolved model;
  SEL_CHECK_OK(take(content, "model", model.requested));
  SEL_CHECK_OK(take(content, "weights", model.answered_by));
  SEL_CHECK_OK(take(content, "sha256", model.sha256));
  SEL_CHECK_OK(take(content, "stand_in", model.stand_in));
  std::string task(catalog::task_name(catalog::Task::other));
  // Older recordings have none: their weights did what was asked.
  if (content.contains("weights_task")) SEL_CHECK_OK(take(content, "weights_task", task));
  model.weights_task = catalog::task_from_name(task).value_or(catalog::Task::other);
  SEL_CHECK_OK(take(content, "reader", model.reader));
  SEL_CHECK_OK(take(content, "query_prefix", model.query_prefix));
  SEL_CHECK_OK(take(content, "passage_prefix", model.passage_prefix));
  SEL_CHECK_OK(take(content, "refuse_below_latin", model.refuse_below_latin));
  SEL_CHECK_OK(take(content, "refuse_below_cjk", model.refuse_below_cjk));
  if (const auto drawing = content.find("drawing"); drawing != content.end()) {
    SEL_TRY(habits, habits_from(*drawing));
    model.drawing = std::move(habits);
  }
  return model;
}

Status check_head(const json& content, std::string_view kind) {
  const auto member = [&](const char* name) {
    const auto found = content.find(name);
    return found == content.end() ? json() : *found;
  };
  if (!content.is_object() || member("format") != kFormat) {
    return Error{Code::corrupt_data, "it is no recording of Selvedge"};
  }
  if (member("version") != kVersion) {
    return Error{Code::corrupt_data,
                 "its version is not " + std::to_string(kVersion) + ", which this program reads"};
  }
  if (member("kind") == kind) return ok_status();
  return Error{Code::corrupt_data, "its kind is not " + std::string(kind)};
}

Result<std::string> read_bytes(const std::filesystem::path& path) {
  std::error_code failed;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failed);
  if (failed) return Error{Code::io, "cannot read it: " + failed.message()};
  if (bytes > limits::frame_bytes_max) return Error{Code::corrupt_data, "it is too large"};
  std::string text(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file) return Error{Code::io, "cannot read it"};
  return text;
}

}  // namespace

Result<std::shared_ptr<RecordingFolder>> RecordingFolder::create(
    const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed || ::access(path.c_str(), W_OK | X_OK) != 0) {
    return Error{Code::io, "cannot write recordings into " + path.string() +
                               (failed ? ": " + failed.message() : "")};
  }
  return std::make_shared<RecordingFolder>(path);
}

Result<std::shared_ptr<RecordingFolder>> RecordingFolder::open(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    return Error{Code::not_found, "there is no folder of recordings " + path.string() +
                                      ": make one with --record " + path.string()};
  }
  auto folder = std::make_shared<RecordingFolder>(path);
  SEL_CHECK_OK(folder->list());
  return folder;
}

Status RecordingFolder::list() {
  std::error_code failed;
  for (std::filesystem::directory_iterator at(path_, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::filesystem::path& file = at->path();
    if (file.extension() != kExtension) continue;
    const std::string stem = file.stem().string();
    if (const auto call = call_file(stem)) {
      numbers_[call->name].push_back(call->number);
    } else if (stem.starts_with("model-")) {
      SEL_TRY(content, read_file(stem, "model"));
      auto model = model_from(content);
      if (!model.ok()) {
        return Error{Code::corrupt_data,
                     "the recording " + file.string() + ": " + model.error().message};
      }
      const std::string id = model->requested;
      models_[id] = std::move(model).value();
    }
  }
  if (failed) return Error{Code::io, "cannot read " + path_.string() + ": " + failed.message()};
  for (auto& [name, numbers] : numbers_) std::sort(numbers.begin(), numbers.end());
  return ok_status();
}

Status RecordingFolder::write(const AskedCall& call, std::uint32_t number, const json& answer) {
  const json content = {{"format", kFormat},   {"version", kVersion},     {"kind", call.kind},
                        {"model", call.model}, {"request", call.request}, {"answer", answer}};
  return write_file(file_name(call.name(), number), content);
}

Status RecordingFolder::write_model(const catalog::Resolved& model) {
  const json content = model_json(model);
  {
    const std::lock_guard lock(state_mutex_);
    const auto known = models_.find(model.entry->id);
    if (known != models_.end() && model_json(known->second) == content) return ok_status();
    models_[model.entry->id] = model;
  }
  return write_file(model_file_name(model.entry->id), content);
}

std::vector<std::uint32_t> RecordingFolder::numbers(std::string_view name) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? std::vector<std::uint32_t>() : found->second;
}

Result<json> RecordingFolder::read(const AskedCall& call, std::uint32_t number) const {
  const std::string name = file_name(call.name(), number);
  SEL_TRY(content, read_file(name, call.kind));
  const auto answer = content.find("answer");
  if (answer != content.end()) return json(std::move(*answer));
  return Error{Code::corrupt_data,
               "the recording " + (path_ / (name + ".json")).string() + ": `answer` is missing"};
}

Result<catalog::Resolved> RecordingFolder::model(const catalog::ModelEntry& entry) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = models_.find(entry.id);
  if (found == models_.end()) {
    return Error{Code::model_not_installed,
                 "model \"" + entry.id + "\" is not recorded in " + path_.string() +
                     ": start the server with --record " + path_.string() +
                     " where the model is installed, and call it once"};
  }
  catalog::Resolved model = found->second;
  model.entry = &entry;
  return model;
}

Status RecordingFolder::write_file(const std::string& name, const json& content) {
  std::uint64_t unique = 0;
  {
    const std::lock_guard lock(state_mutex_);
    unique = ++files_written_;
  }
  std::string text;
  append_readable(text, content, 0);
  text += '\n';
  const std::filesystem::path path = path_ / (name + std::string(kExtension));
  const std::filesystem::path part =
      path_ / ("." + name + "." + std::to_string(::getpid()) + "." + std::to_string(unique));
  std::ofstream file(part, std::ios::binary);
  file << text;
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(part, path, failed);
  if (file && !failed) return ok_status();
  std::filesystem::remove(part, failed);
  return Error{Code::io, "cannot write the recording " + path.string()};
}

Result<json> RecordingFolder::read_file(const std::string& name, std::string_view kind) const {
  const std::filesystem::path path = path_ / (name + std::string(kExtension));
  const auto named = [&path](Error error) {
    error.message = "the recording " + path.string() + ": " + error.message;
    return error;
  };
  auto text = read_bytes(path);
  if (!text.ok()) return named(std::move(text.error()));
  json content =
      within_depth(*text) ? json::parse(*text, nullptr, false) : json(json::value_t::discarded);
  if (content.is_discarded()) return named(Error{Code::corrupt_data, "it is no JSON"});
  const Status head = check_head(content, kind);
  if (!head.ok()) return named(head.error());
  return content;
}

}  // namespace selvedge::inference
