// Answer headers: their names and forms.
#include "api/answer_headers.h"

#include <utility>

#include "api/usage.h"

namespace selvedge::api {

std::string answered_by(const catalog::Resolved& model) {
  const bool of_texts = model.entry->task == catalog::Task::text_classification &&
                        model.weights_task == catalog::Task::text_generation;
  const bool emulates = of_texts || model.entry->task == catalog::Task::image_classification;
  if (emulates) return model.answered_by + "; emulation";
  return model.stand_in ? model.answered_by + "; stand-in" : model.answered_by;
}

void set_answer_headers(http::Response& response, std::string weights, std::string_view request_id,
                        std::optional<double> neurons) {
  response.headers.set("selvedge-model", std::move(weights));
  response.headers.set("cf-ai-req-id", std::string(request_id));
  if (neurons) response.headers.set("cf-ai-neurons", neurons_text(*neurons));
}

}  // namespace selvedge::api
