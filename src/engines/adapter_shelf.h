// AdapterShelf: the LoRA adapters that a model has loaded, those used last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engines/llama_model.h"

namespace selvedge::engines {

struct LoadedAdapter {
  std::string path;
  std::uint64_t key = 0;    // Of its path, never 0 and never another one's.
  std::uint64_t bytes = 0;  // About what it takes.
  std::uint64_t used_at = 0;
  llama_adapter_lora_ptr adapter;
};

// An adapter is held by whoever uses it; those that nobody holds make room when there are too many,
// the one used longest ago first.
class AdapterShelf {
 public:
  static constexpr std::size_t kAdaptersMax = 16;
  static constexpr std::uint64_t kBytesMax = 1ull << 30;

  // The adapters go before the model does.
  explicit AdapterShelf(std::shared_ptr<const LlamaModel> model) : model_(std::move(model)) {}

  // Loads it unless it is there. Errors: invalid_input (it does not fit the model, in words), of
  // files that are not there too.
  Result<std::shared_ptr<const LoadedAdapter>> take(const std::string& path);

  std::uint64_t held_bytes() const;

 private:
  void make_room();

  std::shared_ptr<const LlamaModel> model_;
  std::vector<std::shared_ptr<LoadedAdapter>> loaded_;
  std::vector<std::string> paths_;  // All ever seen: a key is a place here, counted from 1.
  std::uint64_t clock_ = 0;
};

}  // namespace selvedge::engines
