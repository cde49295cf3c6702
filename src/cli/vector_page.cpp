// One pass of a streaming parser, that hands the text of numbers on instead of reading them.
#include "cli/vector_page.h"

#include <charconv>
#include <optional>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace selvedge::cli {
namespace {

using rapidjson::SizeType;

// Depths: 1 the envelope, 2 its result, 3 a vector, 4 its values or metadata.
constexpr int kEnvelope = 1;
constexpr int kList = 2;
constexpr int kVector = 3;
constexpr int kValues = 4;

class PageReader {
 public:
  PageReader(VectorPage& page, bool with_values)
      : page_(page), with_values_(with_values), writer_(text_) {}

  bool Null() {
    if (depth_ == kVector) {  // The key goes with it.
      key_.reset();
      return true;
    }
    return in_vector() ? writer_.Null() : true;
  }
  bool Bool(bool value) { return begin_value() ? writer_.Bool(value) : true; }
  bool RawNumber(const char* text, SizeType length, bool) {
    if (!begin_value()) return true;
    if (with_values_ && depth_ == kValues && property_ == "values") {
      float value = 0;
      if (std::from_chars(text, text + length, value).ec != std::errc()) return false;
      page_.values.back().push_back(value);
    }
    return writer_.RawValue(text, length, rapidjson::kNumberType);
  }
  bool String(const char* text, SizeType length, bool) {
    if (!begin_value()) return true;
    if (depth_ == kVector && property_ == "id") page_.ids.emplace_back(text, length);
    return writer_.String(text, length);
  }
  bool Key(const char* text, SizeType length, bool) {
    if (depth_ == kEnvelope) in_result_ = std::string_view(text, length) == "result";
    if (depth_ == kVector) {
      key_.emplace(text, length);
      property_ = *key_;
    }
    return depth_ > kVector && in_vector() ? writer_.Key(text, length) : true;
  }
  bool StartObject() {
    const bool written = begin_value();
    ++depth_;
    if (depth_ == kVector && in_result_) {
      text_.Clear();
      writer_.Reset(text_);
      if (with_values_) page_.values.emplace_back();
      return writer_.StartObject();
    }
    return written ? writer_.StartObject() : true;
  }
  bool EndObject(SizeType) {
    const bool ends = depth_ == kVector && in_result_;
    if (in_vector()) writer_.EndObject();
    --depth_;
    if (ends) page_.lines.emplace_back(text_.GetString(), text_.GetSize());
    return true;
  }
  bool StartArray() {
    const bool written = begin_value();
    ++depth_;
    if (depth_ == kList && in_result_) listed_ = true;
    return written ? writer_.StartArray() : true;
  }
  bool EndArray(SizeType) {
    if (in_vector()) writer_.EndArray();
    --depth_;
    return true;
  }
  // Numbers come as RawNumber.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  bool complete() const { return listed_ && page_.ids.size() == page_.lines.size(); }

 private:
  bool in_vector() const { return in_result_ && depth_ >= kVector; }
  // Writes the property's name that waits for its value; false: this value is none of a vector's.
  bool begin_value() {
    if (!in_vector()) return false;
    if (key_) writer_.Key(key_->data(), static_cast<SizeType>(key_->size()));
    key_.reset();
    return true;
  }

  VectorPage& page_;
  bool with_values_;
  rapidjson::StringBuffer text_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
  int depth_ = 0;
  bool in_result_ = false;
  bool listed_ = false;
  std::optional<std::string> key_;  // Of the vector; not yet written.
  std::string property_;            // The last one of the vector.
};

}  // namespace

Result<VectorPage> read_vector_page(std::string_view body, bool with_values) {
  VectorPage page;
  PageReader reader(page, with_values);
  rapidjson::MemoryStream stream(body.data(), body.size());
  rapidjson::Reader parser;
  constexpr unsigned kFlags =
      rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
  if (parser.Parse<kFlags>(stream, reader).IsError() || !reader.complete()) {
    return Error{Code::internal, "the server sent no list of vectors"};
  }
  return page;
}

}  // namespace selvedge::cli
