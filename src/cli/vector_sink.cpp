// Files are written beside their place and moved there whole.
#include "cli/vector_sink.h"

#include <bit>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "cli/array_file.h"
#include "cli/output.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "numbers are written as they are");

Error io_error(const fs::path& file) {
  return Error{Code::io, file.string() + ": " + std::system_category().message(errno)};
}

// `FILE.part` until it is kept; removed when it is not.
class PartFile {
 public:
  explicit PartFile(fs::path place) : place_(std::move(place)), part_(place_.string() + ".part") {}
  ~PartFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    ::remove(part_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Status open() {
    file_ = std::fopen(part_.c_str(), "wbe");
    return file_ == nullptr ? Status(io_error(part_)) : ok_status();
  }
  Status write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) return io_error(part_);
    return ok_status();
  }
  Status rewrite_start(std::string_view bytes) {
    if (std::fseek(file_, 0, SEEK_SET) != 0) return io_error(part_);
    return write(bytes);
  }
  Status keep() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) return io_error(part_);
    std::error_code failed;
    fs::rename(part_, place_, failed);
    if (failed) return Error{Code::io, place_.string() + ": " + failed.message()};
    return ok_status();
  }

 private:
  fs::path place_;
  fs::path part_;
  std::FILE* file_ = nullptr;
};

template <class Number>
std::string_view bytes_of(const Number* numbers, std::size_t count) {
  return {reinterpret_cast<const char*>(numbers), count * sizeof(Number)};
}

class LineSink final : public VectorSink {
 public:
  Status open(const fs::path& file) {
    if (file.empty()) return ok_status();
    file_.emplace(file);
    return file_->open();
  }
  Status write(const VectorPage& page) override {
    std::string text;
    for (const std::string& line : page.lines) {
      text += line;
      text += '\n';
    }
    if (file_) return file_->write(text);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return io_error("stdout");
    return ok_status();
  }
  Status finish() override {
    if (file_) return file_->keep();
    return std::fflush(stdout) == 0 ? ok_status() : Status(io_error("stdout"));
  }

 private:
  std::optional<PartFile> file_;
};

class TableSink final : public VectorSink {
 public:
  TableSink(const fs::path& file, ExportFormat format, std::size_t dimensions)
      : format_(format), dimensions_(dimensions), file_(file), ids_(file.string() + ".ids") {}

  Status open() {
    SEL_CHECK_OK(file_.open());
    SEL_CHECK_OK(ids_.open());
    return format_ == ExportFormat::npy ? file_.write(npy_header(0, dimensions_)) : ok_status();
  }
  Status write(const VectorPage& page) override {
    for (std::size_t at = 0; at < page.ids.size(); ++at) {
      const auto& values = page.values[at];
      if (values.size() != dimensions_) {
        return Error{Code::internal, "the server sent a vector of another length"};
      }
      if (page.ids[at].find('\n') != std::string::npos) {
        return Error{Code::file_invalid,
                     "an id holds a line break, which a list of ids cannot; export as ndjson"};
      }
      if (format_ == ExportFormat::fvecs) {
        const auto length = static_cast<std::int32_t>(dimensions_);
        SEL_CHECK_OK(file_.write(bytes_of(&length, 1)));
      }
      SEL_CHECK_OK(file_.write(bytes_of(values.data(), values.size())));
      SEL_CHECK_OK(ids_.write(page.ids[at] + "\n"));
      ++rows_;
    }
    return ok_status();
  }
  Status finish() override {
    if (format_ == ExportFormat::npy) {
      SEL_CHECK_OK(file_.rewrite_start(npy_header(rows_, dimensions_)));
    }
    SEL_CHECK_OK(ids_.keep());
    return file_.keep();
  }

 private:
  ExportFormat format_;
  std::size_t dimensions_;
  PartFile file_;
  PartFile ids_;
  std::size_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<VectorSink>> VectorSink::open(const fs::path& file, ExportFormat format,
                                                     std::size_t dimensions) {
  if (format == ExportFormat::ndjson) {
    auto sink = std::make_unique<LineSink>();
    SEL_CHECK_OK(sink->open(file));
    return std::unique_ptr<VectorSink>(std::move(sink));
  }
  auto sink = std::make_unique<TableSink>(file, format, dimensions);
  SEL_CHECK_OK(sink->open());
  return std::unique_ptr<VectorSink>(std::move(sink));
}

}  // namespace selvedge::cli
