// Adapter GGUF: names mapped, rows reordered, tensors copied.
#include "catalog/adapter_gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "base/uuid.h"
#include "catalog/adapter_check.h"
#include "catalog/durable_file.h"
#include "catalog/gguf_check.h"

namespace selvedge::catalog {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kAlignment = 32;
constexpr std::size_t kLayersMax = 1'024;
constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kF16 = 1;

Error bad_config(const std::string& what) {
  return Error{Code::file_invalid, std::string(kAdapterConfigName) + " " + what};
}

Error bad_weights(const std::string& what) {
  return Error{Code::file_invalid, std::string(kAdapterWeightsName) + " " + what};
}

// ---- what the configuration asks for ----

struct Settings {
  std::uint32_t rank = 0;
  bool other_ranks = false;  // Some tensors have another rank.
  float alpha = 0;           // As llama.cpp takes it: the scale is alpha / rank.
};

bool is_on(const json& config, const char* name) {
  const auto found = config.find(name);
  return found != config.end() && *found == true;
}

bool has_any(const json& config, const char* name) {
  const auto found = config.find(name);
  return found != config.end() && found->is_structured() && !found->empty();
}

Result<Settings> settings_of(std::string_view text) {
  SEL_TRY(checked, check_adapter_config(text, {limits::adapter_rank_max, false}));
  // It has passed as an object of bounded size and depth.
  const json config = json::parse(text, nullptr, false);
  for (const char* name : {"use_dora", "fan_in_fan_out"}) {
    if (is_on(config, name))
      return bad_config(std::string("has ") + name + ", which is not served");
  }
  for (const char* name : {"alpha_pattern", "modules_to_save", "trainable_token_indices"}) {
    if (has_any(config, name)) {
      return bad_config(std::string("has a ") + name + ", which is not served");
    }
  }
  Settings settings;
  settings.rank = checked.rank;
  settings.other_ranks = has_any(config, "rank_pattern");
  constexpr double kAlphaUsual = 8;  // PEFT's.
  const auto alpha = config.find("lora_alpha");
  const bool stated = alpha != config.end() && !alpha->is_null();
  if (stated && !alpha->is_number()) return bad_config("has a lora_alpha that is no number");
  double value = stated ? alpha->get<double>() : kAlphaUsual;
  if (is_on(config, "use_rslora")) {
    if (settings.other_ranks) return bad_config("has both use_rslora and a rank_pattern");
    value *= std::sqrt(static_cast<double>(settings.rank));
  }
  settings.alpha = static_cast<float>(value);
  // llama.cpp takes an alpha of 0 for "not stated".
  if (!std::isfinite(settings.alpha) || settings.alpha == 0) {
    return bad_config("has a lora_alpha that leaves no effect");
  }
  return settings;
}

// ---- names ----

enum class Rows : std::uint8_t { as_they_are, of_heads, of_kv_heads };

struct Module {
  std::string_view theirs;
  std::string_view ours;
  Rows rows = Rows::as_they_are;
};
constexpr Module kModules[] = {
    {"self_attn.q_proj", "attn_q", Rows::of_heads},
    {"self_attn.k_proj", "attn_k", Rows::of_kv_heads},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

struct Place {
  std::string name;  // "blk.3.attn_q.weight"
  Rows rows = Rows::as_they_are;
  bool is_a = false;
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Of "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight"; nullopt for what is not
// known.
std::optional<Place> place_of(std::string_view name) {
  Place place;
  const std::size_t mark = name.rfind(".lora_");
  if (mark == name.npos) return std::nullopt;
  std::string_view tail = name.substr(mark + 6);
  if (!take_prefix(tail, "A") && !take_prefix(tail, "B")) return std::nullopt;
  place.is_a = name[mark + 6] == 'A';
  if (tail != ".weight" && tail != ".default.weight") return std::nullopt;
  std::string_view module = name.substr(0, mark);
  take_prefix(module, "base_model.model.");
  if (module == "lm_head") {
    place.name = "output.weight";
    return place;
  }
  // Models with vision have their text model inside.
  while (take_prefix(module, "model.") || take_prefix(module, "language_model.")) {
  }
  if (!take_prefix(module, "layers.")) return std::nullopt;
  std::uint32_t layer = 0;
  const auto read = std::from_chars(module.data(), module.data() + module.size(), layer);
  const auto digits = static_cast<std::size_t>(read.ptr - module.data());
  if (read.ec != std::errc() || layer >= kLayersMax || module.substr(digits, 1) != ".") {
    return std::nullopt;
  }
  module.remove_prefix(digits + 1);
  for (const Module& known : kModules) {
    if (known.theirs != module) continue;
    place.name = "blk." + std::to_string(layer) + "." + std::string(known.ours) + ".weight";
    place.rows = known.rows;
    return place;
  }
  return std::nullopt;
}

// ---- tensors ----

struct Pair {
  const SafetensorsTensor* a = nullptr;  // [rank x inputs]
  const SafetensorsTensor* b = nullptr;  // [outputs x rank]
  Rows rows = Rows::as_they_are;
};

Result<std::map<std::string, Pair>> pairs_of(const std::vector<SafetensorsTensor>& tensors,
                                             const Settings& settings) {
  std::map<std::string, Pair> pairs;
  for (const SafetensorsTensor& tensor : tensors) {
    const auto place = place_of(tensor.name);
    const std::string shown = "\"" + tensor.name.substr(0, 160) + "\"";
    if (!place) return bad_weights("has the tensor " + shown + ", which is not served");
    if (tensor.type != "F32" && tensor.type != "F16" && tensor.type != "BF16") {
      return bad_weights("has the tensor " + shown + " of type " + tensor.type +
                         "; served are F32, F16 and BF16");
    }
    if (tensor.shape.size() != 2 || tensor.shape[0] == 0 || tensor.shape[1] == 0) {
      return bad_weights("has the tensor " + shown + ", which is no matrix");
    }
    Pair& pair = pairs[place->name];
    const SafetensorsTensor*& half = place->is_a ? pair.a : pair.b;
    if (half != nullptr) return bad_weights("has the tensor " + shown + " under two names");
    half = &tensor;
    pair.rows = place->rows;
  }
  for (const auto& [name, pair] : pairs) {
    if (pair.a == nullptr || pair.b == nullptr) {
      return bad_weights("has one half only of the tensor " + name);
    }
    const std::uint64_t rank = pair.a->shape[0];
    if (rank != pair.b->shape[1] || rank > limits::adapter_rank_max ||
        (rank != settings.rank && !settings.other_ranks)) {
      return bad_weights("has matrices for " + name + " whose rank is not the " +
                         std::to_string(settings.rank) + " of " + std::string(kAdapterConfigName));
    }
  }
  return pairs;
}

float float_of_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

bool is_finite_half(std::uint16_t bits) { return (bits & 0x7C00) != 0x7C00; }

std::uint32_t type_of(const SafetensorsTensor& tensor) {
  return tensor.type == "F16" ? kF16 : kF32;
}
std::uint64_t width_of(std::uint32_t type) { return type == kF16 ? 2 : 4; }

// Where row `row` of the file's matrix goes: within each head, the two halves interleave.
std::uint64_t new_row(std::uint64_t row, std::uint64_t head_rows) {
  const std::uint64_t half = head_rows / 2;
  const std::uint64_t in_head = row % head_rows;
  return row - in_head + in_head % half * 2 + in_head / half;
}

// `heads` 0: rows as they are. False: a value that is no number.
bool append_values(std::string& out, std::string_view bytes, const SafetensorsTensor& tensor,
                   std::uint64_t heads) {
  const std::uint64_t rows = tensor.shape[0];
  const std::uint64_t columns = tensor.shape[1];
  const std::uint64_t width = width_of(type_of(tensor));
  const std::size_t begin = out.size();
  out.resize(begin + rows * columns * width);
  const bool half = tensor.type != "F32";
  const std::uint64_t head_rows = heads == 0 ? 0 : rows / heads;
  for (std::uint64_t row = 0; row < rows; ++row) {
    const std::uint64_t to = heads == 0 ? row : new_row(row, head_rows);
    char* into = out.data() + begin + to * columns * width;
    const char* from = bytes.data() + tensor.begin + row * columns * (half ? 2 : 4);
    for (std::uint64_t column = 0; column < columns; ++column, into += width) {
      if (!half) {
        float value = 0;
        std::memcpy(&value, from + column * 4, 4);
        if (!std::isfinite(value)) return false;
        std::memcpy(into, &value, 4);
        continue;
      }
      std::uint16_t bits = 0;
      std::memcpy(&bits, from + column * 2, 2);
      if (width == 2) {
        if (!is_finite_half(bits)) return false;
        std::memcpy(into, &bits, 2);
        continue;
      }
      const float value = float_of_bfloat16(bits);
      if (!std::isfinite(value)) return false;
      std::memcpy(into, &value, 4);
    }
  }
  return true;
}

// ---- the file ----

class GgufText {
 public:
  template <class T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::string_view text) {
    put(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  void put_pair(std::string_view key, std::string_view value) {
    put(key);
    put(std::uint32_t{8});
    put(value);
  }
  void pad() { bytes_.append((kAlignment - bytes_.size() % kAlignment) % kAlignment, '\0'); }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

struct Entry {
  std::string name;
  const SafetensorsTensor* tensor = nullptr;
  std::uint64_t heads = 0;
};

// Architectures whose modules have the names above.
bool takes_adapters(std::string_view architecture) {
  constexpr std::array kKnown = {"llama", "gemma", "gemma2", "gemma3", "qwen2", "qwen3"};
  return std::ranges::find(kKnown, architecture) != kKnown.end();
}

Result<std::vector<Entry>> entries_of(const std::map<std::string, Pair>& pairs,
                                      const AdapterBase& base) {
  std::vector<Entry> entries;
  for (const auto& [name, pair] : pairs) {
    // llama.cpp rotates neighbours where the original rotates halves; its converter reorders the
    // rows of such models.
    const bool reorders = base.architecture == "llama" && pair.rows != Rows::as_they_are;
    const std::uint64_t heads =
        !reorders ? 0 : (pair.rows == Rows::of_heads ? base.heads : base.kv_heads);
    if (reorders && (heads == 0 || pair.b->shape[0] % (heads * 2) != 0)) {
      return Error{Code::invalid_input,
                   "lora: the adapter does not fit the weights that answer: " + name + " has " +
                       std::to_string(pair.b->shape[0]) + " rows, and the model " +
                       std::to_string(heads) + " heads"};
    }
    entries.push_back({name + ".lora_a", pair.a, 0});
    entries.push_back({name + ".lora_b", pair.b, heads});
  }
  return entries;
}

}  // namespace

Result<std::string> adapter_gguf(std::string_view config, std::string_view weights,
                                 const AdapterBase& base) {
  static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");
  if (!takes_adapters(base.architecture)) {
    return Error{Code::lora_unsupported,
                 "weights of architecture " + base.architecture + " take no LoRA adapters here"};
  }
  SEL_TRY(settings, settings_of(config));
  SEL_TRY(tensors, adapter_tensors(weights));
  SEL_TRY(pairs, pairs_of(tensors, settings));
  SEL_TRY(entries, entries_of(pairs, base));

  GgufText file;
  file.bytes() = "GGUF";
  file.put(std::uint32_t{3});
  file.put(static_cast<std::uint64_t>(entries.size()));
  file.put(std::uint64_t{4});
  file.put_pair("general.architecture", base.architecture);
  file.put_pair("general.type", "adapter");
  file.put_pair("adapter.type", "lora");
  file.put(std::string_view("adapter.lora.alpha"));
  file.put(std::uint32_t{6});
  file.put(settings.alpha);
  std::uint64_t offset = 0;
  for (const Entry& entry : entries) {
    const std::uint32_t type = type_of(*entry.tensor);
    file.put(std::string_view(entry.name));
    file.put(std::uint32_t{2});
    file.put(entry.tensor->shape[1]);
    file.put(entry.tensor->shape[0]);
    file.put(type);
    file.put(offset);
    const std::uint64_t bytes = entry.tensor->shape[0] * entry.tensor->shape[1] * width_of(type);
    offset += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  file.pad();
  file.bytes().reserve(file.bytes().size() + offset);
  for (const Entry& entry : entries) {
    if (!append_values(file.bytes(), weights, *entry.tensor, entry.heads)) {
      return bad_weights("has a value in \"" + entry.tensor->name.substr(0, 160) +
                         "\" that is no number");
    }
    file.pad();
  }
  return std::move(file.bytes());
}

namespace {

Result<std::string> read_whole(const fs::path& file, std::size_t bytes_max) {
  std::error_code problem;
  const std::uintmax_t bytes = fs::file_size(file, problem);
  if (problem) {
    return Error{Code::finetune_incomplete,
                 "The adapter's file " + file.filename().string() + " is missing"};
  }
  const Error unreadable{Code::io, "cannot read " + file.filename().string()};
  if (bytes > bytes_max) return unreadable;
  std::string text(bytes, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream) return unreadable;
  return text;
}

}  // namespace

Result<fs::path> converted_adapter(const fs::path& folder, const fs::path& base,
                                   std::string_view base_sha256) {
  // Another base may want another order of rows.
  const fs::path place = folder / ("adapter-" + std::string(base_sha256.substr(0, 16)) + ".gguf");
  std::error_code problem;
  if (fs::is_regular_file(place, problem)) return place;
  SEL_TRY(config, read_whole(folder / kAdapterConfigName, limits::adapter_file_bytes_max));
  SEL_TRY(weights, read_whole(folder / kAdapterWeightsName, limits::adapter_file_bytes_max));
  SEL_TRY(summary, check_gguf(base));
  SEL_TRY(bytes,
          adapter_gguf(config, weights, {summary.architecture, summary.heads, summary.kv_heads}));
  const fs::path partial = folder / (random_uuid() + ".partial");
  Status done = write_durably(partial, bytes);
  if (done.ok()) done = rename_durably(partial, place);
  if (!done.ok()) {
    fs::remove(partial, problem);
    return done.error();
  }
  return place;
}

}  // namespace selvedge::catalog
