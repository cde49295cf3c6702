// GGUF check: reads the header of a weights file with suspicion, before any library sees the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::catalog {

// What the header says. Text is the file's own claim: show it, never trust it.
struct GgufSummary {
  std::uint32_t version = 0;
  std::string architecture;         // "llama", "bert": [a-z0-9.-], at most 64 bytes.
  std::string name;                 // At most 256 bytes of valid UTF-8; may be empty.
  Task task = Task::other;          // Guessed from the architecture, the pooling and the tensors.
  std::int64_t context_tokens = 0;  // 0 = not stated.
  std::int32_t dimensions = 0;  // Width of the hidden state, which embeddings have; 0 = not stated.
  std::uint64_t parameters = 0;  // Elements of all tensors.
  std::uint64_t tensor_count = 0;
  std::uint32_t heads = 0;         // Of attention; 0 = not stated.
  std::uint32_t kv_heads = 0;      // Of keys and values; as many as `heads` where it is not stated.
  bool projects_pictures = false;  // A projector (mmproj) with an encoder of pictures.
  std::uint64_t classifier_outputs = 0;  // Of its head: 1 = it scores pairs; 0 = it has no head.
  // Of a model cut into several files: this one's number from 0, and how many they are. Only the
  // first one says what the model is; the others may have no architecture.
  std::uint32_t split_at = 0;
  std::uint32_t split_count = 1;
  std::uint64_t split_tensors = 0;  // Of all of them; 0 = not stated.
};

// Holds for every file that passes: magic, version 2 or 3, little-endian; every string and array
// lies inside the file; keys and tensor names are unique; every tensor has a known type, at most 4
// dimensions, a size that fits 63 bits, lies at the aligned place that follows its predecessor, and
// ends inside the file. Reads the header only (at most 512 MB of it), through one buffer of 256
// KiB; keeps keys and tensor names only (below 32 MB whatever the file claims). Never maps the
// file. Errors: not_found, io, file_invalid (the message names the file and what is wrong with it).
// Source: the GGUF specification of ggml.
Result<GgufSummary> check_gguf(const std::filesystem::path& file);

}  // namespace selvedge::catalog
