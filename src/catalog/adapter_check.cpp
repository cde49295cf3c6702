// Adapter check: a configuration of bounded size and depth, and the weights' header.
#include "catalog/adapter_check.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/shallow_json.h"

namespace selvedge::catalog {

namespace {

using nlohmann::json;

constexpr std::size_t kConfigBytesMax = 1024 * 1024;
constexpr std::size_t kHeaderBytesMax = 4 * 1024 * 1024;
constexpr int kDepthMax = 16;

Error bad_config(const std::string& what) {
  return Error{Code::file_invalid, std::string(kAdapterConfigName) + " " + what};
}
Error bad_weights(const std::string& what) {
  return Error{Code::file_invalid, std::string(kAdapterWeightsName) + " " + what};
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

// The parser speaks of "it".
Error bad_weights(const Error& error) {
  return Error{error.code, std::string(kAdapterWeightsName) + error.message.substr(2)};
}

bool is_of_lora(const SafetensorsTensor& tensor) {
  return tensor.name.find("lora") != std::string::npos;
}

}  // namespace

Result<AdapterConfig> check_adapter_config(std::string_view text, const AdapterBounds& bounds) {
  if (text.size() > kConfigBytesMax) return bad_config("is larger than 1 MiB");
  const auto config = parse_shallow_object(text, kDepthMax);
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

Result<std::vector<SafetensorsTensor>> adapter_tensors(std::string_view bytes) {
  static_assert(std::endian::native == std::endian::little, "the length is read as it lies");
  std::uint64_t header_bytes = 0;
  if (bytes.size() < sizeof(header_bytes)) return bad_weights("is too short for a header");
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  bytes.remove_prefix(sizeof(header_bytes));
  if (header_bytes > kHeaderBytesMax || header_bytes > bytes.size()) {
    return bad_weights("has a header that is longer than 4 MiB or than the file");
  }
  auto tensors =
      parse_safetensors_header(bytes.substr(0, header_bytes), bytes.size() - header_bytes);
  if (!tensors.ok()) return bad_weights(tensors.error());
  if (std::ranges::none_of(*tensors, is_of_lora)) {
    return bad_weights("has no tensor of a LoRA adapter");
  }
  const std::size_t data_begin = sizeof(header_bytes) + header_bytes;
  for (SafetensorsTensor& tensor : *tensors) {
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
  std::ranges::sort(*tensors, {}, &SafetensorsTensor::name);
  return tensors;
}

}  // namespace selvedge::catalog
