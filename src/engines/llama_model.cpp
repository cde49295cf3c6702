// LlamaModel: calls of llama.h with C++ types around them.
#include "engines/llama_model.h"

#include <filesystem>

#include "engines/engine_log.h"
#include "engines/resident_memory.h"
#include "engines/token_ends.h"

namespace selvedge::engines {
namespace {

struct ProgressCall {
  const LoadProgress& tell;
  bool given_up = false;
};

bool on_progress(float fraction, void* data) {
  auto& call = *static_cast<ProgressCall*>(data);
  if (!call.tell(fraction)) call.given_up = true;
  return !call.given_up;
}

std::string with_architecture(std::string_view key, const std::string& architecture) {
  std::string text(key);
  const std::size_t at = text.find("{arch}");
  if (at != text.npos) text.replace(at, 6, architecture);
  return text;
}

}  // namespace

Result<std::unique_ptr<LlamaModel>> LlamaModel::open(const std::string& path, EngineLog& log,
                                                     const LoadProgress& progress) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Error{Code::not_found, "model file " + name + ": not there"};
  }
  ProgressCall call{progress};
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  params.progress_callback = &on_progress;
  params.progress_callback_user_data = &call;
  log.take_last_error();
  auto model = std::make_unique<LlamaModel>(Private{});
  model->log_ = &log;
  model->model_.reset(llama_model_load_from_file(path.c_str(), params));
  const std::string reason = log.take_last_error();
  if (call.given_up) return Error{Code::cancelled, "model file " + name + ": loading was given up"};
  if (!model->model_) {
    return Error{Code::model_load_failed,
                 "model file " + name + ": " + (reason.empty() ? "not readable" : reason)};
  }
  model->vocabulary_ = llama_model_get_vocab(model->get());
  if (llama_vocab_n_tokens(model->vocabulary_) <= 0 ||
      llama_vocab_type(model->vocabulary_) == LLAMA_VOCAB_TYPE_NONE) {
    return Error{Code::model_load_failed, "model file " + name + ": has no vocabulary"};
  }
  return model;
}

Result<llama_adapter_lora_ptr> LlamaModel::open_adapter(const std::string& path) const {
  log_->take_last_error();
  llama_adapter_lora_ptr adapter(llama_adapter_lora_init(get(), path.c_str()));
  if (adapter) return adapter;
  const std::string reason = log_->take_last_error();
  return Error{Code::invalid_input, "lora: the adapter does not fit the weights that answer: " +
                                        (reason.empty() ? "not readable" : reason)};
}

std::string LlamaModel::metadata(std::string_view key) const {
  std::string full(key);
  if (key.find("{arch}") != key.npos) full = with_architecture(key, architecture());
  std::string value(256, '\0');
  const int bytes = llama_model_meta_val_str(get(), full.c_str(), value.data(), value.size());
  if (bytes < 0) return {};
  if (static_cast<std::size_t>(bytes) >= value.size()) {
    value.resize(static_cast<std::size_t>(bytes) + 1);
    llama_model_meta_val_str(get(), full.c_str(), value.data(), value.size());
  }
  value.resize(static_cast<std::size_t>(bytes));
  return value;
}

std::vector<llama_token> LlamaModel::tokenize(std::string_view text, bool special) const {
  return tokenize(text, false, special);
}

std::vector<llama_token> LlamaModel::tokenize_marked(std::string_view text) const {
  return tokenize(text, true, false);
}

std::vector<llama_token> LlamaModel::tokenize(std::string_view text, bool marked,
                                              bool special) const {
  // A token has at least a byte, but for the marks around them and a space put in front.
  std::vector<llama_token> tokens(text.size() / 2 + 8);
  const auto run = [&] {
    return llama_tokenize(vocabulary_, text.data(), static_cast<std::int32_t>(text.size()),
                          tokens.data(), static_cast<std::int32_t>(tokens.size()), marked, special);
  };
  std::int32_t count = run();
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = run();
  }
  tokens.resize(static_cast<std::size_t>(count > 0 ? count : 0));
  return tokens;
}

std::string LlamaModel::piece(llama_token token, bool special) const {
  std::string bytes(32, '\0');
  const auto run = [&] {
    return llama_token_to_piece(vocabulary_, token, bytes.data(),
                                static_cast<std::int32_t>(bytes.size()), 0, special);
  };
  std::int32_t count = run();
  if (count < 0) {
    bytes.resize(static_cast<std::size_t>(-count));
    count = run();
  }
  bytes.resize(static_cast<std::size_t>(count > 0 ? count : 0));
  return bytes;
}

const VocabularyTexts& LlamaModel::texts() const {
  std::call_once(texts_read_, [this] {
    std::vector<std::string> pieces;
    const llama_token count = llama_vocab_n_tokens(vocabulary_);
    for (llama_token token = 0; token < count; ++token) {
      const bool ends = llama_vocab_is_eog(vocabulary_, token);
      pieces.push_back(ends ? std::string() : piece(token, true));
    }
    texts_ = std::make_unique<const VocabularyTexts>(pieces);
  });
  return *texts_;
}

bool LlamaModel::has_attribute(llama_token token, llama_token_attr attributes) const {
  return (llama_vocab_get_attr(vocabulary_, token) & attributes) != 0;
}

wire::Tokens LlamaModel::tokens_of(const wire::Tokenize& task) const {
  wire::Tokens tokens;
  tokens.task = task.task;
  tokens.ids = tokenize(task.text, false);
  std::vector<std::string> pieces;
  pieces.reserve(tokens.ids.size());
  for (const llama_token token : tokens.ids) {
    const bool unknown = has_attribute(token, LLAMA_TOKEN_ATTR_UNKNOWN);
    pieces.push_back(unknown ? std::string() : piece(token, false));
  }
  tokens.ends = token_ends(task.text, pieces);
  return tokens;
}

wire::Loaded LlamaModel::facts() const {
  wire::Loaded facts;
  facts.architecture = architecture();
  facts.name = metadata("general.name");
  facts.training_context_tokens = llama_model_n_ctx_train(get());
  facts.embedding_dimensions = llama_model_n_embd(get());
  facts.vocabulary_tokens = llama_vocab_n_tokens(vocabulary_);
  facts.has_chat_template = llama_model_chat_template(get(), nullptr) != nullptr;
  facts.memory_bytes = resident_bytes();
  return facts;
}

}  // namespace selvedge::engines
