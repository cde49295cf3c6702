// Engine alone: the engines' work without frames, processes and HTTP, for `serving.py` to compare.
//
// usage: engine_alone MODEL.gguf text|embedding [--threads N]
//
// Loads the model into this process, prints "ready", then reads one order a line and answers each
// with one line:
//   generate TEXT    one token of a completion of TEXT as a user's message, drawn freely, so that a
//                    prompt asked again is not read again -> milliseconds
//   embed TEXT       a line of texts, separated by tabs -> milliseconds
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "engines/engine_log.h"
#include "engines/llama_loader.h"

namespace {

namespace wire = selvedge::wire;
using selvedge::engines::Engine;
using Clock = std::chrono::steady_clock;

std::vector<std::string> split_tabs(const std::string& line) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == '\t') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// Steps until something comes out that `is_end` accepts; the milliseconds since `start`, or -1.
template <class End>
double run(Engine& engine, Clock::time_point start, End is_end) {
  double first_ms = -1;
  std::vector<wire::Message> events;
  while (engine.has_work()) {
    events.clear();
    if (!engine.step(events).ok()) return -1;
    for (const wire::Message& event : events) {
      if (first_ms < 0 && is_end(event)) {
        first_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      }
    }
  }
  return first_ms;
}

double generate(Engine& engine, const std::string& text, wire::TaskId id) {
  wire::Generate task;
  task.task = id;
  task.messages = {{"user", text}};
  task.tokens_max = 1;
  const auto start = Clock::now();
  if (!engine.start_generate(std::move(task)).ok()) return -1;
  return run(engine, start,
             [](const wire::Message& event) { return std::holds_alternative<wire::Piece>(event); });
}

double embed(Engine& engine, const std::string& line, wire::TaskId id) {
  wire::Embed task;
  task.task = id;
  task.texts = split_tabs(line);
  const auto start = Clock::now();
  if (!engine.start_embed(std::move(task)).ok()) return -1;
  return run(engine, start, [](const wire::Message& event) {
    return std::holds_alternative<wire::Embeddings>(event);
  });
}

}  // namespace

int main(int count, char** arguments) {
  const std::string kind = count > 2 ? arguments[2] : "";
  if (kind != "text" && kind != "embedding") {
    std::fprintf(stderr, "usage: engine_alone MODEL.gguf text|embedding [--threads N]\n");
    return 64;
  }
  const int threads = count > 4 ? std::atoi(arguments[4]) : 1;
  selvedge::engines::EngineLog log;
  wire::Load load;
  load.model_path = arguments[1];
  load.kind = kind == "text" ? wire::ModelKind::text_generation : wire::ModelKind::embedding;
  load.sequences_max = 8;
  load.threads_max = threads;
  auto loaded = selvedge::engines::llama_loader(log)(load, [](float) { return true; });
  if (!loaded.ok()) {
    std::fprintf(stderr, "engine_alone: %s\n", loaded.error().message.c_str());
    return 1;
  }
  Engine& engine = *loaded->engine;
  engine.set_threads(threads);
  std::puts("ready");
  std::fflush(stdout);
  wire::TaskId id = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const bool text = line.starts_with("generate ");
    const std::string rest = line.substr(line.find(' ') + 1);
    std::printf("%.3f\n", text ? generate(engine, rest, ++id) : embed(engine, rest, ++id));
    std::fflush(stdout);
  }
  return 0;
}
