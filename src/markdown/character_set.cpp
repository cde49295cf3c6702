// ICU converts and detects; the names of the web that mean another encoding there stand here.
#include "markdown/character_set.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <memory>
#include <utility>

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include "base/utf8.h"

namespace selvedge::markdown {
namespace {

constexpr std::size_t kMarkupBytes = 4'096;
constexpr std::size_t kDetectedBytes = 64 * 1024;
constexpr int kConfidenceMin = 10;

// Browsers read the names on the left as the supersets on the right.
// Source: WHATWG Encoding Standard, section 4.2.
constexpr std::pair<std::string_view, const char*> kWebNames[] = {
    {"iso-8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"us-ascii", "windows-1252"},
    {"ascii", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"gb_2312-80", "gb18030"},
    {"x-gbk", "gb18030"},
    {"shift_jis", "ibm-943_P15A-2003"},
    {"shift-jis", "ibm-943_P15A-2003"},
    {"sjis", "ibm-943_P15A-2003"},
    {"x-sjis", "ibm-943_P15A-2003"},
    {"windows-31j", "ibm-943_P15A-2003"},
    {"ks_c_5601-1987", "windows-949"},
    {"euc-kr", "windows-949"},
    {"big5", "windows-950-2000"},
    {"utf-16", "UTF-16LE"},
    {"unicode", "UTF-16LE"}};

std::string lower(std::string_view text) {
  std::string copy;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > ' ') {
      copy += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return copy;
}

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
struct CloseDetector {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};

// False: ICU knows no such encoding.
bool convert(std::string_view bytes, const std::string& name, std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, CloseConverter> from(ucnv_open(name.c_str(), &status));
  if (U_FAILURE(status) || from == nullptr) return false;
  std::array<UChar, 8'192> wide;
  const char* source = bytes.data();
  const char* const end = source + bytes.size();
  std::u16string pending;
  std::string out;
  do {
    UChar* target = wide.data();
    status = U_ZERO_ERROR;
    ucnv_toUnicode(from.get(), &target, wide.data() + wide.size(), &source, end, nullptr, 1,
                   &status);
    if (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR) return false;
    pending.append(wide.data(), target);
    const bool split = status == U_BUFFER_OVERFLOW_ERROR && !pending.empty() &&
                       (pending.back() & 0xfc00) == 0xd800;
    const char16_t held = split ? pending.back() : u'\0';
    if (split) pending.pop_back();
    for (std::size_t at = 0; at < pending.size(); ++at) {
      char32_t c = pending[at];
      const bool high =
          (c & 0xfc00) == 0xd800 && at + 1 < pending.size() && (pending[at + 1] & 0xfc00) == 0xdc00;
      if (high) c = 0x10000 + ((c & 0x3ff) << 10) + (pending[++at] & 0x3ff);
      utf8::append(out, (c & 0xfffff800) == 0xd800 ? U'\ufffd' : c);
    }
    pending.assign(split ? 1 : 0, held);
  } while (status == U_BUFFER_OVERFLOW_ERROR);
  text = std::move(out);
  return true;
}

std::string detected(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, CloseDetector> detector(ucsdet_open(&status));
  if (U_FAILURE(status)) return {};
  const std::string_view head = bytes.substr(0, kDetectedBytes);
  ucsdet_setText(detector.get(), head.data(), static_cast<std::int32_t>(head.size()), &status);
  std::int32_t count = 0;
  const UCharsetMatch** matches = ucsdet_detectAll(detector.get(), &count, &status);
  if (U_FAILURE(status) || matches == nullptr) return {};
  for (std::int32_t at = 0; at < count; ++at) {
    const int confidence = ucsdet_getConfidence(matches[at], &status);
    const char* name = ucsdet_getName(matches[at], &status);
    if (U_FAILURE(status) || confidence < kConfidenceMin || name == nullptr) return {};
    // Without a mark, few bytes of a Latin text look like two of these each.
    const std::string_view wide(name);
    if (!wide.starts_with("UTF-16") && !wide.starts_with("UTF-32")) return name;
  }
  return {};
}

const std::string& web_name(std::string& name) {
  name = lower(name);
  for (const auto& [label, meant] : kWebNames) {
    if (name == label) name = meant;
  }
  return name;
}

std::string without_nul(std::string text) {
  std::erase(text, '\0');
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return text;
}

// Of a byte order mark; empty: there is none.
std::string marked(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) return "utf-8";
  if (bytes.starts_with(std::string_view("\xff\xfe\0\0", 4))) return "UTF-32LE";
  if (bytes.starts_with("\xff\xfe")) return "UTF-16LE";
  if (bytes.starts_with("\xfe\xff")) return "UTF-16BE";
  // Without a mark, markup in UTF-16 shows in its first character.
  if (bytes.starts_with(std::string_view("<\0", 2))) return "UTF-16LE";
  if (bytes.starts_with(std::string_view("\0<", 2))) return "UTF-16BE";
  return {};
}

}  // namespace

std::string to_utf8(std::string_view bytes, std::string_view declared) {
  std::string name = marked(bytes);
  if (name.empty()) name = declared;
  web_name(name);
  std::string text;
  const bool utf8_named = name == "utf-8" || name == "utf8";
  if (!name.empty() && !utf8_named && convert(bytes, name, text)) {
    return without_nul(std::move(text));
  }
  if (utf8_named || utf8::valid(bytes)) return without_nul(utf8::repaired(bytes));
  name = detected(bytes);
  web_name(name);
  if (!name.empty() && name != "utf-8" && convert(bytes, name, text)) {
    return without_nul(std::move(text));
  }
  if (convert(bytes, "windows-1252", text)) return without_nul(std::move(text));
  return without_nul(utf8::repaired(bytes));
}

std::string declared_in_markup(std::string_view bytes) {
  const std::string head = lower(bytes.substr(0, kMarkupBytes));
  std::size_t at = std::string::npos;
  if (head.starts_with("<?xml")) {
    const std::size_t end = head.find("?>");
    at = head.substr(0, end).find("encoding=");
    if (at != std::string::npos) at += 9;
  }
  if (at == std::string::npos) {
    for (std::size_t meta = head.find("<meta"); meta != std::string::npos;
         meta = head.find("<meta", meta + 1)) {
      const std::size_t end = head.find('>', meta);
      const std::size_t found = head.find("charset=", meta);
      if (found == std::string::npos || found > end) continue;
      at = found + 8;
      break;
    }
  }
  if (at == std::string::npos) return {};
  while (at < head.size() && (head[at] == '"' || head[at] == '\'')) ++at;
  std::size_t end = at;
  while (end < head.size() && (std::isalnum(static_cast<unsigned char>(head[end])) != 0 ||
                               head[end] == '-' || head[end] == '_' || head[end] == ':')) {
    ++end;
  }
  std::string name = head.substr(at, end - at);
  // Bytes that could be read as far as here are not UTF-16.
  return name.starts_with("utf-16") ? "utf-8" : name;
}

}  // namespace selvedge::markdown
