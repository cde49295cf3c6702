// Door form: told by host and path, written by the encoders of the error table.
#include "api/door_form.h"

#include "api/binding_request.h"
#include "api/errors.h"
#include "api/messages_answer.h"
#include "api/openai_routes.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kApiPrefix = "/client/v4/";

DoorForm form_of_path(std::string_view path) {
  if (is_messages_path(path)) return DoorForm::messages;
  if (is_openai_path(path)) return DoorForm::openai;
  if (!path.starts_with(kApiPrefix)) return DoorForm::plain;
  if (path.find("/vectorize/") != path.npos) return DoorForm::vectorize;
  if (path.find("/ai/run") != path.npos) return DoorForm::workers_ai;
  return DoorForm::envelope;
}

}  // namespace

DoorForm door_form(const http::Request* request) {
  if (request == nullptr) return DoorForm::plain;
  const auto binding = binding_kind(*request);
  if (!binding) return form_of_path(request->path);
  if (*binding == BindingKind::ai) return DoorForm::ai_binding;
  if (*binding == BindingKind::vectorize) return DoorForm::vectorize_binding;
  return DoorForm::plain;
}

http::Response failure_response(DoorForm form, const Error& error, std::string_view request_id) {
  switch (form) {
    case DoorForm::ai_binding:
      return ai_binding_error(error, request_id);
    case DoorForm::vectorize_binding:
      return vectorize_binding_error(error);
    case DoorForm::openai:
      return openai_error(openai_wording(error));
    case DoorForm::messages:
      return messages_error(openai_wording(error));
    case DoorForm::workers_ai:
      return workers_ai_error(error, request_id);
    case DoorForm::vectorize:
      return vectorize_error(error);
    case DoorForm::envelope:
      return envelope_error(error);
    default:
      return plain_error(error);
  }
}

std::string failure_json(DoorForm form, const Error& error, std::string_view request_id) {
  switch (form) {
    case DoorForm::ai_binding:
      return ai_binding_error_json(error);
    case DoorForm::openai:
      return openai_error_json(openai_wording(error));
    case DoorForm::messages:
      return messages_error_json(openai_wording(error));
    case DoorForm::workers_ai:
      return workers_ai_error_json(error, request_id);
    default:
      return plain_error_json(error);
  }
}

}  // namespace selvedge::api
