// PictureReader: mtmd, one picture at a time.
#include "engines/picture_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/sha256.h"
#include "engines/input_picture.h"
#include "gguf.h"
#include "mtmd.h"

// Added to mtmd by cmake/engines/mtmd_threads.cpp.
extern "C" void selvedge_mtmd_set_threads(mtmd_context* context, int threads);

namespace selvedge::engines {
namespace {

// Identities of pictures that are told again. A forgotten one gets a new identity: its beginning
// is then computed anew.
constexpr std::size_t kStandInsMax = 4'096;
constexpr std::size_t kEmbeddedValuesMax = 16u * 1024 * 1024;
// Such lines are scaled to less than a patch of the projector's.
constexpr std::int32_t kSideRatioMax = 100;

struct FreeBitmap {
  void operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
};
struct FreeChunk {
  void operator()(const mtmd_input_chunk* chunk) const {
    mtmd_input_chunk_free(const_cast<mtmd_input_chunk*>(chunk));
  }
};
struct FreeChunks {
  void operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }
};

// The projectors that number pictures, or align them, by what stands before them in the prompt:
// here each picture is read by itself.
bool reads_by_place(const std::string& path) {
  gguf_context* file = gguf_init_from_file(path.c_str(), {true, nullptr});
  if (file == nullptr) return false;
  bool found = false;
  for (const char* key : {"clip.projector_type", "clip.vision.projector_type"}) {
    const auto at = gguf_find_key(file, key);
    if (at < 0 || gguf_get_kv_type(file, at) != GGUF_TYPE_STRING) continue;
    const std::string_view type = gguf_get_val_str(file, at);
    found = found || type == "hunyuanvl" || type == "deepseek4v";
  }
  gguf_free(file);
  return found;
}

std::string digest_of(const InputPicture& picture) {
  Sha256 hash;
  hash.add(std::to_string(picture.width) + "x" + std::to_string(picture.height) + ":");
  hash.add({reinterpret_cast<const char*>(picture.pixels.data()), picture.pixels.size()});
  return hash.hex();
}

}  // namespace

void PictureReader::Close::operator()(mtmd_context* context) const { mtmd_free(context); }

Result<std::unique_ptr<PictureReader>> PictureReader::open(const std::string& path,
                                                           const LlamaModel& model) {
  if (reads_by_place(path)) {
    return Error{Code::model_unsupported, "projector: of a kind that this build does not serve"};
  }
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = false;
  params.print_timings = false;
  params.warmup = false;
  params.n_threads = 1;
  // Otherwise attention over large pictures takes memory by the square of their patches.
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  auto reader = std::make_unique<PictureReader>(
      mtmd_init_from_file(path.c_str(), model.get(), params),
      static_cast<std::size_t>(llama_model_n_embd_inp(model.get())));
  if (!reader->context_ || !mtmd_support_vision(reader->context_.get())) {
    return Error{Code::model_load_failed,
                 "projector: it reads no pictures for these weights, or is damaged"};
  }
  return reader;
}

llama_token PictureReader::stand_in_of(const std::string& digest) {
  const auto known = stand_ins_.find(digest);
  if (known != stand_ins_.end()) return known->second;
  if (stand_ins_.size() >= kStandInsMax) stand_ins_.clear();
  // Two billion pictures on, a number would come again: nothing of the first is kept so long.
  if (next_stand_in_ == std::numeric_limits<llama_token>::min()) next_stand_in_ = kPictureTokenMax;
  stand_ins_[digest] = next_stand_in_;
  return next_stand_in_--;
}

