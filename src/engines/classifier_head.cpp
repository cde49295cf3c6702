// ClassifierHead: tensors of a GGUF file as float32.
#include "engines/classifier_head.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "ggml.h"
#include "gguf.h"

namespace selvedge::engines {
namespace {

constexpr const char* kDense = "cls.weight";
constexpr const char* kLast = "cls.output.weight";
constexpr std::size_t kResultsMax = 4096;

struct FreeGguf {
  void operator()(gguf_context* file) const { gguf_free(file); }
};
struct FreeGgml {
  void operator()(ggml_context* tensors) const { ggml_free(tensors); }
};

// A model file, with or without the data of its tensors.
class TensorFile {
 public:
  static Result<TensorFile> open(const std::string& path, bool with_data) {
    TensorFile opened;
    ggml_context* tensors = nullptr;
    opened.file_.reset(gguf_init_from_file(path.c_str(), {!with_data, &tensors}));
    opened.tensors_.reset(tensors);
    if (!opened.file_) return Error{Code::model_load_failed, "the model file is not readable"};
    return opened;
  }

  bool has(const char* name) const { return gguf_find_tensor(file_.get(), name) >= 0; }

  // Errors: model_load_failed (not there, another size, a type that is not read).
  Result<std::vector<float>> floats(const char* name, std::size_t count) const {
    const ggml_tensor* tensor = ggml_get_tensor(tensors_.get(), name);
    const Error error{Code::model_load_failed,
                      "the classifier's tensor " + std::string(name) + " does not fit the model"};
    if (tensor == nullptr || static_cast<std::size_t>(ggml_nelements(tensor)) != count) {
      return error;
    }
    std::vector<float> values(count);
    if (tensor->type == GGML_TYPE_F32) {
      std::copy_n(static_cast<const float*>(tensor->data), count, values.data());
      return values;
    }
    const ggml_to_float_t to_float = ggml_get_type_traits(tensor->type)->to_float;
    if (to_float == nullptr) return error;
    to_float(tensor->data, values.data(), static_cast<std::int64_t>(count));
    return values;
  }

  // Rows of a matrix; 0 when it is not there.
  std::size_t rows(const char* name) const {
    const ggml_tensor* tensor = ggml_get_tensor(tensors_.get(), name);
    return tensor == nullptr ? 0 : static_cast<std::size_t>(tensor->ne[1]);
  }

 private:
  std::unique_ptr<gguf_context, FreeGguf> file_;
  std::unique_ptr<ggml_context, FreeGgml> tensors_;
};

float row_product(std::span<const float> matrix, std::size_t row, std::span<const float> vector) {
  const auto values = matrix.subspan(row * vector.size(), vector.size());
  return std::inner_product(values.begin(), values.end(), vector.begin(), 0.0f);
}

}  // namespace

Result<HeadKind> head_kind_of(const std::string& model_path) {
  SEL_TRY(file, TensorFile::open(model_path, false));
  if (!file.has(kDense) && !file.has(kLast)) return HeadKind::none;
  const bool distilled = file.has(kDense) && file.has(kLast) && !file.has("token_types.weight");
  return distilled ? HeadKind::relu : HeadKind::in_graph;
}

Result<ReluHead> ReluHead::read(const std::string& model_path, std::size_t width) {
  SEL_TRY(file, TensorFile::open(model_path, true));
  ReluHead head;
  head.width_ = width;
  head.results_ = file.rows(kLast);
  if (head.results_ == 0 || head.results_ > kResultsMax) {
    return Error{Code::model_load_failed, "the classifier has no believable number of results"};
  }
  SEL_TRY(dense, file.floats(kDense, width * width));
  SEL_TRY(dense_bias, file.floats("cls.bias", width));
  SEL_TRY(last, file.floats(kLast, head.results_ * width));
  SEL_TRY(last_bias, file.floats("cls.output.bias", head.results_));
  head.dense_ = std::move(dense);
  head.dense_bias_ = std::move(dense_bias);
  head.last_ = std::move(last);
  head.last_bias_ = std::move(last_bias);
  return head;
}

std::vector<float> ReluHead::scores(std::span<const float> vector) const {
  std::vector<float> hidden(width_);
  for (std::size_t row = 0; row < width_; ++row) {
    hidden[row] = std::max(0.0f, row_product(dense_, row, vector) + dense_bias_[row]);
  }
  std::vector<float> scores(results_);
  for (std::size_t row = 0; row < results_; ++row) {
    scores[row] = row_product(last_, row, hidden) + last_bias_[row];
  }
  return scores;
}

}  // namespace selvedge::engines
