// Adapter check: JSON of bounded size and depth, and tensors that must tile the file.
#include "catalog/adapter_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace selvedge::catalog {

namespace {

using nlohmann::json;

constexpr std::size_t kConfigBytesMax = 1024 * 1024;
constexpr std::size_t kHeaderBytesMax = 4 * 1024 * 1024;
constexpr std::size_t kTensorsMax = 65'536;
constexpr std::size_t kDimensionsMax = 8;
constexpr int kDepthMax = 16;

struct TensorType {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr TensorType kTensorTypes[] = {{"F64", 8},     {"F32", 4},     {"F16", 2}, {"BF16", 2},
                                       {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4},
                                       {"I16", 2},     {"I8", 1},      {"U64", 8}, {"U32", 4},
                                       {"U16", 2},     {"U8", 1},      {"BOOL", 1}};

struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Error invalid(std::string_view file, const std::string& what) {
  return Error{Code::file_invalid, std::string(file) + " " + what};
}

Error bad_config(const std::string& what) { return invalid(kAdapterConfigName, what); }
Error bad_weights(const std::string& what) { return invalid(kAdapterWeightsName, what); }

// Null: no JSON object, or one with more levels than any adapter has.
std::optional<json> parse_shallow(std::string_view text) {
  bool deep = false;
  const auto watch = [&deep](int depth, json::parse_event_t, json&) {
    deep = deep || depth > kDepthMax;
    return !deep;
  };
  json parsed = json::parse(text, watch, false);
  if (deep || !parsed.is_object()) return std::nullopt;
  return parsed;
}

Status check_model_type(const json& config, const AdapterBounds& bounds) {
  const auto type = config.find("model_type");
  if (type == config.end() && !bounds.model_type_needed) return ok_status();
  if (type != config.end() && type->is_string()) {
    const auto& name = type->get_ref<const std::string&>();
    if (!bounds.model_type_needed) return ok_status();
    if (name == "mistral" || name == "gemma" || name == "llama") return ok_status();
  }
  return bad_config("needs a \"model_type\": \"mistral\", \"gemma\" or \"llama\"");
}

std::uint64_t bytes_of_type(const json& value) {
  if (!value.is_string()) return 0;
  const auto& name = value.get_ref<const std::string&>();
  for (const TensorType& type : kTensorTypes) {
    if (type.name == name) return type.bytes;
  }
  return 0;
}

// The bytes that a tensor of this shape takes; nullopt when there is no such tensor, or when they
// are more than `most`.
std::optional<std::uint64_t> bytes_of_shape(const json& shape, std::uint64_t item_bytes,
                                            std::uint64_t most) {
  if (!shape.is_array() || shape.size() > kDimensionsMax || item_bytes == 0) return std::nullopt;
  std::uint64_t bytes = item_bytes;
  for (const json& side : shape) {
    if (!side.is_number_unsigned()) return std::nullopt;
    const auto count = side.get<std::uint64_t>();
    if (count != 0 && bytes > most / count) return std::nullopt;
    bytes *= count;
  }
  return bytes;
}

// Where a tensor lies behind the header.
std::optional<Span> span_of(const json& tensor, std::uint64_t data_bytes) {
  if (!tensor.is_object()) return std::nullopt;
  const auto type = tensor.find("dtype");
  const auto shape = tensor.find("shape");
  const auto offsets = tensor.find("data_offsets");
  if (type == tensor.end() || shape == tensor.end() || offsets == tensor.end()) return std::nullopt;
  const auto bytes = bytes_of_shape(*shape, bytes_of_type(*type), data_bytes);
  const bool two = offsets->is_array() && offsets->size() == 2 &&
                   (*offsets)[0].is_number_unsigned() && (*offsets)[1].is_number_unsigned();
  if (!bytes || !two) return std::nullopt;
  const Span span{(*offsets)[0].get<std::uint64_t>(), (*offsets)[1].get<std::uint64_t>()};
  if (span.begin > span.end || span.end > data_bytes || span.end - span.begin != *bytes) {
    return std::nullopt;
  }
  return span;
}

// The spans follow each other from the first byte to the last.
bool tile(std::vector<Span>& spans, std::uint64_t data_bytes) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Span& span : spans) {
    if (span.begin != at) return false;
    at = span.end;
  }
  return at == data_bytes;
}

}  // namespace

Result<AdapterConfig> check_adapter_config(std::string_view text, const AdapterBounds& bounds) {
  if (text.size() > kConfigBytesMax) return bad_config("is larger than 1 MiB");
  const auto config = parse_shallow(text);
  if (!config) return bad_config("is not a JSON object");
  const auto type = config->find("peft_type");
  if (type == config->end() || *type != "LORA") {
    return bad_config("needs \"peft_type\": \"LORA\": other adapters are not served");
  }
  const auto rank = config->find("r");
  const bool whole = rank != config->end() && rank->is_number_unsigned();
  if (!whole || rank->get<std::uint64_t>() < 1 || rank->get<std::uint64_t>() > bounds.rank_max) {
    return bad_config("needs a rank \"r\" from 1 to " + std::to_string(bounds.rank_max));
  }
  SEL_CHECK_OK(check_model_type(*config, bounds));
  return AdapterConfig{rank->get<std::uint32_t>()};
}

Result<std::vector<AdapterTensor>> adapter_tensors(std::string_view bytes) {
  static_assert(std::endian::native == std::endian::little, "the length is read as it lies");
  std::uint64_t header_bytes = 0;
  if (bytes.size() < sizeof(header_bytes)) return bad_weights("is too short for a header");
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  bytes.remove_prefix(sizeof(header_bytes));
  if (header_bytes > kHeaderBytesMax || header_bytes > bytes.size()) {
    return bad_weights("has a header that is longer than 4 MiB or than the file");
  }
  const auto header = parse_shallow(bytes.substr(0, header_bytes));
  if (!header) return bad_weights("has a header that is not a JSON object");
  if (header->size() > kTensorsMax) return bad_weights("has too many tensors");
  const std::uint64_t data_bytes = bytes.size() - header_bytes;
  const std::size_t data_begin = sizeof(header_bytes) + header_bytes;
  std::vector<Span> spans;
  std::vector<AdapterTensor> tensors;
  bool has_lora = false;
  for (const auto& [name, tensor] : header->items()) {
    if (name == "__metadata__") continue;
    const auto span = span_of(tensor, data_bytes);
    if (!span) return bad_weights("has a tensor whose type, shape and place do not fit together");
    spans.push_back(*span);
    tensors.push_back({name, tensor.at("dtype").get<std::string>(),
                       tensor.at("shape").get<std::vector<std::uint64_t>>(),
                       data_begin + span->begin, data_begin + span->end});
    has_lora = has_lora || name.find("lora") != std::string::npos;
  }
  if (!has_lora) return bad_weights("has no tensor of a LoRA adapter");
  if (!tile(spans, data_bytes)) {
    return bad_weights("has bytes that belong to no tensor or to several, or ends too early");
  }
  return tensors;
}

}  // namespace selvedge::catalog
