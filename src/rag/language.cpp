// Scripts and the two ways to write Chinese, by their commonest characters.
#include "rag/language.h"

#include "rag/characters.h"

namespace selvedge::rag {
namespace {

// Pairs at the same place; only characters that the other way of writing does not use.
constexpr std::u32string_view kTraditional =
    U"麼個們這來時國會說為學對發經過還進種樣點關電長問題見現從開動無與當實認讓應間區體資訊設強狀態"
    U"儲務導業東"
    U"車門馬語請誰嗎買賣讀寫圖書節構網線總級員單機標測試變數寬頻處錢選擇類義樂親覺聽檔歷紀藝過嗎們"
    U"該給誰";
constexpr std::u32string_view kSimplified =
    U"么个们这来时国会说为学对发经过还进种样点关电长问题见现从开动无当实认让应间区体资讯设强状态储"
    U"导业东车门马"
    U"语请谁吗买卖读写图书节构网线总级员单机标测试变数宽频处钱选择类义乐亲觉听档历纪艺该给务";

int count_of(std::u32string_view set, std::string_view text) {
  int count = 0;
  for (const Character& character : characters(text)) {
    if (set.find(character.code) != std::u32string_view::npos) ++count;
  }
  return count;
}

// Positive: traditional.
int leaning(std::string_view text) {
  return count_of(kTraditional, text) - count_of(kSimplified, text);
}

}  // namespace

double cjk_share(std::string_view text) {
  double cjk = 0;
  double letters = 0;
  for (const Character& character : characters(text)) {
    if (is_cjk(character.code)) {
      cjk += 2.5;
    } else if (is_word(character.code) && !is_digit(character.code)) {
      letters += 1;
    }
  }
  return cjk == 0 ? 0 : cjk / (cjk + letters);
}

Language language_of(std::string_view question, std::string_view hint) {
  bool chinese = false;
  for (const Character& character : characters(question)) {
    if (is_kana_or_hangul(character.code)) return Language::english;
    chinese = chinese || is_cjk(character.code);
  }
  if (!chinese) return Language::english;
  int lean = leaning(question);
  if (lean == 0) lean = leaning(hint);
  return lean > 0 ? Language::chinese_traditional : Language::chinese_simplified;
}

std::string_view refusal(Language language) {
  switch (language) {
    case Language::chinese_simplified:
      return "这些资料没有回答这个问题。";
    case Language::chinese_traditional:
      return "這些資料沒有回答這個問題。";
    case Language::english:
      break;
  }
  return "The passages do not answer this.";
}

}  // namespace selvedge::rag
