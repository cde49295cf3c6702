// AdapterShelf: loading by llama.cpp, which checks the shapes.
#include "engines/adapter_shelf.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace selvedge::engines {

Result<std::shared_ptr<const LoadedAdapter>> AdapterShelf::take(const std::string& path) {
  const auto there = std::ranges::find(loaded_, path, [](const auto& one) { return one->path; });
  if (there != loaded_.end()) {
    (*there)->used_at = ++clock_;
    return std::shared_ptr<const LoadedAdapter>(*there);
  }
  auto one = std::make_shared<LoadedAdapter>();
  std::error_code problem;
  one->bytes = std::filesystem::file_size(path, problem);
  if (problem) return Error{Code::invalid_input, "lora: the adapter's file is not there any more"};
  SEL_TRY(adapter, model_->open_adapter(path));
  one->path = path;
  one->adapter = std::move(adapter);
  one->used_at = ++clock_;
  auto known = std::ranges::find(paths_, path);
  if (known == paths_.end()) known = paths_.insert(paths_.end(), path);
  one->key = static_cast<std::uint64_t>(known - paths_.begin()) + 1;
  loaded_.push_back(one);
  make_room();
  return std::shared_ptr<const LoadedAdapter>(std::move(one));
}

std::uint64_t AdapterShelf::held_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& one : loaded_) bytes += one->bytes;
  return bytes;
}

void AdapterShelf::make_room() {
  while (loaded_.size() > kAdaptersMax || held_bytes() > kBytesMax) {
    auto oldest = loaded_.end();
    for (auto at = loaded_.begin(); at != loaded_.end(); ++at) {
      const bool held = at->use_count() > 1;
      if (held || (oldest != loaded_.end() && (*oldest)->used_at < (*at)->used_at)) continue;
      oldest = at;
    }
    if (oldest == loaded_.end()) return;
    loaded_.erase(oldest);
  }
}

}  // namespace selvedge::engines
