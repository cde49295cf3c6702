// Answer headers: their names and forms.
#include "api/answer_headers.h"

#include <utility>

#include "api/usage.h"
#include "catalog/task_names.h"

namespace selvedge::api {

std::string answered_by(const catalog::Resolved& model) {
  const bool emulates = model.entry->task == catalog::Task::image_classification ||
                        (model.weights_task == catalog::Task::text_generation &&
                         catalog::may_be_emulated(*model.entry));
  std::string text = model.answered_by;
  if (emulates) {
    text += "; emulation";
  } else if (model.stand_in) {
    text += "; stand-in";
  }
  const bool named_otherwise = !model.requested.empty() && model.requested != model.entry->id;
  if (named_otherwise) text += "; alias of " + model.entry->id;
  return text;
}

void set_answer_headers(http::Response& response, std::string weights, std::string_view request_id,
                        std::optional<double> neurons) {
  response.headers.set("selvedge-model", std::move(weights));
  response.headers.set("cf-ai-req-id", std::string(request_id));
  if (neurons) response.headers.set("cf-ai-neurons", neurons_text(*neurons));
}

}  // namespace selvedge::api
