// selvedge-workerd: stands in for workerd under wrangler, so that env.AI and env.VECTORIZE reach
// the server.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "launcher/launch.h"

int main(int argc, char** argv) {
  const auto why = selvedge::launcher::launch(argc, argv, [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  });
  std::fprintf(stderr, "selvedge-workerd: %s\n", why.message.c_str());
  return 1;
}
