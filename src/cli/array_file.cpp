// Maps the file, finds type and shape, copies rows; numbers need not be aligned.
#include "cli/array_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace selvedge::cli {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kHeaderBytes = 128;

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at * sizeof(Number), sizeof(Number));
  return number;
}

template <class From, class To>
void convert(std::string_view bytes, std::span<To> out) {
  for (std::size_t at = 0; at < out.size(); ++at) {
    out[at] = static_cast<To>(number_at<From>(bytes, at));
  }
}

// What stands behind 'key': in the header, a Python dictionary.
std::string_view entry(std::string_view header, std::string_view key) {
  const std::size_t found = header.find(std::string("'") + std::string(key) + "':");
  if (found == std::string_view::npos) return {};
  header.remove_prefix(found + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

}  // namespace

class ArrayFile::Mapping {
 public:
  static Result<std::shared_ptr<const Mapping>> open(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      const Code code = errno == ENOENT ? Code::not_found : Code::io;
      return Error{code, path.string() + ": " + std::system_category().message(errno)};
    }
    struct stat told {};
    const bool regular = ::fstat(file, &told) == 0 && S_ISREG(told.st_mode);
    const auto bytes = regular ? static_cast<std::size_t>(told.st_size) : 0;
    void* at = nullptr;
    if (bytes > 0) at = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    const int failed = errno;
    ::close(file);
    if (!regular) return Error{Code::file_invalid, path.string() + " is no regular file"};
    if (at == MAP_FAILED) {
      return Error{Code::io, path.string() + ": " + std::system_category().message(failed)};
    }
    return std::make_shared<const Mapping>(at, bytes);
  }

  Mapping(void* at, std::size_t bytes) : at_(at), bytes_(bytes) {}
  ~Mapping() {
    if (bytes_ > 0) ::munmap(at_, bytes_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(at_), bytes_}; }

 private:
  void* at_;
  std::size_t bytes_;
};

Result<ArrayFile> ArrayFile::open(const std::filesystem::path& path) {
  ArrayFile file;
  file.name_ = path.string();
  const std::string kind = path.extension().string();
  if (kind != ".npy" && kind != ".fvecs" && kind != ".ivecs") {
    return file.invalid("is none of .npy, .fvecs and .ivecs by its name");
  }
  SEL_TRY(mapping, Mapping::open(path));
  file.mapping_ = mapping;
  if (kind == ".npy") {
    SEL_CHECK_OK(file.open_npy(mapping->bytes()));
  } else {
    const Type type = kind == ".fvecs" ? Type::float32 : Type::int32;
    SEL_CHECK_OK(file.open_vecs(mapping->bytes(), type));
  }
  return file;
}

Status ArrayFile::open_npy(std::string_view bytes) {
  constexpr std::size_t kFixed = 8;  // Magic and version.
  if (!bytes.starts_with(kMagic) || bytes.size() < kFixed + 4) return invalid("is no .npy file");
  const bool first = bytes[6] == 1;
  const std::size_t start = kFixed + (first ? 2 : 4);
  const std::size_t length = first ? number_at<std::uint16_t>(bytes.substr(kFixed), 0)
                                   : number_at<std::uint32_t>(bytes.substr(kFixed), 0);
  if (length > bytes.size() - start) return invalid("ends within its header");
  const std::string_view header = bytes.substr(start, length);
  SEL_CHECK_OK(read_type(header));
  SEL_CHECK_OK(read_shape(header));
  data_ = bytes.substr(start + length);
  const std::size_t row_bytes = columns_ * width(type_);
  if (row_bytes != 0 && rows_ > data_.size() / row_bytes) {
    return invalid("is shorter than its header says");
  }
  return ok_status();
}

Status ArrayFile::read_type(std::string_view header) {
  struct Named {
    std::string_view name;
    Type type;
  };
  constexpr Named kTypes[] = {{"<f4", Type::float32}, {"<f8", Type::float64}, {"|i1", Type::int8},
                              {"|u1", Type::uint8},   {"<i4", Type::int32},   {"<i8", Type::int64}};
  const std::string_view told = entry(header, "descr");
  for (const Named& each : kTypes) {
    if (told.size() < 5 || told.substr(1, 3) != each.name) continue;
    type_ = each.type;
    if (entry(header, "fortran_order").starts_with("False")) return ok_status();
    return invalid("is stored column by column; save numpy.ascontiguousarray(a) instead");
  }
  return invalid("has numbers of a type that is not read; save a.astype('float32') instead");
}

