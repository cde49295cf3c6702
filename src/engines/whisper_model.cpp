// WhisperModel: which heads tell the times of words, and calls of whisper.h.
#include "engines/whisper_model.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "engines/resident_memory.h"

namespace selvedge::engines {
namespace {

// Of the file's head, after its magic number.
struct Sizes {
  std::int32_t vocabulary = 0;
  std::int32_t audio_layers = 0;
  std::int32_t text_layers = 0;
};

bool read_sizes(const std::string& path, Sizes& sizes) {
  std::array<std::int32_t, 10> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(head.data()), sizeof head);
  if (!file) return false;
  sizes = {head[1], head[5], head[9]};
  return true;
}

// The heads of the decoder's attention that follow the audio: known of OpenAI's own models. Of
// others those of the last layer are taken.
whisper_alignment_heads_preset alignment_heads(const Sizes& sizes) {
  constexpr std::int32_t kEnglishVocabulary = 51'864;
  const bool english = sizes.vocabulary == kEnglishVocabulary;
  if (sizes.audio_layers == 4 && sizes.text_layers == 4) {
    return english ? WHISPER_AHEADS_TINY_EN : WHISPER_AHEADS_TINY;
  }
  if (sizes.audio_layers == 6 && sizes.text_layers == 6) {
    return english ? WHISPER_AHEADS_BASE_EN : WHISPER_AHEADS_BASE;
  }
  if (sizes.audio_layers == 12 && sizes.text_layers == 12) {
    return english ? WHISPER_AHEADS_SMALL_EN : WHISPER_AHEADS_SMALL;
  }
  if (sizes.audio_layers == 24 && sizes.text_layers == 24) {
    return english ? WHISPER_AHEADS_MEDIUM_EN : WHISPER_AHEADS_MEDIUM;
  }
  if (sizes.audio_layers == 32 && sizes.vocabulary == 51'866) {
    if (sizes.text_layers == 4) return WHISPER_AHEADS_LARGE_V3_TURBO;
    if (sizes.text_layers == 32) return WHISPER_AHEADS_LARGE_V3;
  }
  if (sizes.audio_layers == 32 && sizes.text_layers == 32) return WHISPER_AHEADS_LARGE_V2;
  return WHISPER_AHEADS_N_TOP_MOST;
}

void receive_log(ggml_log_level level, const char* text, void*) {
  if (level != GGML_LOG_LEVEL_WARN && level != GGML_LOG_LEVEL_ERROR) return;
  std::string_view line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  // How a window is ended, and what follows when a task is taken back.
  for (const char* known : {"encoder_begin_callback", "failed to encode", "failed to decode"}) {
    if (line.find(known) != line.npos) return;
  }
  if (!line.empty()) log::warn("whisper.cpp: {}", line);
}

}  // namespace

Result<std::unique_ptr<WhisperModel>> WhisperModel::open(const std::string& path,
                                                         const LoadProgress& progress) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Error{Code::not_found, "model file " + name + ": not there"};
  }
  Sizes sizes;
  if (!read_sizes(path, sizes)) {
    return Error{Code::model_load_failed, "model file " + name + ": too short"};
  }
  whisper_log_set(&receive_log, nullptr);
  whisper_context_params params = whisper_context_default_params();
  params.use_gpu = false;
  params.flash_attn = false;  // Does not tell the times of words.
  params.dtw_token_timestamps = true;
  params.dtw_aheads_preset = alignment_heads(sizes);
  params.dtw_n_top = 1;
  // Only what is touched of it becomes memory.
  params.dtw_mem_size = 512u << 20;
  progress(0);
  auto model = std::make_unique<WhisperModel>(Private{});
  model->name_ = name;
  model->context_.reset(whisper_init_from_file_with_params_no_state(path.c_str(), params));
  if (!model->context_) {
    return Error{Code::model_load_failed,
                 "model file " + name + ": no speech model that whisper.cpp reads"};
  }
  if (!progress(0.9f)) {
    return Error{Code::cancelled, "model file " + name + ": loading was given up"};
  }
  SEL_CHECK_OK(model->renew_state(false));
  return model;
}

Status WhisperModel::renew_state(bool freed) {
  if (freed) static_cast<void>(state_.release());
  state_.reset(whisper_init_state(context()));
  if (state_) return ok_status();
  return Error{Code::model_load_failed, "model file " + name_ + ": no memory for its state"};
}

std::vector<whisper_token> WhisperModel::tokenize(const std::string& text) const {
  std::vector<whisper_token> tokens(text.size() + 8);
  const int count =
      whisper_tokenize(context(), text.c_str(), tokens.data(), static_cast<int>(tokens.size()));
  tokens.resize(static_cast<std::size_t>(count > 0 ? count : 0));
  const whisper_token text_end = whisper_token_eot(context());
  std::erase_if(tokens, [text_end](whisper_token token) { return token >= text_end; });
  return tokens;
}

wire::Loaded WhisperModel::facts() const {
  wire::Loaded facts;
  facts.architecture = "whisper";
  facts.name = std::string("whisper ") + whisper_model_type_readable(context());
  facts.context_tokens = whisper_n_text_ctx(context());
  facts.training_context_tokens = facts.context_tokens;
  facts.vocabulary_tokens = whisper_n_vocab(context());
  facts.memory_bytes = resident_bytes();
  return facts;
}

}  // namespace selvedge::engines
