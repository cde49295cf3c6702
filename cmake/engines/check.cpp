// Proves that one ggml serves all three engines: links them together and compares what each side
// believes.
#include <cstdio>
#include <cstring>
#include <string>

#include "ggml.h"
#include "llama.h"
#include "mtmd.h"
#include "stable-diffusion.h"
#include "whisper.h"

static_assert(GGML_MAX_NAME == 128, "stable-diffusion.cpp needs names of 128 bytes");

int main() {
  // The library fills and returns a name of the longest kind; this file must find it in the same
  // place.
  ggml_context* context = ggml_init({2 * ggml_tensor_overhead(), nullptr, true});
  ggml_tensor* tensor = ggml_new_tensor_1d(context, GGML_TYPE_F32, 1);
  ggml_set_name(tensor, std::string(GGML_MAX_NAME - 1, 'x').c_str());
  const bool agree =
      ggml_get_name(tensor) == tensor->name && std::strlen(tensor->name) == GGML_MAX_NAME - 1;

  std::printf("ggml                  %s, tensor header %zu bytes\n", ggml_version(),
              sizeof(ggml_tensor));
  std::printf("llama.cpp             %s\n", llama_print_system_info());
  std::printf("mtmd                  %s\n", mtmd_default_marker());
  std::printf("whisper.cpp %s     %s\n", whisper_version(), whisper_print_system_info());
  std::printf("stable-diffusion.cpp  %s (%s) %s\n", sd_version(), sd_commit(),
              sd_get_system_info());
  ggml_free(context);
  if (!agree)
    std::fprintf(stderr, "ggml was compiled with another GGML_MAX_NAME than this program\n");
  return agree ? 0 : 1;
}
