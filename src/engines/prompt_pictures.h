// PromptPictures: where in a prompt its pictures stand, and at which positions what follows them.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "engines/picture_reader.h"
#include "wire/messages.h"

namespace selvedge::engines {

class PromptPictures {
 public:
  struct Placed {
    std::size_t begin = 0;  // Among the tokens of the prompt.
    PicturePiece piece;     // One with pixels.
  };

  // Reads the pictures of `task` and puts what they become in the place of each picture_token of
  // `prompt`: marks as tokens, pixels as `tokens` times their stand_in. `reader`: null where the
  // model has no projector. Errors: those of PictureReader::read, model_unsupported.
  static Result<PromptPictures> place(std::vector<llama_token>& prompt, const wire::Generate& task,
                                      PictureReader* reader);

  // The one that begins at this token, or null.
  const Placed* at(std::size_t token) const;
  // Where the next one begins from this token on, or `end`.
  std::size_t next(std::size_t token, std::size_t end) const;
  // Of a token that is not inside of a picture.
  llama_pos position_of(std::size_t token) const;

 private:
  std::vector<Placed> placed_;  // In order.
};

// Tokens [first, first + count) of a picture as a batch of llama_decode.
class PictureBatch {
 public:
  // `values` is [tokens x width], `positions` as of PictureReader; both are borrowed.
  PictureBatch(std::span<const float> values, std::size_t width,
               std::span<const llama_pos> positions, llama_pos begin, llama_seq_id sequence,
               std::size_t first, std::size_t count);
  PictureBatch(const PictureBatch&) = delete;
  PictureBatch& operator=(const PictureBatch&) = delete;

  const llama_batch& get() const { return batch_; }

 private:
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> sequence_counts_;
  llama_seq_id sequence_;
  std::vector<llama_seq_id*> sequences_;
  std::vector<std::int8_t> outputs_;
  llama_batch batch_{};
};

}  // namespace selvedge::engines
