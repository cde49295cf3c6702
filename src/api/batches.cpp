// Batches: the queue, and what is kept of those that are done.
#include "api/batches.h"

#include <algorithm>
#include <utility>

#include "api/errors.h"
#include "api/input_check.h"
#include "api/json_writer.h"
#include "api/usage.h"

namespace selvedge::api {

using nlohmann::json;

namespace {

std::string response_head(const Batch& batch) {
  const std::size_t at = batch.responses.size();
  return "{\"id\":" + std::to_string(at) + ",\"external_reference\":" + batch.references[at].dump();
}

Status add_request(Batch& batch, const std::string& path, json& inputs) {
  if (!inputs.is_object()) return type_mismatch(path, "object", inputs);
  for (const char* name : {"requests", "request_id"}) {
    if (!inputs.contains(name)) continue;
    return Error{Code::invalid_input,
                 "'" + path + "/" + name + "': a batch holds inputs of the model, no batches"};
  }
  json reference;
  if (const auto given = inputs.find("external_reference"); given != inputs.end()) {
    if (!given->is_string() && !given->is_null()) {
      return type_mismatch(path + "/external_reference", "string", *given);
    }
    reference = std::move(*given);
    inputs.erase(given);
  }
  inputs.erase("stream");   // There is nobody to stream to.
  inputs.erase("options");  // They are the batch's.
  batch.inputs.push_back(std::move(inputs));
  batch.references.push_back(std::move(reference));
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<Batch>> Batches::submit(std::string model, json requests, std::size_t bytes,
                                               std::string id) {
  if (!requests.is_array()) return type_mismatch("/requests", "array", requests);
  SEL_CHECK_OK(check_count("/requests", requests.size(), 1, kRequestsMax));
  if (bytes > kInputBytesMax) return Error{Code::body_too_large, "a batch may have 10 MB"};
  if (waiting_.size() >= kWaitingMax || waiting_bytes_ + bytes > kWaitingBytesMax) {
    return Error{Code::queue_full, "too many batches wait"};
  }
  auto batch = std::make_shared<Batch>();
  for (std::size_t at = 0; at < requests.size(); ++at) {
    SEL_CHECK_OK(add_request(*batch, "/requests/" + std::to_string(at), requests[at]));
  }
  batch->id = std::move(id);
  batch->model = std::move(model);
  batch->input_bytes = bytes;
  if (order_.size() >= kKeptMax) forget_oldest();
  by_id_.emplace(batch->id, batch);
  order_.push_back(batch->id);
  waiting_.push_back(batch);
  waiting_bytes_ += bytes;
  return batch;
}

Result<std::string> Batches::poll(std::string_view id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return Error{Code::not_found,
                 "no batch has this request_id: it was not queued here, or is no longer kept"};
  }
  const Batch& batch = *found->second;
  std::string text;
  if (!batch.done()) {
    text = batch.started ? "{\"status\":\"running\"" : "{\"status\":\"queued\"";
    text += ",\"request_id\":";
    append_string(text, batch.id);
    text += ",\"model\":";
    append_string(text, batch.model);
    return text + '}';
  }
  text = "{\"responses\":[";
  for (const std::string& response : batch.responses) {
    if (text.back() != '[') text += ',';
    text += response;
  }
  return text + "],\"usage\":{\"neurons\":" + neurons_text(batch.neurons) + "}}";
}

bool Batches::start_worker() {
  if (workers_ >= kWorkersMax) return false;
  ++workers_;
  return true;
}

std::shared_ptr<Batch> Batches::next() {
  if (waiting_.empty()) {
    --workers_;
    return nullptr;
  }
  auto batch = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= batch->input_bytes;
  batch->started = true;
  return batch;
}

void Batches::add_result(Batch& batch, std::string_view result_json, double neurons) {
  batch.neurons += neurons;
  if (batch.bytes + result_json.size() > kKeptBytesMax) {
    return add_failure(batch, error_row(Code::body_too_large).workers_ai_number,
                       "the answers of a batch may have 64 MB together");
  }
  std::string response = response_head(batch) + ",\"success\":true,\"result\":";
  response += result_json;
  add(batch, response + '}');
}

void Batches::add_failure(Batch& batch, int number, std::string_view message) {
  std::string response = response_head(batch) + ",\"success\":false,\"result\":{},\"errors\":[{";
  response += "\"code\":" + std::to_string(number) + ",\"message\":";
  append_string(response, message);
  add(batch, response + "}]}");
}

void Batches::add(Batch& batch, std::string response) {
  batch.inputs[batch.responses.size()] = json();
  if (batch.forgotten) response.clear();
  batch.bytes += response.size();
  bytes_ += response.size();
  batch.responses.push_back(std::move(response));
  // The oldest goes, even if it is this one: memory is bounded, whoever asks.
  while (bytes_ > kKeptBytesMax && order_.size() > 1) forget_oldest();
}

void Batches::forget_oldest() {
  if (order_.empty()) return;
  const auto found = by_id_.find(order_.front());
  Batch& batch = *found->second;
  bytes_ -= batch.bytes;
  batch.forgotten = true;
  if (std::erase(waiting_, found->second) > 0) waiting_bytes_ -= batch.input_bytes;
  by_id_.erase(found);
  order_.pop_front();
}

}  // namespace selvedge::api
