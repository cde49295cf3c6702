// Inference fixture: an Inference over scripted runners, and an event loop to await in tests.
#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "inference/inference.h"
#include "inference/local_inference.h"

namespace selvedge::inference {

// What came of one generation.
struct Completion {
  std::string text;
  std::optional<Error> error;
  std::optional<Piece> last;
  int pieces = 0;

  bool failed_with(Code code) const { return error && error->code == code; }
};

class InferenceTest : public testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;

  InferenceTest() {
    std::string name = (std::filesystem::temp_directory_path() / "selvedge-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.runner = SELVEDGE_SCRIPTED_RUNNER;
    options_.cores = 2;
    options_.memory_bytes = 4ull << 30;
    options_.silence_ms_max = 5'000;  // A loaded machine is slow, not hung.
    options_.restart_ms_first = 5;
    options_.restart_ms_max = 20;
    text_entry_.task = catalog::Task::text_generation;
    embedding_entry_.task = catalog::Task::text_embeddings;
    embedding_entry_.output_dimensions = 768;
  }
  ~InferenceTest() override {
    inference_.reset();
    run_for(std::chrono::milliseconds(20));
    std::filesystem::remove_all(folder_);
  }

  // After the test has changed options_ to its taste.
  void create() { inference_ = create_inference(io_, options_); }

  // A file of weights whose name is a script for the runner that loads it.
  catalog::Resolved model(const std::string& name, const std::string& content = "weights") {
    catalog::Resolved resolved;
    resolved.entry = &text_entry_;
    resolved.answered_by = name;
    resolved.path = folder_ / name;
    std::ofstream(resolved.path) << content;
    return resolved;
  }
  catalog::Resolved embedding_model(const std::string& name) {
    catalog::Resolved resolved = model(name);
    resolved.entry = &embedding_entry_;
    return resolved;
  }

  static GenerateTask say(std::string prompt) {
    GenerateTask task;
    task.prompt = std::move(prompt);
    task.tokens_max = 3'000;
    return task;
  }

  asio::awaitable<Result<std::unique_ptr<TokenStream>>> open(const catalog::Resolved& resolved,
                                                             std::string prompt) {
    return inference_->generate(resolved, say(std::move(prompt)));
  }

  // Generates to the end or to the first error.
  asio::awaitable<Completion> complete(catalog::Resolved resolved, std::string prompt) {
    Completion completion;
    auto opened = co_await open(resolved, std::move(prompt));
    if (!opened.ok()) {
      completion.error = opened.error();
      co_return completion;
    }
    const std::unique_ptr<TokenStream> stream = std::move(opened).value();
    while (!completion.last && !completion.error) {
      auto piece = co_await stream->next();
      if (!piece.ok()) {
        completion.error = piece.error();
        break;
      }
      ++completion.pieces;
      completion.text += piece->text;
      if (piece->last) completion.last = piece.value();
    }
    co_return completion;
  }

  // Runs the loop until `work` is done.
  template <class T>
  T await(asio::awaitable<T> work) {
    std::optional<T> result;
    asio::co_spawn(io_, keep(std::move(work), result), rethrow);
    run_until([&] { return result.has_value(); });
    SEL_CHECK(result.has_value());  // It did not end in time.
    return std::move(*result);
  }
  void await(asio::awaitable<void> work) {
    bool done = false;
    asio::co_spawn(io_, std::move(work), [&](const std::exception_ptr& failure) {
      done = true;
      rethrow(failure);
    });
    run_until([&] { return done; });
    ASSERT_TRUE(done) << "the coroutine did not end in time";
  }

  // Starts `work`; its result is in the returned place when it is done.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(asio::awaitable<T> work) {
    auto place = std::make_shared<std::optional<T>>();
    asio::co_spawn(io_, keep_shared(std::move(work), place), rethrow);
    return place;
  }

  // Runs the loop until `condition` holds; false when that takes more than 10 s.
  bool run_until(const std::function<bool()>& condition) {
    const auto limit = Clock::now() + std::chrono::seconds(10);
    while (!condition() && Clock::now() < limit) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return condition();
  }
  void run_for(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }

  // Milliseconds until `condition` holds.
  long ms_until(const std::function<bool()>& condition) {
    const auto start = Clock::now();
    EXPECT_TRUE(run_until(condition));
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  }

  // Sends a signal to the model's runner. (To process 0 it would go to this test itself.)
  void signal_runner(const std::string& name, int number) const {
    const int pid = pid_of(name);
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, number), 0);
  }

  int pid_of(const std::string& name) const {
    for (const RunnerStatus& one : inference_->status()) {
      if (one.model == name) return one.pid;
    }
    return 0;
  }

  template <class T>
  static asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& place) {
    place.emplace(co_await std::move(work));
  }
  template <class T>
  static asio::awaitable<void> keep_shared(asio::awaitable<T> work,
                                           std::shared_ptr<std::optional<T>> place) {
    place->emplace(co_await std::move(work));
  }
  static void rethrow(const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  }

  std::filesystem::path folder_;
  catalog::ModelEntry text_entry_;
  catalog::ModelEntry embedding_entry_;
  asio::io_context io_;
  InferenceOptions options_;
  std::unique_ptr<Inference> inference_;
};

}  // namespace selvedge::inference
