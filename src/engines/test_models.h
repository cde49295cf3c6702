// Test models: the miniature models that tests of the engines over llama.cpp run.
#pragma once

#include <memory>
#include <string>

#include "engines/llama_model.h"

namespace selvedge::engines {

class EngineLog;

inline constexpr const char* kTinyLlama3 = "tiny-llama3-random.gguf";
inline constexpr const char* kRandomReranker = "random-reranker.gguf";
inline constexpr const char* kRandomDistilbert = "random-distilbert.gguf";
inline constexpr const char* kRandomBge = "random-bge-base-768.gguf";

// Of all models that the tests open.
EngineLog& test_engine_log();

// Opens each model once for all tests of the program. Null (and the test failed) when that does not
// work.
std::shared_ptr<const LlamaModel> open_test_model(const std::string& file);

}  // namespace selvedge::engines
