// Safetensors header: JSON of bounded size and depth, and tensors that must tile the file.
#include "base/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/shallow_json.h"

namespace selvedge {
namespace {

using nlohmann::json;

// An object of tensors, a tensor, a list of its numbers; metadata is an object of texts.
constexpr int kDepthMax = 4;

struct TensorType {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr TensorType kTensorTypes[] = {{"F64", 8},     {"F32", 4},     {"F16", 2}, {"BF16", 2},
                                       {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4},
                                       {"I16", 2},     {"I8", 1},      {"U64", 8}, {"U32", 4},
                                       {"U16", 2},     {"U8", 1},      {"BOOL", 1}};

Error invalid(const std::string& what) { return Error{Code::file_invalid, "it " + what}; }

std::uint64_t bytes_of_type(const json& value) {
  if (!value.is_string()) return 0;
  const auto& name = value.get_ref<const std::string&>();
  for (const TensorType& type : kTensorTypes) {
    if (type.name == name) return type.bytes;
  }
  return 0;
}

bool read_shape(const json& shape, std::uint64_t elements_max, SafetensorsTensor& tensor) {
  if (!shape.is_array() || shape.size() > kSafetensorsDimensionsMax) return false;
  tensor.elements = 1;
  for (const json& side : shape) {
    if (!side.is_number_unsigned()) return false;
    const auto count = side.get<std::uint64_t>();
    if (count != 0 && tensor.elements > elements_max / count) return false;
    tensor.elements *= count;
    tensor.shape.push_back(count);
  }
  return true;
}

bool is_two_numbers(const json& offsets) {
  return offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
         offsets[1].is_number_unsigned();
}

std::optional<SafetensorsTensor> read_tensor(const std::string& name, const json& entry,
                                             std::uint64_t data_bytes) {
  if (!entry.is_object()) return std::nullopt;
  const auto type = entry.find("dtype");
  const auto shape = entry.find("shape");
  const auto offsets = entry.find("data_offsets");
  if (type == entry.end() || shape == entry.end() || offsets == entry.end()) return std::nullopt;
  const std::uint64_t element_bytes = bytes_of_type(*type);
  if (element_bytes == 0 || !is_two_numbers(*offsets)) return std::nullopt;
  SafetensorsTensor tensor;
  tensor.name = name;
  tensor.type = type->get<std::string>();
  tensor.begin = (*offsets)[0].get<std::uint64_t>();
  tensor.end = (*offsets)[1].get<std::uint64_t>();
  if (!read_shape(*shape, data_bytes / element_bytes, tensor)) return std::nullopt;
  if (tensor.begin > tensor.end || tensor.end > data_bytes) return std::nullopt;
  if (tensor.end - tensor.begin != tensor.elements * element_bytes) return std::nullopt;
  return tensor;
}

// Puts them in the order of the file. They follow each other from the first byte to the last.
bool tile(std::vector<SafetensorsTensor>& tensors, std::uint64_t data_bytes) {
  std::ranges::sort(tensors, {}, [](const SafetensorsTensor& tensor) {
    return std::pair(tensor.begin, tensor.end);
  });
  std::uint64_t at = 0;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.begin != at) return false;
    at = tensor.end;
  }
  return at == data_bytes;
}

Result<std::vector<SafetensorsTensor>> read_header(std::istream& in, std::uint64_t file_bytes) {
  static_assert(std::endian::native == std::endian::little, "the length is read as it lies");
  std::uint64_t header_bytes = 0;
  if (file_bytes < sizeof header_bytes) return invalid("is too short for a header");
  in.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
  if (!in) return Error{Code::io, "it cannot be read"};
  const std::uint64_t rest = file_bytes - sizeof header_bytes;
  if (header_bytes > kSafetensorsHeaderBytesMax || header_bytes > rest) {
    return invalid("has a header that is longer than 16 MiB or than the file");
  }
  std::string text(header_bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(header_bytes));
  if (!in) return Error{Code::io, "it cannot be read"};
  return parse_safetensors_header(text, rest - header_bytes);
}

}  // namespace

Result<std::vector<SafetensorsTensor>> parse_safetensors_header(std::string_view text,
                                                                std::uint64_t data_bytes) {
  const auto header = parse_shallow_object(text, kDepthMax);
  if (!header) return invalid("has a header that is not a JSON object");
  if (header->size() > kSafetensorsTensorsMax) return invalid("has too many tensors");
  std::vector<SafetensorsTensor> tensors;
  for (const auto& [name, entry] : header->items()) {
    if (name == "__metadata__") continue;
    auto tensor = read_tensor(name, entry, data_bytes);
    if (!tensor) return invalid("has a tensor whose type, shape and place do not fit together");
    tensors.push_back(*std::move(tensor));
  }
  if (tensors.empty()) return invalid("holds no tensors");
  if (!tile(tensors, data_bytes)) {
    return invalid("has bytes that belong to no tensor or to several, or ends too early");
  }
  return tensors;
}

Result<std::vector<SafetensorsTensor>> read_safetensors_header(const std::filesystem::path& file) {
  const std::string shown = "\"" + file.filename().string() + "\"";
  std::error_code problem;
  const std::uintmax_t file_bytes = std::filesystem::file_size(file, problem);
  std::ifstream in(file, std::ios::binary);
  if (problem || !in) {
    const bool missing = problem == std::errc::no_such_file_or_directory;
    return Error{missing ? Code::not_found : Code::io, shown + " cannot be opened"};
  }
  auto tensors = read_header(in, file_bytes);
  if (!tensors.ok() && tensors.error().code == Code::file_invalid) {
    return Error{Code::file_invalid,
                 shown + " is not a usable safetensors file: " + tensors.error().message};
  }
  if (!tensors.ok()) return Error{tensors.error().code, shown + ": " + tensors.error().message};
  return tensors;
}

}  // namespace selvedge
