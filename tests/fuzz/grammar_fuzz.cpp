// Fuzzes JSON Schemas: whatever one says it is refused, or a grammar that a completion can follow
// from token to token, in bearable time, and that ends in JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "base/check.h"
#include "base/json_depth.h"
#include "base/utf8.h"
#include "common/common.h"
#include "common/json-schema-to-grammar.h"
#include "common/json.h"
#include "engines/chat_plan.h"
#include "engines/engine_log.h"
#include "engines/grammar_gate.h"
#include "engines/llama_model.h"
#include "engines/schema_bounds.h"
#include "ggml.h"
#include "gguf.h"

namespace {

namespace engines = selvedge::engines;

constexpr llama_token kEnd = 2;  // After <unk> and <s>.
constexpr std::size_t kTokensMax = 48;

// Real vocabularies have these: a grammar that can read them in many ways tries all before it
// refuses the last character.
std::vector<std::string> long_texts() {
  std::vector<std::string> texts;
  for (const std::string one : {"a", "0", "-", "\u2581", ",", "\n"}) {
    std::string run = one + one;
    for (int length = 2; length <= 32; length *= 2, run += run) {
      for (const char* end : {"", "a", "\"", "!"}) texts.push_back(run + end);
    }
  }
  return texts;
}

// The smallest weights that open: what counts is a vocabulary of single bytes, which can say all
// that a grammar allows, and of some long texts.
void write_weights(const std::string& path) {
  constexpr int kWidth = 32;
  gguf_context* file = gguf_init_empty();
  gguf_set_val_str(file, "general.architecture", "llama");
  for (const char* name : {"context_length", "embedding_length", "feed_forward_length"}) {
    gguf_set_val_u32(file, (std::string("llama.") + name).c_str(), kWidth);
  }
  for (const char* name : {"block_count", "attention.head_count"}) {
    gguf_set_val_u32(file, (std::string("llama.") + name).c_str(), 1);
  }
  gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
  gguf_set_val_str(file, "tokenizer.ggml.model", "llama");
  std::vector<std::string> texts = {"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types = {LLAMA_TOKEN_TYPE_UNKNOWN, LLAMA_TOKEN_TYPE_CONTROL,
                                     LLAMA_TOKEN_TYPE_CONTROL};
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    texts.emplace_back(text);
    types.push_back(LLAMA_TOKEN_TYPE_BYTE);
  }
  for (const std::string& text : long_texts()) {
    texts.push_back(text);
    types.push_back(LLAMA_TOKEN_TYPE_NORMAL);
  }
  const int vocabulary = static_cast<int>(texts.size());
  std::vector<const char*> raw;
  for (const std::string& text : texts) raw.push_back(text.c_str());
  const std::vector<float> scores(texts.size(), 0);
  gguf_set_arr_str(file, "tokenizer.ggml.tokens", raw.data(), raw.size());
  gguf_set_arr_data(file, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
  gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
  ggml_context* tensors = ggml_init({1u << 20, nullptr, false});
  const auto add = [&](const std::string& name, int columns, int rows) {
    ggml_tensor* tensor = rows == 0 ? ggml_new_tensor_1d(tensors, GGML_TYPE_F32, columns)
                                    : ggml_new_tensor_2d(tensors, GGML_TYPE_F32, columns, rows);
    ggml_set_name(tensor, name.c_str());
    gguf_add_tensor(file, tensor);
  };
  add("token_embd.weight", kWidth, vocabulary);
  add("output_norm.weight", kWidth, 0);
  for (const char* name : {"attn_norm", "ffn_norm"}) {
    add(std::string("blk.0.") + name + ".weight", kWidth, 0);
  }
  for (const char* name :
       {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
    add(std::string("blk.0.") + name + ".weight", kWidth, kWidth);
  }
  SEL_CHECK(gguf_write_to_file(file, path.c_str(), false));
  ggml_free(tensors);
  gguf_free(file);
}

const engines::LlamaModel& byte_model() {
  static engines::EngineLog log;
  static const auto model = [] {
    std::string path = "/tmp/selvedge-fuzz-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    SEL_CHECK(descriptor >= 0);
    ::close(descriptor);
    write_weights(path);
    auto opened = engines::LlamaModel::open(path, log, [](float) { return true; });
    ::unlink(path.c_str());
    SEL_CHECK(opened.ok());
    return std::move(*opened);
  }();
  return *model;
}

// As bodies are read: what is deeper is refused before.
bool read(std::string_view text, common_json& schema) {
  if (!selvedge::within_depth(text)) return false;
  try {
    schema = common_json::parse(std::string(text));
  } catch (const std::exception&) {
    return false;
  }
  return schema.is_object();
}

bool is_json(const std::string& text) {
  if (!selvedge::utf8::valid(text)) return true;  // Of bytes, a grammar lets more through.
  try {
    (void)common_json::parse(text);
    return true;
  } catch (const std::exception& caught) {
    // A number may be too large for a double.
    return std::string_view(caught.what()).find("out_of_range") != std::string_view::npos;
  }
}

// `choice` decides which of the tokens that are allowed comes.
void follow(const std::string& gbnf, std::string_view choice) {
  engines::GrammarRules rules;
  rules.gbnf = gbnf;
  const auto gate = engines::GrammarGate::open(byte_model(), rules);
  if (!gate.ok()) return;
  const int vocabulary = llama_vocab_n_tokens(byte_model().vocabulary());
  std::string said;
  for (std::size_t step = 0; step < kTokensMax; ++step) {
    std::vector<llama_token_data> tokens;
    for (llama_token token = kEnd; token < vocabulary; ++token) tokens.push_back({token, 0, 0});
    llama_token_data_array array{tokens.data(), tokens.size(), -1, false};
    (*gate)->restrict(array);
    std::vector<llama_token> allowed;
    for (std::size_t at = 0; at < array.size; ++at) {
      if (array.data[at].logit == 0) allowed.push_back(array.data[at].id);
    }
    if (allowed.empty()) return;  // Nothing meets some schemas.
    const auto byte = static_cast<unsigned char>(choice[step % choice.size()]);
    const llama_token token = allowed[(byte + step) % allowed.size()];
    SEL_CHECK((*gate)->allows(token));
    if (token == kEnd) {
      SEL_CHECK(is_json(said));
      return;
    }
    (*gate)->accept(token);
    said += byte_model().piece(token, true);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  common_json schema;
  if (!read(text, schema)) return 0;
  const auto grammar = engines::ChatPlanner::json_grammar(schema.dump());
  if (grammar.ok()) follow(*grammar, text);
  // As parameters of a tool, of which patterns are left out that no grammar can say.
  try {
    const auto bounded = engines::bounded_schema(schema, engines::Patterns::drop);
    if (!bounded.ok()) return 0;
    if (!grammar.ok()) follow(json_schema_to_grammar(*bounded), text);
  } catch (const std::exception&) {
    return 0;  // The planner's own callers catch what llama.cpp throws.
  }
  return 0;
}
