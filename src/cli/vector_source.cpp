// NDJSON lines go through as they are; rows of a table become lines.
#include "cli/vector_source.h"

#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <optional>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/array_file.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

void begin_line(VectorLines& lines, std::uint64_t number) {
  lines.starts.push_back(lines.text.size());
  lines.numbers.push_back(number);
}

class TextSource final : public VectorSource {
 public:
  // `file` null: stdin.
  TextSource(fs::path path, std::unique_ptr<std::istream> file, std::uint64_t bytes)
      : path_(std::move(path)), file_(std::move(file)), bytes_(bytes) {}

  Status next(std::size_t count, std::size_t bytes_max, VectorLines& lines) override {
    lines.clear();
    while (lines.starts.size() < count && lines.text.size() < bytes_max) {
      SEL_TRY(more, read_line());
      if (!more) break;
      if (is_blank(line_)) continue;
      begin_line(lines, number_);
      lines.text += line_;
      lines.text += '\n';
    }
    return ok_status();
  }

  std::size_t dimensions() override {
    while (!waiting_) {
      const auto more = read_line();
      if (!more.ok() || !more.value()) return 0;
      waiting_ = !is_blank(line_);
    }
    const auto first = json::parse(line_, nullptr, false);
    if (!first.is_object() || !first.contains("values") || !first["values"].is_array()) return 0;
    return first["values"].size();
  }

  std::uint64_t done() const override { return done_; }
  std::uint64_t total() const override { return bytes_; }
  std::string_view unit() const override { return {}; }
  std::string place(std::uint64_t number) const override {
    return (path_ == "-" ? "stdin" : path_.string()) + ":" + std::to_string(number);
  }

 private:
  std::istream& stream() { return file_ != nullptr ? *file_ : std::cin; }

  // The line that waits, or the next one, into `line_`; false at the end.
  Result<bool> read_line() {
    if (std::exchange(waiting_, false)) return true;
    if (!std::getline(stream(), line_)) {
      if (stream().bad()) return Error{Code::io, path_.string() + " cannot be read"};
      return false;
    }
    ++number_;
    done_ += line_.size() + 1;
    return true;
  }

  fs::path path_;
  std::unique_ptr<std::istream> file_;
  std::uint64_t bytes_;
  std::string line_;
  bool waiting_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t done_ = 0;
};

class TableSource final : public VectorSource {
 public:
  TableSource(fs::path path, ArrayFile table, const VectorSourceOptions& options)
      : path_(std::move(path)),
        table_(std::move(table)),
        id_prefix_(options.id_prefix),
        first_number_(options.first_number) {}

  Status open(const VectorSourceOptions& options) {
    if (!options.ids.empty()) {
      ids_.emplace(options.ids);
      if (!*ids_) return Error{Code::not_found, options.ids.string() + " cannot be opened"};
      ids_path_ = options.ids;
    }
    if (options.scale.empty()) return ok_status();
    SEL_TRY(scale, ArrayFile::open(options.scale));
    if (scale.columns() != 1 || scale.rows() != table_.rows()) {
      return Error{Code::file_invalid, options.scale.string() + " is not one factor for each of " +
                                           std::to_string(table_.rows()) + " rows"};
    }
    scale_.emplace(std::move(scale));
    return ok_status();
  }

  Status next(std::size_t count, std::size_t bytes_max, VectorLines& lines) override {
    lines.clear();
    values_.resize(table_.columns());
    while (lines.starts.size() < count && lines.text.size() < bytes_max && at_ < table_.rows()) {
      SEL_CHECK_OK(read_values());
      SEL_TRY(id, next_id());
      begin_line(lines, at_);
      append_line(id, lines.text);
      ++at_;
    }
    return ok_status();
  }

  std::size_t dimensions() override { return table_.columns(); }
  std::uint64_t done() const override { return at_; }
  std::uint64_t total() const override { return table_.rows(); }
  std::string_view unit() const override { return "vectors"; }
  std::string place(std::uint64_t number) const override {
    return path_.string() + ", row " + std::to_string(number);
  }

