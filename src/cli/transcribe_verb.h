// Transcribe verb: an audio file to text, by the server.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// `selvedge transcribe FILE [--model ID] [--language CODE] [--translate] [--prompt TEXT] [--vtt |
// --srt]`.
void add_transcribe_verb(CLI::App& app, Context& context);

}  // namespace selvedge::cli
