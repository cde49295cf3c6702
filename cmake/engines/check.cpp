// Proves that one ggml serves all three engines: links them together and compares what each side believes.
#include <cstdio>

#include "ggml.h"
#include "llama.h"
#include "stable-diffusion.h"
#include "whisper.h"

static_assert(GGML_MAX_NAME == 128, "stable-diffusion.cpp needs names of 128 bytes");

int main() {
  // What the library was compiled with, beside what this file was compiled with.
  const size_t theirs = ggml_tensor_overhead();
  const size_t ours = GGML_OBJECT_SIZE + sizeof(ggml_tensor);
  std::printf("ggml                  %s, tensor header %zu bytes\n", ggml_version(), sizeof(ggml_tensor));
  std::printf("llama.cpp             %s\n", llama_print_system_info());
  std::printf("whisper.cpp %s     %s\n", whisper_version(), whisper_print_system_info());
  std::printf("stable-diffusion.cpp  %s (%s) %s\n", sd_version(), sd_commit(), sd_get_system_info());
  if (theirs != ours) {
    std::fprintf(stderr, "ggml was compiled with tensor headers of %zu bytes, this program with %zu\n", theirs, ours);
    return 1;
  }
  return 0;
}
