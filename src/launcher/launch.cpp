// One pass from standard input to a file in memory; the rest is exec.
#include "launcher/launch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "launcher/real_workerd.h"
#include "launcher/redirected_config.h"

namespace selvedge::launcher {
namespace {

Error failed(const char* what) {
  return Error{Code::io, std::string(what) + ": " + std::strerror(errno)};
}

Result<std::string> whole_input() {
  std::string all;
  std::array<char, 64 * 1024> piece;
  for (;;) {
    const auto count = read(STDIN_FILENO, piece.data(), piece.size());
    if (count == 0) return all;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("the configuration could not be read");
    all.append(piece.data(), static_cast<std::size_t>(count));
  }
}

// Standard input becomes a file in memory that holds `content`.
Status replace_input(std::string_view content) {
  const int file = memfd_create("workerd-config", MFD_CLOEXEC);
  if (file < 0) return failed("no file in memory");
  while (!content.empty()) {
    const auto count = write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("the configuration could not be kept in memory");
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (lseek(file, 0, SEEK_SET) < 0 || dup2(file, STDIN_FILENO) < 0) {
    return failed("the configuration could not be handed on");
  }
  close(file);
  return ok_status();
}

Status redirect_input(const ServerPlace& place) {
  SEL_TRY(input, whole_input());
  const auto redirected = redirected_config(std::as_bytes(std::span(input)), place);
  return replace_input(redirected ? *redirected : input);
}

}  // namespace

bool reads_binary_config(int argc, const char* const* argv) {
  if (argc < 2 || std::string_view(argv[1]) != "serve") return false;
  bool binary = false;
  bool input = false;
  for (int at = 2; at < argc; ++at) {
    const std::string_view argument = argv[at];
    binary = binary || argument == "--binary" || argument == "-b";
    input = input || argument == "-";
  }
  return binary && input;
}

Error launch(int argc, char** argv, const Variables& variables) {
  auto program = real_workerd(variables, callers());
  if (!program.ok()) return program.error();
  if (reads_binary_config(argc, argv)) {
    const auto place = server_place(variables);
    if (!place.ok()) return place.error();
    if (const auto done = redirect_input(*place); !done.ok()) return done.error();
  }
  std::string name = program->string();
  argv[0] = name.data();
  execv(name.c_str(), argv);
  return failed(name.c_str());
}

}  // namespace selvedge::launcher
