// Form body: a UUID as boundary.
#include "cli/form_body.h"

#include <utility>

#include "base/uuid.h"

namespace selvedge::cli {

FormBody::FormBody() : boundary_(random_uuid()) {}

void FormBody::begin_part(std::string_view disposition) {
  body_ += "--" + boundary_ + "\r\ncontent-disposition: form-data; ";
  body_ += disposition;
  body_ += "\r\n\r\n";
}

void FormBody::add(std::string_view name, std::string_view value) {
  if (value.empty()) return;
  begin_part("name=\"" + std::string(name) + "\"");
  body_ += value;
  body_ += "\r\n";
}

void FormBody::add_file(std::string_view name, std::string_view bytes) {
  begin_part("name=\"" + std::string(name) + "\"; filename=\"" + std::string(name) + "\"");
  body_ += bytes;
  body_ += "\r\n";
}

std::string FormBody::content_type() const { return "multipart/form-data; boundary=" + boundary_; }

std::string FormBody::take() {
  body_ += "--" + boundary_ + "--\r\n";
  return std::move(body_);
}

}  // namespace selvedge::cli
