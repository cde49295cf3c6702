// Vectorize errors: the texts.
#include "api/vectorize_errors.h"

#include <string>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

// Names and ids are repeated so that people find them; longer ones than may exist are cut.
std::string shown(std::string_view name) {
  constexpr std::size_t kShownBytes = 128;
  return std::string(name.substr(0, utf8::floor_boundary(name, kShownBytes)));
}

std::string dimensions_text(std::size_t expected, std::size_t sent) {
  return "expected " + std::to_string(expected) + " dimensions, and got " + std::to_string(sent) +
         " dimensions";
}

}  // namespace

Error index_not_found(std::string_view name) {
  return Error{Code::index_not_found,
               "vectorize.index.not_found - Index name \"" + shown(name) + "\""};
}

Error index_deleted(std::string_view name) {
  return Error{Code::index_deleted,
               "vectorize.index.deleted - Index name \"" + shown(name) + "\" was deleted"};
}

Error duplicate_index(std::string_view name) {
  return Error{Code::index_already_exists,
               "vectorize.index.duplicate_name - Index name \"" + shown(name) + "\""};
}

Error invalid_config(std::string_view reason) {
  return Error{Code::index_config_invalid,
               "vectorize.index.invalid_config - " + std::string(reason)};
}

Error invalid_body_payload() {
  return Error{Code::invalid_input, "vectorize.invalid_body_payload"};
}

Error unparsable_body(std::string_view reason) {
  return Error{Code::query_invalid,
               "Failed to parse the request body as JSON: " + std::string(reason)};
}

Error unparsable_vectors(std::string_view operation, std::size_t line) {
  std::string message = "failed to parse ";
  message += operation;
  message += " vectors request in json format";
  if (line != 0) message += " (line " + std::to_string(line) + ")";
  return Error{Code::vectors_unparsable, std::move(message)};
}

Error id_too_long(std::string_view what, std::size_t bytes) {
  return Error{Code::id_invalid, std::string(what) + " too long; max is " +
                                     std::to_string(limits::id_bytes_max) + " bytes, got " +
                                     std::to_string(bytes) + " bytes"};
}

Error too_many_ids(std::size_t count, std::size_t count_max) {
  return Error{Code::too_many_ids, "too many ids in payload; max id count is " +
                                       std::to_string(count_max) + ", got " +
                                       std::to_string(count)};
}

Error top_k_too_large(std::size_t top_k, std::size_t top_k_max) {
  return Error{Code::top_k_out_of_range,
               "max top K is " + std::to_string(top_k_max) + ", but got " + std::to_string(top_k)};
}

Error full_top_k_too_large(std::size_t top_k, std::size_t full_max, std::size_t top_k_max) {
  return Error{Code::top_k_full_out_of_range,
               "with returnValues=true or returnMetadata=all, max top K is " +
                   std::to_string(full_max) + ", but got " + std::to_string(top_k) +
                   "; for a top K up to " + std::to_string(top_k_max) +
                   ", retry with returnValues=false and returnMetadata=indexed"};
}

Error wrong_query_dimensions(std::size_t expected, std::size_t sent) {
  return Error{Code::query_dimension_mismatch,
               "invalid query vector, " + dimensions_text(expected, sent)};
}

Error wrong_dimensions(std::string_view id, std::size_t expected, std::size_t sent) {
  return Error{Code::dimension_mismatch,
               "invalid vector for id=\"" + shown(id) + "\", " + dimensions_text(expected, sent)};
}

Error oversized_metadata(std::string_view id, std::size_t bytes) {
  return Error{Code::metadata_too_large,
               "oversized metadata for vector id=\"" + shown(id) +
                   "\"; the compact JSON representation of the metadata must not exceed " +
                   std::to_string(limits::metadata_bytes_max) + " bytes, got " +
                   std::to_string(bytes) + " bytes"};
}

Error invalid_metadata_key(std::string_view id) {
  return Error{Code::metadata_key_invalid,
               "invalid metadata key for vector id=\"" + shown(id) +
                   "\"; keys must not be empty, contain '.' or '\"', or start with '$'"};
}

Error too_many_in_index(std::string_view what, std::size_t most) {
  return Error{Code::index_full,
               "too many " + std::string(what) + " in index; max is " + std::to_string(most)};
}

Error invalid_property() {
  return Error{Code::metadata_index_invalid,
               "invalid metadata index: propertyName must have 1 to " +
                   std::to_string(limits::property_bytes_max) +
                   " bytes and be keys joined by '.'; keys are not empty, hold no '\"' and do not "
                   "start with '$'"};
}

std::string unindexed_property(std::string_view property) {
  return "filter: property \"" + shown(property) +
         "\" has no metadata index, so no condition on it holds; create one with "
         "metadata_index/create";
}

Error reworded(Error error, std::string_view name) {
  if (error.code == Code::index_deleted) return index_deleted(name);
  if (error.code == Code::index_not_found) return index_not_found(name);
  if (error.code == Code::index_already_exists) return duplicate_index(name);
  return error;
}

Status check_id(std::string_view what, std::string_view id) {
  if (id.empty()) return Error{Code::id_invalid, std::string(what) + " must not be empty"};
  if (id.size() > limits::id_bytes_max) return id_too_long(what, id.size());
  return ok_status();
}

}  // namespace selvedge::api
