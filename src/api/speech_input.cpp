// Speech input: lists of bytes by simdjson, everything else as usual.
#include "api/speech_input.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include <simdjson.h>

#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"

namespace selvedge::api {
namespace {

namespace ondemand = simdjson::ondemand;

// 82.0 is a byte, too.
std::optional<char> byte_of(const nlohmann::json& sent) {
  if (!sent.is_number()) return std::nullopt;
  const double value = sent.get<double>();
  if (!(value >= 0 && value <= 255) || value != std::floor(value)) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(value));
}

Error no_byte(std::size_t at, const nlohmann::json& sent) {
  const std::string path = "/audio/" + std::to_string(at);
  if (!sent.is_number()) return type_mismatch(path, "number", sent);
  const double value = sent.get<double>();
  if (value < 0) return out_of_range(path, ">=", 0);
  if (value > 255) return out_of_range(path, "<=", 255);
  return Error{Code::invalid_input, "'" + path + "' must be a whole number"};
}

// What a cut of the body gave: the other members as JSON text, and the bytes of `audio`.
struct Cut {
  std::string others = "{";
  std::string bytes;
  bool listed = false;
  std::optional<Error> fault;  // A byte that is none.

  void add(std::string_view key, std::string_view value) {
    if (others.size() > 1) others += ',';
    append_string(others, key);
    others += ':';
    others += value;
  }
};

// A number from 0 to 255 with nothing but spaces behind it; nullopt of everything else.
std::optional<char> plain_byte(std::string_view token) {
  unsigned byte = 0;
  const auto read = std::from_chars(token.data(), token.data() + token.size(), byte);
  if (read.ec != std::errc() || byte > 255) return std::nullopt;
  const bool leading_zero = token.front() == '0' && read.ptr - token.data() > 1;
  const std::string_view rest = token.substr(static_cast<std::size_t>(read.ptr - token.data()));
  if (leading_zero || rest.find_first_not_of(" \t\r\n") != rest.npos) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(byte));
}

// False: not JSON, or no list of scalars.
bool take_bytes(ondemand::array list, Cut& cut) {
  cut.bytes.clear();
  cut.fault.reset();
  cut.listed = true;
  std::size_t at = 0;
  for (auto item : list) {
    std::string_view token;
    if (item.raw_json_token().get(token)) return false;
    auto byte = plain_byte(token);
    if (!byte) {
      const auto sent = nlohmann::json::parse(token, nullptr, false);
      if (sent.is_discarded()) return false;
      byte = byte_of(sent);
      if (!byte && !cut.fault) cut.fault = no_byte(at, sent);
    }
    cut.bytes += byte.value_or('\0');
    ++at;
  }
  return true;
}

bool cut_body(std::string_view body, Cut& cut) {
  const simdjson::padded_string padded(body);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  if (parser.iterate(padded).get(document) || document.get_object().get(object)) return false;
  for (auto field : object) {
    ondemand::value value;
    std::string_view key;
    if (field.error() || field.unescaped_key().get(key) || field.value().get(value)) return false;
    ondemand::json_type type{};
    if (value.type().get(type)) return false;
    if (key == "audio" && type == ondemand::json_type::array) {
      ondemand::array list;
      if (value.get_array().get(list) || !take_bytes(list, cut)) return false;
      cut.add(key, "[]");
      continue;
    }
    if (key == "audio") cut.listed = false;
    const std::string name(key);
    std::string_view raw;
    if (simdjson::to_json_string(value).get(raw)) return false;
    cut.add(name, raw);
  }
  cut.others += '}';
  const char* behind = nullptr;
  return document.current_location().get(behind) == simdjson::OUT_OF_BOUNDS;
}

}  // namespace

Result<SpeechInput> read_speech_input(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (first == body.npos || body[first] == '{') {
    Cut cut;
    if (!body.empty() && cut_body(body, cut)) {
      SEL_TRY(inputs, parse_object(cut.others));
      if (cut.listed && cut.fault) return *cut.fault;
      if (cut.listed) return SpeechInput{std::move(inputs), std::move(cut.bytes)};
      return SpeechInput{std::move(inputs), {}};
    }
    SEL_TRY(inputs, parse_object(body));  // Says in the usual words what is wrong.
    return speech_input_of(std::move(inputs));
  }
  return SpeechInput{nlohmann::json::object(), std::string(body), true};
}

Result<SpeechInput> speech_input_of(nlohmann::json inputs) {
  SpeechInput input{std::move(inputs), {}};
  const auto audio = input.inputs.find("audio");
  if (audio == input.inputs.end() || !audio->is_array()) return input;
  for (std::size_t at = 0; at < audio->size(); ++at) {
    const nlohmann::json& sent = (*audio)[at];
    const auto byte = byte_of(sent);
    if (!byte) return no_byte(at, sent);
    input.bytes += *byte;
  }
  *audio = nlohmann::json::array();
  return input;
}

}  // namespace selvedge::api
