// ClassifierHead: the layers behind an encoder that make scores of a text's vector.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace selvedge::engines {

// What kind of head a model file has.
enum class HeadKind {
  none,
  // llama.cpp computes it in the model's graph: a dense layer with tanh, or the last layer alone.
  in_graph,
  // DistilBERT's dense layer has a ReLU, which llama.cpp does not know. Such a file is known by its
  // lack of token types.
  relu,
};

// Errors: model_load_failed.
Result<HeadKind> head_kind_of(const std::string& model_path);

// scores = W2 * relu(W1 * vector + b1) + b2, in float32.
class ReluHead {
 public:
  // `width` is that of the encoder's vectors. Errors: model_load_failed.
  static Result<ReluHead> read(const std::string& model_path, std::size_t width);

  // Of a vector [width] -> [results].
  std::vector<float> scores(std::span<const float> vector) const;

 private:
  std::size_t width_ = 0;
  std::size_t results_ = 0;
  std::vector<float> dense_;       // [width x width], row-major.
  std::vector<float> dense_bias_;  // [width]
  std::vector<float> last_;        // [results x width], row-major.
  std::vector<float> last_bias_;   // [results]
};

}  // namespace selvedge::engines