Result<std::vector<PicturePiece>> PictureReader::read(std::string_view bytes,
                                                      std::string_view what) {
  SEL_TRY(picture, decode_picture(bytes, PictureUse::colours, what));
  const auto [low, high] = std::minmax(picture.width, picture.height);
  if (high / low > kSideRatioMax) {
    return Error{Code::invalid_input, std::string(what) + ": one side is more than " +
                                          std::to_string(kSideRatioMax) +
                                          " times as long as the other"};
  }
  const std::unique_ptr<mtmd_bitmap, FreeBitmap> bitmap(
      mtmd_bitmap_init(static_cast<std::uint32_t>(picture.width),
                       static_cast<std::uint32_t>(picture.height), picture.pixels.data()));
  const std::unique_ptr<mtmd_input_chunks, FreeChunks> chunks(mtmd_input_chunks_init());
  const mtmd_input_part part{nullptr, bitmap.get()};
  const mtmd_input_part* const parts[] = {&part};
  if (mtmd_tokenize_from_parts(context_.get(), chunks.get(), parts, 1, false) != 0) {
    return Error{Code::invalid_input,
                 std::string(what) + ": the model's projector cannot read a picture of this size"};
  }
  const std::string digest = digest_of(picture);
  std::vector<PicturePiece> pieces;
  for (std::size_t at = 0; at < mtmd_input_chunks_size(chunks.get()); ++at) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), at);
    PicturePiece piece;
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
      std::size_t count = 0;
      const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &count);
      piece.text.assign(tokens, tokens + count);
      piece.tokens = static_cast<std::int32_t>(count);
      piece.positions = piece.tokens;
    } else {
      piece.pixels = {mtmd_input_chunk_copy(chunk), FreeChunk()};
      piece.tokens = static_cast<std::int32_t>(mtmd_input_chunk_get_n_tokens(chunk));
      piece.positions = mtmd_input_chunk_get_n_pos(chunk);
      piece.stand_in = stand_in_of(digest + "/" + std::to_string(at));
    }
    if (piece.tokens > 0) pieces.push_back(std::move(piece));
  }
  return pieces;
}

Result<std::span<const float>> PictureReader::embed(const PicturePiece& piece,
                                                    std::int32_t threads) {
  for (const Embedded& one : embedded_) {
    if (one.stand_in == piece.stand_in) return std::span<const float>(one.values);
  }
  selvedge_mtmd_set_threads(context_.get(), threads);
  if (mtmd_encode_chunk(context_.get(), piece.pixels.get()) != 0) {
    return Error{Code::internal, "the projector could not compute a picture"};
  }
  const std::size_t count = static_cast<std::size_t>(piece.tokens) * width_;
  const float* values = mtmd_get_output_embd(context_.get());
  embedded_.push_back({piece.stand_in, std::vector<float>(values, values + count)});
  std::size_t held = 0;
  for (const Embedded& one : embedded_) held += one.values.size();
  while (held > kEmbeddedValuesMax && embedded_.size() > 1) {
    held -= embedded_.front().values.size();
    embedded_.pop_front();
  }
  return std::span<const float>(embedded_.back().values);
}

bool PictureReader::sees_both_ways(const PicturePiece& piece) const {
  return mtmd_decode_use_non_causal(context_.get(), piece.pixels.get());
}

bool PictureReader::has_wide_positions() const { return mtmd_decode_use_mrope(context_.get()); }

std::vector<llama_pos> PictureReader::positions(const PicturePiece& piece, llama_pos first) const {
  std::vector<llama_pos> out;
  if (!has_wide_positions()) return out;
  const auto count = static_cast<std::size_t>(piece.tokens);
  out.resize(4 * count);
  const mtmd_image_tokens* tokens = mtmd_input_chunk_get_tokens_image(piece.pixels.get());
  for (std::size_t at = 0; at < count; ++at) {
    const mtmd_decoder_pos place = mtmd_image_tokens_get_decoder_pos(tokens, first, at);
    out[at] = static_cast<llama_pos>(place.t);
    out[count + at] = static_cast<llama_pos>(place.y);
    out[2 * count + at] = static_cast<llama_pos>(place.x);
    out[3 * count + at] = static_cast<llama_pos>(place.z);
  }
  return out;
}

}  // namespace selvedge::engines