Status ArrayFile::read_shape(std::string_view header) {
  std::string_view shape = entry(header, "shape");
  if (!shape.starts_with('(')) return invalid("is no .npy file");
  shape = shape.substr(1, shape.find(')') - 1);
  std::size_t sizes[2] = {0, 1};
  std::size_t count = 0;
  while (!shape.empty()) {
    shape.remove_prefix(std::min(shape.find_first_not_of(" ,"), shape.size()));
    if (shape.empty()) break;
    if (count == 2) return invalid("has more than two dimensions");
    const auto [end, failed] =
        std::from_chars(shape.data(), shape.data() + shape.size(), sizes[count]);
    if (failed != std::errc()) return invalid("is no .npy file");
    shape.remove_prefix(static_cast<std::size_t>(end - shape.data()));
    ++count;
  }
  if (count == 0) return invalid("holds one number, not a table");
  if (sizes[1] > std::numeric_limits<std::uint32_t>::max()) return invalid("is no .npy file");
  rows_ = sizes[0];
  columns_ = sizes[1];
  return ok_status();
}

Status ArrayFile::open_vecs(std::string_view bytes, Type type) {
  type_ = type;
  lead_bytes_ = sizeof(std::int32_t);
  if (bytes.empty()) return ok_status();
  if (bytes.size() < lead_bytes_) return invalid("ends within its first row");
  const auto length = number_at<std::int32_t>(bytes, 0);
  if (length <= 0) return invalid("does not begin with the length of a row");
  columns_ = static_cast<std::size_t>(length);
  const std::size_t row_bytes = lead_bytes_ + columns_ * width(type);
  if (bytes.size() % row_bytes != 0) return invalid("ends within a row");
  rows_ = bytes.size() / row_bytes;
  data_ = bytes;
  return ok_status();
}

std::size_t ArrayFile::width(Type type) {
  switch (type) {
    case Type::int8:
    case Type::uint8:
      return 1;
    case Type::float32:
    case Type::int32:
      return 4;
    case Type::float64:
    case Type::int64:
      return 8;
  }
  return 0;
}

Result<std::string_view> ArrayFile::row(std::size_t at) const {
  SEL_CHECK(at < rows_);
  const std::size_t row_bytes = lead_bytes_ + columns_ * width(type_);
  const std::string_view bytes = data_.substr(at * row_bytes, row_bytes);
  if (lead_bytes_ > 0 && static_cast<std::size_t>(number_at<std::int32_t>(bytes, 0)) != columns_) {
    return invalid("row " + std::to_string(at) + " has another length than the first one");
  }
  return bytes.substr(lead_bytes_);
}

template <class To>
Status ArrayFile::copy_row(std::size_t at, std::span<To> out) const {
  SEL_CHECK(out.size() == columns_);
  SEL_TRY(bytes, row(at));
  switch (type_) {
    case Type::float32:
      convert<float>(bytes, out);
      break;
    case Type::float64:
      convert<double>(bytes, out);
      break;
    case Type::int8:
      convert<std::int8_t>(bytes, out);
      break;
    case Type::uint8:
      convert<std::uint8_t>(bytes, out);
      break;
    case Type::int32:
      convert<std::int32_t>(bytes, out);
      break;
    case Type::int64:
      convert<std::int64_t>(bytes, out);
      break;
  }
  return ok_status();
}

Status ArrayFile::read(std::size_t at, std::span<float> out) const { return copy_row(at, out); }

Status ArrayFile::read(std::size_t at, std::span<std::int64_t> out) const {
  if (!whole_numbers()) return invalid("holds no whole numbers");
  return copy_row(at, out);
}

Error ArrayFile::invalid(std::string_view what) const {
  return Error{Code::file_invalid, name_ + ": " + std::string(what)};
}

std::string npy_header(std::size_t rows, std::size_t columns) {
  std::string header(kMagic);
  header += {'\x01', '\x00'};
  constexpr std::size_t kLead = 10;
  const auto length = static_cast<std::uint16_t>(kHeaderBytes - kLead);
  header += static_cast<char>(length & 0xFF);
  header += static_cast<char>(length >> 8);
  header += "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
            std::to_string(columns) + "), }";
  header.resize(kHeaderBytes - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace selvedge::cli
