// Form body: fields and files as multipart/form-data.
#pragma once

#include <string>
#include <string_view>

namespace selvedge::cli {

class FormBody {
 public:
  FormBody();
  // An empty value is left out.
  void add(std::string_view name, std::string_view value);
  void add_file(std::string_view name, std::string_view bytes);
  // With its boundary.
  std::string content_type() const;
  // The whole of it; once.
  std::string take();

 private:
  void begin_part(std::string_view disposition);

  std::string boundary_;
  std::string body_;
};

}  // namespace selvedge::cli
