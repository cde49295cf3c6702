// JSON depth: brackets outside of texts.
#include "base/json_depth.h"

#include <cstddef>

#include "base/limits.h"

namespace selvedge {

bool within_depth(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (in_string) {
      if (byte == '\\') {
        ++at;
      } else if (byte == '"') {
        in_string = false;
      }
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      if (++depth > limits::json_depth_max) return false;
    } else if ((byte == '}' || byte == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

}  // namespace selvedge
