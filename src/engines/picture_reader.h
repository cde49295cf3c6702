// PictureReader: what a model's projector makes of the pictures in a prompt.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engines/llama_model.h"

struct mtmd_context;
struct mtmd_input_chunk;

namespace selvedge::engines {

class EngineLog;

// Token ids from here down stand for pictures. No vocabulary has such.
inline constexpr llama_token kPictureTokenMax = -2;

// A run of a prompt that a picture has become: marks of the model around it, which are text, or
// what is computed from its pixels.
struct PicturePiece {
  std::vector<llama_token> text;                   // Empty where there is `pixels`.
  std::shared_ptr<const mtmd_input_chunk> pixels;  // Scaled and cut as the projector wants them.
  std::int32_t tokens = 0;                         // Cells of the model's memory.
  std::int32_t positions = 0;                      // By how many the position goes on.
  llama_token stand_in = kPictureTokenMax;         // Equal for equal pictures, and only for them.
};

// Used on the runner's loop thread alone.
class PictureReader {
 public:
  // `model` must outlive it. Errors: model_load_failed (no projector for pictures, or not one of
  // this model), model_unsupported (one that reads a picture by what stands before it).
  static Result<std::unique_ptr<PictureReader>> open(const std::string& path,
                                                     const LlamaModel& model);

  // For open(). `width`: of what the model takes in place of a token.
  PictureReader(mtmd_context* context, std::size_t width) : context_(context), width_(width) {}

  std::size_t width() const { return width_; }

  // `bytes` of a file, those of a hostile client too; `what` names it in the message. Errors:
  // invalid_input.
  Result<std::vector<PicturePiece>> read(std::string_view bytes, std::string_view what);

  // [tokens x width of the model], row-major; valid until the next call. Those computed last are
  // kept, so that several questions about a picture compute it once. Errors: internal.
  Result<std::span<const float>> embed(const PicturePiece& piece, std::int32_t threads);

  // Its tokens see those behind them, and must be computed in one batch.
  bool sees_both_ways(const PicturePiece& piece) const;

  // Positions have several dimensions: [4 x tokens] of a piece that begins at `first`. Empty: they
  // are the numbers of the tokens.
  std::vector<llama_pos> positions(const PicturePiece& piece, llama_pos first) const;
  bool has_wide_positions() const;

 private:
  struct Close {
    void operator()(mtmd_context* context) const;
  };
  struct Embedded {
    llama_token stand_in = 0;
    std::vector<float> values;
  };

  llama_token stand_in_of(const std::string& digest);

  std::unique_ptr<mtmd_context, Close> context_;
  std::size_t width_;
  std::unordered_map<std::string, llama_token> stand_ins_;  // By the SHA-256 of the pixels.
  llama_token next_stand_in_ = kPictureTokenMax;
  std::deque<Embedded> embedded_;  // The newest last.
};

}  // namespace selvedge::engines
