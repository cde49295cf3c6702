// Vector lines: simdjson On-Demand over each line, but for the values, which are most of its bytes.
#include "api/vector_lines.h"

#include <algorithm>
#include <optional>
#include <utility>

// Without its exceptions, a result that is taken for a value does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include "api/float_list.h"
#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(kVectorLinesPadding >= simdjson::SIMDJSON_PADDING);

// Why a line gave no vector: not one at all (which may be discarded), or one that is refused.
struct LineFault {
  std::optional<Error> refused;  // Empty: unparsable.
};
using LineResult = std::optional<LineFault>;  // Empty: all well.

LineResult unparsable() { return LineFault{}; }
LineResult refused(Error error) { return LineFault{std::move(error)}; }

bool valid_key(std::string_view key) {
  return !key.empty() && key.front() != '$' && key.find('.') == std::string_view::npos &&
         key.find('"') == std::string_view::npos;
}

enum class MetadataFault { none, unparsable, key };

// Re-writes JSON compactly while walking it, so that what is stored is known to be whole.
class MetadataWriter {
 public:
  explicit MetadataWriter(std::string& out) : out_(out) {}

  MetadataFault object(ondemand::object value, std::size_t depth) {
    if (depth > limits::json_depth_max) return MetadataFault::unparsable;
    out_ += '{';
    bool first = true;
    for (auto field : value) {
      std::string_view key;
      if (field.unescaped_key().get(key)) return MetadataFault::unparsable;
      if (!valid_key(key)) return MetadataFault::key;
      if (!first) out_ += ',';
      first = false;
      append_string(out_, key);
      out_ += ':';
      ondemand::value inner;
      if (field.value().get(inner)) return MetadataFault::unparsable;
      const MetadataFault fault = any(inner, depth);
      if (fault != MetadataFault::none) return fault;
    }
    out_ += '}';
    return MetadataFault::none;
  }

 private:
  MetadataFault array(ondemand::array value, std::size_t depth) {
    if (depth > limits::json_depth_max) return MetadataFault::unparsable;
    out_ += '[';
    bool first = true;
    for (auto element : value) {
      if (!first) out_ += ',';
      first = false;
      ondemand::value inner;
      if (element.get(inner)) return MetadataFault::unparsable;
      const MetadataFault fault = any(inner, depth);
      if (fault != MetadataFault::none) return fault;
    }
    out_ += ']';
    return MetadataFault::none;
  }

  MetadataFault any(ondemand::value value, std::size_t depth) {
    ondemand::json_type type{};
    if (value.type().get(type)) return MetadataFault::unparsable;
    switch (type) {
      case ondemand::json_type::object: {
        ondemand::object inner;
        if (value.get_object().get(inner)) return MetadataFault::unparsable;
        return object(inner, depth + 1);
      }
      case ondemand::json_type::array: {
        ondemand::array inner;
        if (value.get_array().get(inner)) return MetadataFault::unparsable;
        return array(inner, depth + 1);
      }
      default:
        return scalar(value, type);
    }
  }

  MetadataFault scalar(ondemand::value value, ondemand::json_type type) {
    if (type == ondemand::json_type::string) {
      std::string_view text;
      if (value.get_string().get(text)) return MetadataFault::unparsable;
      append_string(out_, text);
      return MetadataFault::none;
    }
    if (type == ondemand::json_type::number) {
      // Kept as written: 1.0 stays 1.0, and large whole numbers lose no digit.
      std::string_view token = value.raw_json_token();
      double number = 0;
      if (value.get_double().get(number)) return MetadataFault::unparsable;
      while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') {
        token.remove_suffix(1);
      }
      out_ += token;
      return MetadataFault::none;
    }
    if (type == ondemand::json_type::boolean) {
      bool truth = false;
      if (value.get_bool().get(truth)) return MetadataFault::unparsable;
      out_ += truth ? "true" : "false";
      return MetadataFault::none;
    }
    bool null = false;
    if (value.is_null().get(null) || !null) return MetadataFault::unparsable;
    out_ += "null";
    return MetadataFault::none;
  }

  std::string& out_;
};

