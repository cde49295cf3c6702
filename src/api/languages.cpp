// Languages: the codes of m2m100 (ISO 639) and those of IndicTrans2 (FLORES, without the script).
#include "api/languages.h"

#include <algorithm>

namespace selvedge::api {
namespace {

struct Language {
  std::string_view code;
  std::string_view name;
};

constexpr std::size_t kNameBytesMax = 48;
constexpr std::size_t kCodeBytesMax = 3;

// Sources: the model card of facebook/m2m100_1.2B; AI4Bharat/IndicTrans2, README.md.
constexpr Language kLanguages[] = {
    {"af", "Afrikaans"},
    {"am", "Amharic"},
    {"ar", "Arabic"},
    {"ast", "Asturian"},
    {"az", "Azerbaijani"},
    {"ba", "Bashkir"},
    {"be", "Belarusian"},
    {"bg", "Bulgarian"},
    {"bn", "Bengali"},
    {"br", "Breton"},
    {"bs", "Bosnian"},
    {"ca", "Catalan"},
    {"ceb", "Cebuano"},
    {"cs", "Czech"},
    {"cy", "Welsh"},
    {"da", "Danish"},
    {"de", "German"},
    {"el", "Greek"},
    {"en", "English"},
    {"es", "Spanish"},
    {"et", "Estonian"},
    {"fa", "Persian"},
    {"ff", "Fulah"},
    {"fi", "Finnish"},
    {"fr", "French"},
    {"fy", "Western Frisian"},
    {"ga", "Irish"},
    {"gd", "Scottish Gaelic"},
    {"gl", "Galician"},
    {"gu", "Gujarati"},
    {"ha", "Hausa"},
    {"he", "Hebrew"},
    {"hi", "Hindi"},
    {"hr", "Croatian"},
    {"ht", "Haitian Creole"},
    {"hu", "Hungarian"},
    {"hy", "Armenian"},
    {"id", "Indonesian"},
    {"ig", "Igbo"},
    {"ilo", "Ilocano"},
    {"is", "Icelandic"},
    {"it", "Italian"},
    {"ja", "Japanese"},
    {"jv", "Javanese"},
    {"ka", "Georgian"},
    {"kk", "Kazakh"},
    {"km", "Khmer"},
    {"kn", "Kannada"},
    {"ko", "Korean"},
    {"lb", "Luxembourgish"},
    {"lg", "Ganda"},
    {"ln", "Lingala"},
    {"lo", "Lao"},
    {"lt", "Lithuanian"},
    {"lv", "Latvian"},
    {"mg", "Malagasy"},
    {"mk", "Macedonian"},
    {"ml", "Malayalam"},
    {"mn", "Mongolian"},
    {"mr", "Marathi"},
    {"ms", "Malay"},
    {"my", "Burmese"},
    {"ne", "Nepali"},
    {"nl", "Dutch"},
    {"no", "Norwegian"},
    {"ns", "Northern Sotho"},
    {"oc", "Occitan"},
    {"or", "Odia"},
    {"pa", "Punjabi"},
    {"pl", "Polish"},
    {"ps", "Pashto"},
    {"pt", "Portuguese"},
    {"ro", "Romanian"},
    {"ru", "Russian"},
    {"sd", "Sindhi"},
    {"si", "Sinhala"},
    {"sk", "Slovak"},
    {"sl", "Slovenian"},
    {"so", "Somali"},
    {"sq", "Albanian"},
    {"sr", "Serbian"},
    {"ss", "Swati"},
    {"su", "Sundanese"},
    {"sv", "Swedish"},
    {"sw", "Swahili"},
    {"ta", "Tamil"},
    {"th", "Thai"},
    {"tl", "Tagalog"},
    {"tn", "Tswana"},
    {"tr", "Turkish"},
    {"uk", "Ukrainian"},
    {"ur", "Urdu"},
    {"uz", "Uzbek"},
    {"vi", "Vietnamese"},
    {"wo", "Wolof"},
    {"xh", "Xhosa"},
    {"yi", "Yiddish"},
    {"yo", "Yoruba"},
    {"zh", "Chinese"},
    {"zu", "Zulu"},
    {"asm", "Assamese"},
    {"ben", "Bengali"},
    {"brx", "Bodo"},
    {"doi", "Dogri"},
    {"eng", "English"},
    {"gom", "Konkani"},
    {"guj", "Gujarati"},
    {"hin", "Hindi"},
    {"kan", "Kannada"},
    {"kas", "Kashmiri"},
    {"mai", "Maithili"},
    {"mal", "Malayalam"},
    {"mar", "Marathi"},
    {"mni", "Manipuri"},
    {"npi", "Nepali"},
    {"ory", "Odia"},
    {"pan", "Punjabi"},
    {"san", "Sanskrit"},
    {"sat", "Santali"},
    {"snd", "Sindhi"},
    {"tam", "Tamil"},
    {"tel", "Telugu"},
    {"urd", "Urdu"},
};

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return low;
}

// Letters of any script, with spaces and hyphens between them: nothing that could instruct.
bool is_name(std::string_view text) {
  return text.size() > kCodeBytesMax && text.size() <= kNameBytesMax &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == '-' ||
                  static_cast<unsigned char>(c) >= 0x80;
         });
}

}  // namespace

std::optional<std::string> language_name(std::string_view code) {
  const std::string wanted = lower(code);
  const std::string without_place = wanted.substr(0, wanted.find_first_of("-_"));
  for (const Language& language : kLanguages) {
    const bool is_code = wanted == language.code || without_place == language.code;
    if (is_code || wanted == lower(language.name)) return std::string(language.name);
  }
  if (!is_name(code)) return std::nullopt;
  return std::string(code);
}

}  // namespace selvedge::api
