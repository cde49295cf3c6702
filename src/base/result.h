// Result<T>: a value, or the reason why there is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace selvedge {

// What happened, in our words. `api/errors` gives each its HTTP status and Cloudflare number;
// nothing below knows one.
enum class Code : std::uint8_t {
  // The caller's request.
  invalid_json,          // The body is not JSON (or not NDJSON where that is asked for).
  invalid_input,         // JSON of a wrong shape or value for this model or call.
  unknown_content_type,  // A body type that this call does not take.
  body_too_large,        // More bytes than base/limits.h allows.
  missing_body,          // No body where one is needed.
  route_not_found,       // No such path.
  method_not_allowed,    // The path exists, with another method.
  host_not_allowed,      // A Host header that is not ours.
  unauthorized,          // No token, or a wrong one.
  // Models.
  model_not_found,         // No such id in the catalogue.
  model_not_installed,     // Known id, no weights on this disk.
  model_unsupported,       // The task of this model is not served by this build.
  model_deprecated,        // Retired by Cloudflare, and hosted rules are asked for.
  model_load_failed,       // Weights that the engine refuses.
  model_crashed,           // The runner died or hung while it worked on this task.
  context_overflow,        // Prompt and max_tokens do not fit the model's window.
  memory_budget_exceeded,  // The model does not fit the stated memory budget.
  queue_full,              // Too much waiting; retry later.
  daily_budget_used,       // The account used the neurons of its day.
  deadline_exceeded,       // Not done in the time allowed.
  cancelled,               // The caller left.
  // Fine-tunes.
  finetune_not_found,   // No adapter with this id or name.
  too_many_finetunes,   // The account has as many adapters as it may.
  lora_unsupported,     // A model that takes no adapters.
  finetune_incomplete,  // An adapter one of whose files was not uploaded.
  // Vectors.
  index_not_found,           // No index of this name.
  index_deleted,             // An index of this name was deleted, and none was created since.
  index_already_exists,      // The name is taken.
  index_config_invalid,      // Dimensions, metric or name out of range.
  query_dimension_mismatch,  // A query vector of a wrong length.
  dimension_mismatch,        // A stored vector of a wrong length: nothing of its batch is written.
  id_invalid,                // Empty or too long an id or namespace.
  too_many_ids,              // More ids than one call may name.
  too_many_vectors,          // More vectors than one call may carry.
  top_k_out_of_range,        // topK below 1 or above the limit.
  top_k_full_out_of_range,   // topK above the limit that holds with values or all metadata.
  metadata_too_large,        // Compact JSON of the metadata above its limit.
  metadata_key_invalid,      // A metadata key that is empty, dotted, quoted or starts with '$'.
  vectors_unparsable,      // A line of a write that is no vector: nothing of its batch is written.
  query_invalid,           // A query of a wrong shape.
  vector_not_found,        // No vector with this id.
  cursor_invalid,          // A list cursor that is malformed, expired or of another index.
  metadata_index_invalid,  // A property name or type that no metadata index can have.
  metadata_index_not_found,   // No metadata index on this property.
  too_many_metadata_indexes,  // One index has as many as it may.
  index_full,                 // As many vectors, or namespaces, as one index may hold.
  // Knowledge (the bot).
  knowledge_not_found,  // No text with this id.
  // Files and the machine.
  not_found,          // A file or record that should be there is not.
  already_exists,     // A file or record is already there.
  checksum_mismatch,  // The bytes are not those that were promised.
  download_failed,    // The network or the far server failed.
  file_invalid,       // A file that is not what its name says.
  corrupt_data,       // Our own stored bytes do not verify.
  io,                 // The disk or a socket failed.
  unavailable,        // Shutting down, or a needed part is not running.
  client_too_old,     // A client that speaks a form of the protocol nobody serves any more.
  not_served,         // Part of the contract, but not of this server.
  json_mode_unmet,    // Asked for JSON, a model had no room to end it.
  internal,           // A bug of ours, or a library's exception.
};
inline constexpr int kCodeCount = static_cast<int>(Code::internal) + 1;

// The enumerator's name, for logs and --json. Never null.
const char* code_name(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;  // For people: names the thing at fault, never its content.
};

struct Unit {};

// Holds a T or an Error. Asking for the one that is not there is a bug and stops the process.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    SEL_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    SEL_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    SEL_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  Error& error() {
    SEL_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const {
    SEL_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Unit>;
inline Status ok_status() { return Unit{}; }

}  // namespace selvedge

// SEL_TRY(name, expression): declares `name` with the value, or returns the error unchanged.
// SEL_CHECK_OK(expression): for a Status; returns the error unchanged. The CO_ forms are for
// coroutines; in those, write `auto result = co_await …; SEL_CO_TRY(name, std::move(result));` (g++
// 12 miscompiles some longer expressions).
#define SEL_TRY_WITH(name, expression, leave)                          \
  auto name##_or_error = (expression);                                 \
  if (!name##_or_error.ok()) leave std::move(name##_or_error.error()); \
  [[maybe_unused]] auto name = std::move(name##_or_error).value()
#define SEL_TRY(name, expression) SEL_TRY_WITH(name, expression, return)
#define SEL_CO_TRY(name, expression) SEL_TRY_WITH(name, expression, co_return)
#define SEL_CHECK_OK(expression)                          \
  do {                                                    \
    auto status_ = (expression);                          \
    if (!status_.ok()) return std::move(status_.error()); \
  } while (false)
#define SEL_CO_CHECK_OK(expression)                          \
  do {                                                       \
    auto status_ = (expression);                             \
    if (!status_.ok()) co_return std::move(status_.error()); \
  } while (false)