// Reads a value that nobody wants to its end: simdjson would skip it without a look, and what is no
// JSON must not pass as a vector with something unknown in it.
bool well_formed(ondemand::value value, std::size_t depth) {
  ondemand::json_type type{};
  if (depth > limits::json_depth_max || value.type().get(type)) return false;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    for (auto field : object) {
      std::string_view key;
      ondemand::value inner;
      if (field.unescaped_key().get(key) || field.value().get(inner)) return false;
      if (!well_formed(inner, depth + 1)) return false;
    }
    return true;
  }
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    for (auto element : array) {
      ondemand::value inner;
      if (element.get(inner) || !well_formed(inner, depth + 1)) return false;
    }
    return true;
  }
  std::string_view text;
  double number = 0;
  bool truth = false;
  switch (type) {
    case ondemand::json_type::string:
      return !value.get_string().get(text);
    case ondemand::json_type::number:
      return !value.get_double().get(number);
    case ondemand::json_type::boolean:
      return !value.get_bool().get(truth);
    default:
      return !value.is_null().get(truth) && truth;
  }
}

// One vector while it is read; its values go to the end of the batch at once.
class VectorReader {
 public:
  VectorReader(vectors::VectorBatch& batch, const VectorLinesOptions& options)
      : batch_(batch), options_(options), values_begin_(batch.values.size()) {}

  // On a fault the batch is as it was.
  LineResult read(ondemand::object object) {
    LineResult fault = read_fields(object);
    if (!fault) fault = check();
    if (fault) {
      batch_.values.resize(values_begin_);
      return fault;
    }
    batch_.ids.push_back(std::move(*id_));
    batch_.partitions.push_back(std::move(partition_));
    batch_.metadata.push_back(std::move(metadata_));
    return std::nullopt;
  }

  // Tells a refused key from a line that is no JSON.
  bool metadata_key_fault() const { return metadata_key_fault_; }
  std::string_view id() const { return id_ ? std::string_view(*id_) : std::string_view(); }

 private:
  LineResult read_fields(ondemand::object object) {
    for (auto field : object) {
      std::string_view key;
      if (field.unescaped_key().get(key)) return unparsable();
      ondemand::value value;
      if (field.value().get(value)) return unparsable();
      bool read = true;
      if (key == "id") {
        read = read_id(value);
      } else if (key == "values") {
        read = read_values(value);
      } else if (key == "namespace") {
        read = read_partition(value);
      } else if (key == "metadata") {
        read = read_metadata(value);
      } else {
        read = well_formed(value, 2);
      }
      if (!read) return unparsable();
    }
    return std::nullopt;
  }

  bool read_id(ondemand::value value) {
    std::string_view text;
    if (value.get_string().get(text)) return false;
    id_ = std::string(text);
    return true;
  }

  bool read_values(ondemand::value value) {
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    std::string_view text;
    if (array.raw_json().get(text)) return false;
    batch_.values.resize(values_begin_);
    has_values_ = append_float_list(text, batch_.values);
    return has_values_;
  }

  bool read_partition(ondemand::value value) {
    partition_.reset();
    bool null = false;
    if (value.is_null().get(null)) return false;
    if (null) return true;
    std::string_view text;
    if (value.get_string().get(text)) return false;
    partition_ = std::string(text);
    return true;
  }

  bool read_metadata(ondemand::value value) {
    metadata_.clear();
    metadata_key_fault_ = false;
    bool null = false;
    if (value.is_null().get(null)) return false;
    if (null) return true;
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    const MetadataFault fault = MetadataWriter(metadata_).object(object, 1);
    // A refused key ends the walk half-way; the vector is refused, so the rest does not matter.
    metadata_key_fault_ = fault == MetadataFault::key;
    return fault == MetadataFault::none;
  }

  LineResult check() {
    if (!id_ || !has_values_) return unparsable();
    const Status id = check_id("id", *id_);
    if (!id.ok()) return refused(id.error());
    if (partition_) {
      const Status partition = check_id("namespace", *partition_);
      if (!partition.ok()) return refused(partition.error());
    }
    const std::size_t count = batch_.values.size() - values_begin_;
    if (count != options_.dimensions) {
      return refused(wrong_dimensions(*id_, options_.dimensions, count));
    }
    if (metadata_.size() > limits::metadata_bytes_max) {
      return refused(oversized_metadata(*id_, metadata_.size()));
    }
    return std::nullopt;
  }

  vectors::VectorBatch& batch_;
  const VectorLinesOptions& options_;
  std::size_t values_begin_;
  std::optional<std::string> id_;
  std::optional<std::string> partition_;
  std::string metadata_;
  bool has_values_ = false;
  bool metadata_key_fault_ = false;
};

