// Batches: model calls that are answered later, and their answers until somebody fetches them.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "base/uuid.h"
#include "inference/inference.h"

namespace selvedge::api {

struct ApiContext;

// One batch. Its requests run one after the other.
struct Batch {
  std::string id;  // `request_id`: a random UUID, which is also all that it takes to read it.
  std::string model;
  inference::Payer payer;
  const ApiContext* asked_in = nullptr;    // With the rules of the request; outlives the batch.
  std::vector<nlohmann::json> inputs;      // Emptied as they are done.
  std::vector<nlohmann::json> references;  // `external_reference` of each: a text, or null.
  std::vector<std::string> responses;      // JSON of those that are done.
  double neurons = 0;
  std::size_t bytes = 0;        // Of the responses.
  std::size_t input_bytes = 0;  // Of the inputs, as JSON.
  int pauses = 0;               // That it took when a model had no room.
  bool started = false;
  bool forgotten = false;  // Nobody can fetch it any more: its worker leaves off.

  bool done() const { return responses.size() == references.size(); }
};

// In memory: a restart forgets all. I/O thread only. Source: docs/compatibility.md#batches.
class Batches {
 public:
  static constexpr std::size_t kRequestsMax = 1'000;               // Of one batch.
  static constexpr std::size_t kInputBytesMax = 10 * 1000 * 1000;  // Of one batch, as hosted.
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr std::size_t kWaitingBytesMax = 64 * 1024 * 1024;
  static constexpr std::size_t kKeptMax = 1'024;
  static constexpr std::size_t kKeptBytesMax = 64 * 1024 * 1024;
  static constexpr std::chrono::seconds kPause{2};  // Before what had no room is tried again;
  static constexpr int kPausesMax = 30;             // so often in a batch, together.
  static constexpr int kWorkersMax = 2;  // Batches that run at once: others want the models too.

  // `requests` is the list of inputs, `bytes` its size as JSON; `external_reference` is taken out
  // of each. `id` is hard to guess. Returns the new batch, which waits for next(). Errors:
  // invalid_input (also of a request that is itself a batch), body_too_large, queue_full.
  Result<std::shared_ptr<Batch>> submit(std::string model, nlohmann::json requests,
                                        std::size_t bytes, std::string id = random_uuid());

  // {"status":"queued"|"running","request_id","model"}, or, when all is done, {"responses":[…],
  // "usage":{"neurons"}}. Errors: not_found (never queued here, or no longer kept).
  Result<std::string> poll(std::string_view id) const;

  // Whether one more worker may start; it then counts as one until it asks next() in vain.
  bool start_worker();
  // The oldest batch that waits; null ends the worker.
  std::shared_ptr<Batch> next();

  // The next answer of `batch`: the JSON of its result, or an error.
  void add_result(Batch& batch, std::string_view result_json, double neurons);
  void add_failure(Batch& batch, int number, std::string_view message);

 private:
  void add(Batch& batch, std::string response);
  void forget_oldest();

  std::map<std::string, std::shared_ptr<Batch>, std::less<>> by_id_;
  std::deque<std::shared_ptr<Batch>> waiting_;
  std::deque<std::string> order_;  // Of all ids, oldest first.
  std::size_t bytes_ = 0;          // Of the responses of all that are in by_id_.
  std::size_t waiting_bytes_ = 0;  // Of the inputs in waiting_.
  int workers_ = 0;
};

}  // namespace selvedge::api