 private:
  Status read_values() {
    SEL_CHECK_OK(table_.read(at_, std::span(values_)));
    float factor = 1;
    if (scale_) SEL_CHECK_OK(scale_->read(at_, std::span(&factor, 1)));
    for (float& value : values_) {
      value *= factor;
      if (!std::isfinite(value)) {
        return Error{Code::file_invalid, place(at_) + ": holds a number that is not finite"};
      }
    }
    return ok_status();
  }

  Result<std::string> next_id() {
    if (!ids_) return id_prefix_ + std::to_string(first_number_ + at_);
    std::string id;
    if (!std::getline(*ids_, id)) {
      return Error{Code::file_invalid, ids_path_.string() + " has no line for row " +
                                           std::to_string(at_) + " of " + path_.string()};
    }
    if (id.ends_with('\r')) id.pop_back();
    return id_prefix_ + id;
  }

  void append_line(const std::string& id, std::string& text) const {
    text += "{\"id\":";
    text += json(id).dump(-1, ' ', false, json::error_handler_t::replace);
    text += ",\"values\":[";
    char digits[32];
    for (const float value : values_) {
      text.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
      text += ',';
    }
    text.back() = ']';
    text += "}\n";
  }

  fs::path path_;
  ArrayFile table_;
  std::string id_prefix_;
  std::uint64_t first_number_;
  fs::path ids_path_;
  std::optional<std::ifstream> ids_;
  std::optional<ArrayFile> scale_;
  std::vector<float> values_;
  std::size_t at_ = 0;
};

Error parquet(const fs::path& path) {
  return Error{Code::file_invalid,
               path.string() +
                   " is Parquet, which is not read here. This makes lines of it, of columns named "
                   "id, values and metadata: python3 -c \"import pandas; pandas.read_parquet('" +
                   path.string() + "').to_json('" + path.stem().string() +
                   ".ndjson', orient='records', lines=True)\""};
}

Result<std::unique_ptr<VectorSource>> open_text(const fs::path& path) {
  if (path == "-") {
    return std::unique_ptr<VectorSource>(std::make_unique<TextSource>(path, nullptr, 0));
  }
  std::error_code failed;
  const std::uintmax_t bytes = fs::file_size(path, failed);
  if (failed) {
    const bool missing = failed == std::errc::no_such_file_or_directory;
    return Error{missing ? Code::not_found : Code::io, path.string() + ": " + failed.message()};
  }
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) return Error{Code::io, path.string() + " cannot be opened"};
  std::string start(4, '\0');
  file->read(start.data(), 4);
  if (start == "PAR1") return parquet(path);
  file->clear();
  file->seekg(0);
  return std::unique_ptr<VectorSource>(std::make_unique<TextSource>(path, std::move(file), bytes));
}

}  // namespace

void VectorLines::clear() {
  text.clear();
  starts.clear();
  numbers.clear();
}

std::string_view VectorLines::part(std::size_t begin, std::size_t end) const {
  const std::size_t to = end < starts.size() ? starts[end] : text.size();
  return std::string_view(text).substr(starts[begin], to - starts[begin]);
}

Result<std::unique_ptr<VectorSource>> VectorSource::open(const fs::path& path,
                                                         const VectorSourceOptions& options) {
  const std::string kind = path.extension().string();
  if (kind == ".parquet") return parquet(path);
  if (kind != ".npy" && kind != ".fvecs") {
    if (!options.ids.empty() || !options.id_prefix.empty() || !options.scale.empty()) {
      return Error{Code::invalid_input,
                   path.string() +
                       ": the lines of NDJSON have their ids; --ids, --id-prefix and "
                       "--scale are for .npy and .fvecs"};
    }
    return open_text(path);
  }
  SEL_TRY(table, ArrayFile::open(path));
  auto source = std::make_unique<TableSource>(path, std::move(table), options);
  SEL_CHECK_OK(source->open(options));
  return std::unique_ptr<VectorSource>(std::move(source));
}

}  // namespace selvedge::cli
