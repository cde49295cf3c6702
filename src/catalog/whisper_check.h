// Whisper check: reads a file in whisper.cpp's own format with suspicion, before that library sees
// it.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "catalog/gguf_check.h"

namespace selvedge::catalog {

// Of a speech model ("whisper") or of the detector of voices ("silero-vad"). Holds for every file
// that passes: sizes that whisper.cpp works with; every token and tensor lies inside the file, each
// tensor has a name of its own, a known type, at most 4 dimensions (none: one number) and no more
// bytes than there are, and the last ends where the file does. Reads forwards, through one buffer,
// and skips the weights. Errors: not_found, io, file_invalid. Source: whisper_model_load and
// whisper_vad_init_with_params of whisper.cpp 1.8.5.
//
// The file: magic "lmgg"; eleven int32 (vocabulary, audio context, state, heads, layers, text
// context, state, heads, layers, mels, type); mel filters: two int32 and their product in float32;
// an int32 count of tokens, each an int32 length and its bytes; then up to the end tensors: int32
// dimensions, int32 length of the name, int32 type, the dimensions, the name, the data.
Result<GgufSummary> check_whisper(const std::filesystem::path& file);

}  // namespace selvedge::catalog
