// PromptPictures: pieces in the place of pictures.
#include "engines/prompt_pictures.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engines/prompt_tokens.h"

namespace selvedge::engines {

Result<PromptPictures> PromptPictures::place(std::vector<llama_token>& prompt,
                                             const wire::Generate& task, PictureReader* reader) {
  PromptPictures pictures;
  std::vector<std::vector<PicturePiece>> read;
  for (const wire::ChatMessage& message : task.messages) {
    for (const wire::InlinePicture& picture : message.pictures) {
      if (reader == nullptr) {
        return Error{Code::model_unsupported, "the model has no projector: it reads no pictures"};
      }
      const std::string what = "picture " + std::to_string(read.size() + 1);
      SEL_TRY(pieces, reader->read(picture.bytes, what));
      read.push_back(std::move(pieces));
    }
  }
  if (read.empty()) return pictures;
  std::vector<llama_token> whole;
  for (const llama_token token : prompt) {
    if (!is_picture_token(token)) {
      whole.push_back(token);
      continue;
    }
    for (const PicturePiece& piece : read.at(static_cast<std::size_t>(picture_token(0) - token))) {
      if (!piece.pixels) {
        whole.insert(whole.end(), piece.text.begin(), piece.text.end());
        continue;
      }
      pictures.placed_.push_back({whole.size(), piece});
      whole.insert(whole.end(), static_cast<std::size_t>(piece.tokens), piece.stand_in);
    }
  }
  // The first token of the completion is drawn behind a token.
  if (is_picture_token(whole.back())) {
    return Error{Code::invalid_input,
                 "messages: the model's chat template lets the prompt end with a picture"};
  }
  prompt = std::move(whole);
  return pictures;
}

const PromptPictures::Placed* PromptPictures::at(std::size_t token) const {
  for (const Placed& one : placed_) {
    if (one.begin == token) return &one;
  }
  return nullptr;
}

std::size_t PromptPictures::next(std::size_t token, std::size_t end) const {
  for (const Placed& one : placed_) {
    if (one.begin >= token) return std::min(one.begin, end);
  }
  return end;
}

llama_pos PromptPictures::position_of(std::size_t token) const {
  auto position = static_cast<llama_pos>(token);
  for (const Placed& one : placed_) {
    if (one.begin >= token) break;
    position += one.piece.positions - one.piece.tokens;
  }
  return position;
}

PictureBatch::PictureBatch(std::span<const float> values, std::size_t width,
                           std::span<const llama_pos> positions, llama_pos begin,
                           llama_seq_id sequence, std::size_t first, std::size_t count)
    : sequence_counts_(count, 1),
      sequence_(sequence),
      sequences_(count, &sequence_),
      outputs_(count, 0) {
  const std::size_t tokens = values.size() / width;
  for (std::size_t at = 0; at < count && positions.empty(); ++at) {
    positions_.push_back(begin + static_cast<llama_pos>(first + at));
  }
  for (std::size_t row = 0; row < positions.size(); row += tokens) {
    const auto part = positions.subspan(row + first, count);
    positions_.insert(positions_.end(), part.begin(), part.end());
  }
  batch_.n_tokens = static_cast<std::int32_t>(count);
  batch_.embd = const_cast<float*>(values.data() + first * width);
  batch_.pos = positions_.data();
  batch_.n_seq_id = sequence_counts_.data();
  batch_.seq_id = sequences_.data();
  batch_.logits = outputs_.data();
}

}  // namespace selvedge::engines
