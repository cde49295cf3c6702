// Generation: tokens a second of a runner, reading prompts and writing completions.
//
// usage: generation MODEL.gguf [--runner PATH] [--threads N] [--repetitions N] [--json]
//
// Starts the runner over a socket pair, as the server does, and measures like llama-bench: pp512 is
// a prompt of 512 tokens with one token written, tg128 the time between the first and the last of
// 128 tokens, for 1 and for 8 sequences. Medians of the repetitions; nothing is cached between
// them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "child_runner.h"

namespace {

using selvedge::scripted::ChildRunner;
namespace wire = selvedge::wire;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  std::string runner;
  int threads = 1;
  int repetitions = 3;
  bool json = false;
};

struct Figures {
  int sequences = 0;
  double prompt_tokens_per_s = 0;
  double generation_tokens_per_s = 0;
  double first_token_ms = 0;
};

struct Run {
  bool ok = false;
  double prompt_s = 0;  // To the last sequence's first token.
  double generation_s = 0;
  int prompt_tokens = 0;
  int generated_tokens = 0;  // Within generation_s.
};

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// About `tokens` tokens of plain words, different for every `salt` so that nothing is cached.
std::string prompt_text(int tokens, unsigned salt) {
  static const char* words[] = {" time", " people", " way",  " water",
                                " day",  " part",   " work", " place"};
  std::string text = std::to_string(salt);
  unsigned state = salt * 2654435761u + 12345u;
  for (int at = 0; at < tokens - 16; ++at) {
    state = state * 1664525u + 1013904223u;
    text += words[state >> 29];
  }
  return text;
}

Run run_once(ChildRunner& runner, int sequences, int prompt_tokens, int tokens_max) {
  static wire::TaskId next_task = 1;
  std::map<wire::TaskId, bool> started;
  const auto start = Clock::now();
  for (int at = 0; at < sequences; ++at) {
    wire::Generate task;
    task.task = next_task++;
    task.prompt = prompt_text(prompt_tokens, static_cast<unsigned>(task.task));
    task.raw = true;
    task.tokens_max = tokens_max;
    task.sampling.temperature = 0;
    started[task.task] = false;
    runner.send(task);
  }
  Run run;
  int waiting = sequences;
  int finished = 0;
  int tokens_before = 0;
  int tokens = 0;
  auto all_started = start;
  while (finished < sequences) {
    auto message = runner.next(std::chrono::milliseconds(120'000));
    if (!message) return run;
    if (const auto* piece = std::get_if<wire::Piece>(&*message)) {
      tokens += piece->tokens;
      if (waiting > 0 && !std::exchange(started[piece->task], true) && --waiting == 0) {
        all_started = Clock::now();
        tokens_before = tokens;
      }
    } else if (const auto* last = std::get_if<wire::Finished>(&*message)) {
      run.prompt_tokens += last->prompt_tokens;
      ++finished;
    } else if (std::holds_alternative<wire::Failed>(*message)) {
      return run;
    }
  }
  run.ok = waiting == 0;
  run.prompt_s = seconds(all_started - start);
  run.generation_s = seconds(Clock::now() - all_started);
  run.generated_tokens = tokens - tokens_before;
  return run;
}

// False when a run failed.
bool measure(ChildRunner& runner, const Options& options, int sequences, Figures& figures) {
  std::vector<double> prompt;
  std::vector<double> generation;
  std::vector<double> first;
  for (int repetition = 0; repetition < options.repetitions; ++repetition) {
    const Run read = run_once(runner, sequences, 512, 1);
    const Run write = run_once(runner, sequences, 8, 128);
    if (!read.ok || !write.ok) return false;
    prompt.push_back(read.prompt_tokens / read.prompt_s);
    first.push_back(read.prompt_s * 1000);
    if (write.generated_tokens > 0)
      generation.push_back(write.generated_tokens / write.generation_s);
  }
  figures = {sequences, median(prompt), median(generation), median(first)};
  return true;
}

bool parse(int count, char** arguments, Options& options) {
  for (int at = 1; at < count; ++at) {
    const std::string argument = arguments[at];
    const bool more = at + 1 < count;
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--runner" && more) {
      options.runner = arguments[++at];
    } else if (argument == "--threads" && more) {
      options.threads = std::atoi(arguments[++at]);
    } else if (argument == "--repetitions" && more) {
      options.repetitions = std::atoi(arguments[++at]);
    } else if (options.model.empty() && !argument.starts_with("--")) {
      options.model = argument;
    } else {
      return false;
    }
  }
  if (options.runner.empty()) {
    const std::string self = arguments[0];
    const std::size_t slash = self.rfind('/');
    options.runner =
        (slash == self.npos ? std::string(".") : self.substr(0, slash)) + "/selvedge-runner";
  }
  return !options.model.empty() && options.threads > 0 && options.repetitions > 0;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!parse(count, arguments, options)) {
    std::fprintf(
        stderr,
        "usage: generation MODEL.gguf [--runner PATH] [--threads N] [--repetitions N] [--json]\n");
    return 64;
  }
  ChildRunner runner(options.runner);
  const wire::Load load{options.model, wire::ModelKind::text_generation, 1024, 8, options.threads};
  const auto loaded = runner.load(load, options.threads);
  if (!loaded) {
    std::fprintf(stderr, "generation: %s could not load %s\n", options.runner.c_str(),
                 options.model.c_str());
    return 1;
  }
  run_once(runner, 1, 32, 8);  // Warms caches and clocks.
  std::vector<Figures> all;
  for (const int sequences : {1, 8}) {
    Figures figures;
    if (!measure(runner, options, sequences, figures)) {
      std::fprintf(stderr, "generation: the runner failed a task\n");
      return 1;
    }
    all.push_back(figures);
  }
  if (options.json)
    std::printf("{\"model\": \"%s\", \"threads\": %d, \"results\": [", loaded->name.c_str(),
                options.threads);
  for (std::size_t at = 0; at < all.size(); ++at) {
    const Figures& one = all[at];
    std::printf(
        options.json
            ? "%s{\"sequences\": %d, \"pp512\": %.1f, \"tg128\": %.1f, \"first_token_ms\": %.1f}"
            : "%s%d sequence(s): pp512 %.1f tokens/s, tg128 %.1f tokens/s, first tokens after %.1f "
              "ms",
        options.json && at > 0 ? ", " : "", one.sequences, one.prompt_tokens_per_s,
        one.generation_tokens_per_s, one.first_token_ms);
    if (!options.json) std::printf("\n");
  }
  if (options.json) std::printf("]}\n");
  return 0;
}
