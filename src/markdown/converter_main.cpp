// selvedge-converter: makes Markdown of the one file on its input, and ends.
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <unistd.h>

#include "documents/conversion.h"
#include "markdown/convert.h"
#include "markdown/seal.h"

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitFailed = 70;

bool read_all(std::string& stream) {
  std::array<char, 65'536> chunk;
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    stream.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The memory of a conversion is bounded, and a file that needs more is no crash.
void say_too_large() {
  constexpr std::string_view kReply =
      "error\nthis file needs more memory than a conversion may have";
  ::_exit(write_all(kReply) ? 0 : kExitFailed);
}

selvedge::Result<std::string> converted(const std::string& stream) {
  SEL_TRY(conversion, selvedge::documents::read_conversion(stream));
  try {
    return selvedge::markdown::convert(conversion);
  } catch (const std::exception&) {
    return selvedge::Error{selvedge::Code::file_invalid, "the parser of this format gave up"};
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count == 2 && std::string_view(arguments[1]) == "--version") {
    std::printf("selvedge-converter %s\n", SELVEDGE_VERSION);
    return 0;
  }
  if (argument_count != 1) {
    std::fputs("selvedge-converter is started by selvedge, which gives it one file\n", stderr);
    return kExitUsage;
  }
  const auto sealed = selvedge::markdown::seal_this_process();
  if (!sealed.ok()) {
    std::fprintf(stderr, "selvedge-converter: %s\n", sealed.error().message.c_str());
    return kExitFailed;
  }
  std::set_new_handler(say_too_large);
  std::string stream;
  if (!read_all(stream)) return kExitFailed;
  const bool written = write_all(selvedge::documents::conversion_reply(converted(stream)));
  // What libraries would still free is about to go anyway.
  ::_exit(written ? 0 : kExitFailed);
}