LineResult read_vector(ondemand::object object, vectors::VectorBatch& batch,
                       const VectorLinesOptions& options) {
  VectorReader reader(batch, options);
  LineResult fault = reader.read(object);
  if (reader.metadata_key_fault()) return refused(invalid_metadata_key(reader.id()));
  return fault;
}

LineResult read_line(ondemand::parser& parser, std::string_view line, vectors::VectorBatch& batch,
                     const VectorLinesOptions& options) {
  const simdjson::padded_string_view text(line, line.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  if (parser.iterate(text).get(document)) return unparsable();
  ondemand::object object;
  if (document.get_object().get(object)) return unparsable();
  const std::size_t vectors_before = batch.ids.size();
  LineResult fault = read_vector(object, batch, options);
  if (fault || document.current_location().error() == simdjson::OUT_OF_BOUNDS) return fault;
  // Something stands after the object: the line is not one value.
  if (batch.ids.size() > vectors_before) {
    batch.ids.pop_back();
    batch.partitions.pop_back();
    batch.metadata.pop_back();
    batch.values.resize(batch.values.size() - options.dimensions);
  }
  return unparsable();
}

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

Error too_many_vectors(const VectorLinesOptions& options) {
  return Error{Code::too_many_vectors,
               "too many vectors in payload; max is " + std::to_string(options.vectors_max)};
}

vectors::VectorBatch empty_batch(const VectorLinesOptions& options) {
  vectors::VectorBatch batch;
  batch.dimensions = options.dimensions;
  return batch;
}

// The list of an object's "vectors".
LineResult read_vectors(ondemand::value value, vectors::VectorBatch& batch,
                        const VectorLinesOptions& options) {
  ondemand::array array;
  if (value.get_array().get(array)) return unparsable();
  for (auto element : array) {
    ondemand::object object;
    if (element.get_object().get(object)) return unparsable();
    if (batch.ids.size() == options.vectors_max) return refused(too_many_vectors(options));
    LineResult fault = read_vector(object, batch, options);
    if (fault) return fault;
  }
  return std::nullopt;
}

void reserve(vectors::VectorBatch& batch, std::size_t vectors_likely,
             const VectorLinesOptions& options) {
  vectors_likely = std::min(vectors_likely, options.vectors_max);
  batch.dimensions = options.dimensions;
  batch.ids.reserve(vectors_likely);
  batch.partitions.reserve(vectors_likely);
  batch.metadata.reserve(vectors_likely);
  batch.values.reserve(vectors_likely * options.dimensions);
}

}  // namespace

Result<vectors::VectorBatch> parse_vector_lines(std::string_view lines,
                                                const VectorLinesOptions& options) {
  vectors::VectorBatch batch;
  const std::size_t first_line = std::min(lines.find('\n'), lines.size()) + 1;
  // Likely, but never more floats than the text has room for ("0," each).
  const std::size_t most = lines.size() / (2 * options.dimensions + 1) + 1;
  reserve(batch, std::min(lines.size() / first_line + 1, most), options);
  ondemand::parser parser;
  std::size_t number = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    ++number;
    if (blank(line)) continue;
    if (batch.ids.size() == options.vectors_max) return too_many_vectors(options);
    LineResult fault = read_line(parser, line, batch, options);
    if (!fault) continue;
    if (fault->refused) return *std::move(fault->refused);
    if (!options.discard_unparsable) return unparsable_vectors(options.operation, number);
  }
  return batch;
}

Result<vectors::VectorBatch> parse_vector_object(std::string_view text,
                                                 const VectorLinesOptions& options) {
  const Error malformed = unparsable_vectors(options.operation, 0);
  vectors::VectorBatch batch = empty_batch(options);
  ondemand::parser parser;
  const simdjson::padded_string_view padded(text, text.size() + simdjson::SIMDJSON_PADDING);
  ondemand::document document;
  ondemand::object fields;
  if (parser.iterate(padded).get(document) || document.get_object().get(fields)) return malformed;
  bool found = false;
  for (auto field : fields) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) || field.value().get(value)) return malformed;
    if (key != "vectors") {
      if (!well_formed(value, 2)) return malformed;
      continue;
    }
    if (found) batch = empty_batch(options);
    found = true;
    LineResult fault = read_vectors(value, batch, options);
    if (!fault) continue;
    if (fault->refused) return *std::move(fault->refused);
    return malformed;
  }
  const bool ended = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (!found || !ended) return malformed;
  return batch;
}

}  // namespace selvedge::api
