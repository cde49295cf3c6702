// ScriptedEngine: an engine without weights, whose answers follow from the words of the task.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engines/completion_text.h"
#include "engines/engine.h"
#include "script.h"

namespace selvedge::scripted {

// What a model file's name or its first 4 KiB ask for: in the name as "fail-load", "crash-load",
// "hang-load", "slow-load-500" (ms), "dimensions-768", "context-512"; in the content as
// [[fail-load]], [[slow-load 500]] and so on.
struct ModelScript {
  bool fail = false;
  bool crash = false;
  bool hang = false;
  int slow_ms = 0;
  int dimensions = 384;
  int context_tokens = 0;  // 0: as the Load asks, or 4096.
};
ModelScript parse_model_script(std::string_view file_name, std::string_view content);

// Same text, same tokens, same vectors, on every machine.
// - A completion without a command is some words drawn from a hash of the last user message (and of
//   the seed, when there is one). `stop`, `tokens_max` and the context window hold as for a model.
//   A bias of 50 and more makes a word the only one drawn, one of -50 and less bans it.
// - Asked for JSON, a completion without a command is the smallest value of the schema. A tool that
//   must be called is called with the smallest arguments, if the words name no call. After the turn
//   of a tool nothing is called again: the completion tells what the tool said.
// - Logprobs: a token drawn has -0.25, the alternatives behind it -2, -3, -4 ...
// - A vector has a bucket for each word and CJK character, signed by a hash: texts with words in
//   common are near each other.
// - A rank is 2 for each word that query and text have in common, less 1. Without a query there are
//   the labels NEGATIVE and POSITIVE, and 4 for each "bad" and "good" in the text.
// - A picture is blocks of colours drawn from a hash of its prompts, seed and input pictures; each
//   step is told, after the script's delay. Without a size it has 64 x 64 pixels, without a seed
//   the seed 1.
// - Tokens are the units of text_units().
// - The transcript of a file is what is written in it: [[say TEXT]], else its length ("12 bytes");
//   [[echo]] tells the options that were received. A second of audio is 32,000 bytes, each word
//   takes a quarter of one. A file that begins with "no audio" is refused.
class ScriptedEngine final : public engines::Engine {
 public:
  ScriptedEngine(const wire::Load& load, const ModelScript& model);
  ~ScriptedEngine() override;

  void set_threads(std::int32_t threads) override;
  Status start_generate(wire::Generate task) override;
  Status start_embed(wire::Embed task) override;
  Status start_rank(wire::Rank task) override;
  Status start_transcribe(wire::Transcribe task) override;
  Status start_draw(wire::Draw task) override;
  Result<wire::Tokens> tokenize(const wire::Tokenize& task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Sequence;

  static void add_pieces(const wire::Generate& task,
                         const std::vector<std::pair<std::string, std::string>>& calls,
                         Sequence& sequence);
  static bool send_other(Sequence& sequence, std::deque<wire::Piece>& pieces,
                         std::vector<wire::Message>& events);
  bool advance(Sequence& sequence, std::vector<wire::Message>& events);
  bool advance_drawing(Sequence& sequence, std::vector<wire::Message>& events);
  static bool advance_transcription(Sequence& sequence, std::vector<wire::Message>& events);
  wire::Embeddings embeddings_of(const wire::Embed& task) const;
  static wire::Transcript transcript_of(const wire::Transcribe& task, const Script& script);

  wire::ModelKind kind_;
  int context_tokens_;
  std::size_t sequences_max_;
  int dimensions_;
  std::deque<std::unique_ptr<Sequence>> sequences_;  // The first sequences_max_ are running.
};

// The loader of the scripted runner.
Result<engines::LoadedEngine> load_scripted_engine(const wire::Load& load,
                                                   const engines::LoadProgress& progress);

}  // namespace selvedge::scripted
