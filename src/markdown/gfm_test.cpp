// Tests of the Markdown that is written, most of them by how cmark-gfm reads it.
#include "markdown/gfm.h"

#include <cstdint>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "markdown/reparsed.h"

namespace selvedge::markdown {
namespace {

using Kind = Inline::Kind;

Inline styled(Kind kind, std::string text) {
  Inline one{kind};
  one.children.push_back(text_of(std::move(text)));
  return one;
}

std::string written(Inlines inlines) {
  Blocks blocks;
  blocks.push_back(paragraph_of(std::move(inlines)));
  return write(blocks, Form::markdown);
}

std::string words(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

TEST(Gfm, TextThatLooksLikeStructureStaysText) {
  for (const char* text :
       {"# a",     "###### a",   "- a",     "+ a",      "* a",   "1. a",  "123456789) a",
        "> a",     "```",        "~~~ a",   "---",      "===",   "***",   "___",
        "- - -",   "| a | b |",  ":--",     "a_b_ _c_", "**a**", "~~a~~", "~a~",
        "[a](b)",  "![a](b)",    "[^1]",    "[a]: b",   "<b>",   "</b>",  "<!-- a",
        "<a@b.c>", "<http://a>", "&amp;",   "&#35;",    "&copy", "a\\",   "\\*",
        "`a`",     "a `` b",     "# a #",   "-",        "+",     "=",     "1)",
        "$a$",     "_a_",        "a*b*c",   "***",      "!",     "<?a",   "\\",
        "- [ ] a", "<",          "a & b; c"}) {
    Inlines inlines;
    inlines.push_back(text_of(text));
    const std::string markdown = written(inlines);
    const Reparsed seen = reparsed(markdown);
    EXPECT_EQ(words(seen.text), words(text)) << markdown;
    EXPECT_EQ(seen.count("paragraph"), 1) << markdown;
    EXPECT_EQ(seen.nodes.size() - static_cast<std::size_t>(seen.count("text") > 0), 2u) << markdown;
  }
}

TEST(Gfm, ControlCharactersDoNotHideATag) {
  Inlines inlines;
  inlines.push_back(
      text_of("<\x04p> &\x7f"
              "amp;"));
  EXPECT_EQ(written(inlines), "\\<p> \\&amp;\n");
}

TEST(Gfm, OrdinaryTextIsNotEscaped) {
  for (const char* text : {"a - b + c", "snake_case_name", "1.5 and 2) x", "AT&T, R&D", "a < b > c",
                           "C# and F#", "50% = half", "e.g. (x)", "a | b", "x!"}) {
    Inlines inlines;
    inlines.push_back(text_of(text));
    EXPECT_EQ(written(inlines), std::string(text) + "\n");
  }
}

TEST(Gfm, LinesOfATextAreGuardedEach) {
  Inlines inlines;
  for (const char* line : {"a", "# b", "===", "1. c", "    d"}) {
    if (!inlines.empty()) inlines.push_back({Kind::soft_break});
    inlines.push_back(text_of(line));
  }
  const Reparsed seen = reparsed(written(inlines));
  EXPECT_EQ(words(seen.text), "a # b === 1. c d");
  EXPECT_EQ(seen.count("paragraph"), 1);
  EXPECT_EQ(seen.count("softbreak"), 4);
}

TEST(Gfm, StylesAreReadAsStylesWhateverStandsBesideThem) {
  for (const char* before : {"", "a", "a ", "(", "織", "*", "。", "~"}) {
    for (const char* inside : {"b", " b ", "(b)", "「織」", "b.", "*", "織"}) {
      for (const char* after : {"", "c", " c", ")", "機", "*", "。", "~"}) {
        for (const Kind kind : {Kind::strong, Kind::emphasis, Kind::strike}) {
          Inlines inlines;
          inlines.push_back(text_of(before));
          inlines.push_back(styled(kind, inside));
          inlines.push_back(text_of(after));
          const std::string markdown = written(inlines);
          const Reparsed seen = reparsed(markdown);
          EXPECT_EQ(words(seen.text), words(std::string(before) + inside + after)) << markdown;
          const int styles = seen.count("strong") + seen.count("emph") +
                             seen.count("strikethrough") + seen.count("html_inline") / 2;
          EXPECT_EQ(styles, 1) << markdown;
        }
      }
    }
  }
}

TEST(Gfm, StylesInStylesAndBesideEachOtherKeepTheirText) {
  Inlines inlines;
  Inline outer{Kind::strong};
  outer.children.push_back(text_of("a"));
  outer.children.push_back(styled(Kind::emphasis, "b"));
  inlines.push_back(outer);
  inlines.push_back(styled(Kind::emphasis, "c"));
  inlines.push_back(styled(Kind::strong, "d"));
  inlines.push_back(styled(Kind::strong, "e"));
  EXPECT_EQ(words(reparsed(written(inlines)).text), "abcde");
  EXPECT_EQ(written({styled(Kind::strong, "d"), styled(Kind::strong, "e")}), "**de**\n");
}

TEST(Gfm, CodeHoldsBackticks) {
  for (const char* code : {"a", "`", "``", "a`b", "`a`", " a ", "a ``` b", "|"}) {
    Inlines inlines;
    inlines.push_back(text_of("x"));
    inlines.push_back({Kind::code, code});
    const Reparsed seen = reparsed(written(inlines));
    EXPECT_EQ(seen.text, std::string("x") + code + "  ") << code;
    EXPECT_EQ(seen.count("code"), 1);
  }
}

TEST(Gfm, LinksKeepTheirTargets) {
  for (const char* target : {"https://a.b/c?d=e&f=g", "a b(c)", "<x>", "a\\b", "x&amp;y", "a|b"}) {
    Inlines inlines;
    Inline link{Kind::link, {}, target, {}};
    link.children.push_back(text_of("a]b"));
    inlines.push_back(text_of("!"));
    inlines.push_back(link);
    const Reparsed seen = reparsed(written(inlines));
    EXPECT_EQ(seen.count("link"), 1) << target;
    EXPECT_EQ(seen.count("image"), 0) << target;
    EXPECT_EQ(words(seen.text), "!a]b") << target;
  }
}

Block list_of(int level, std::initializer_list<const char*> texts) {
  Block list{.kind = Block::Kind::list, .level = level};
  for (const char* text : texts) {
    Block item{.kind = Block::Kind::item};
    Inlines inlines;
    inlines.push_back(text_of(text));
    item.children.push_back(paragraph_of(std::move(inlines)));
    list.children.push_back(std::move(item));
  }
  return list;
}

TEST(Gfm, ListsNestAndDoNotMerge) {
  Block outer = list_of(9, {"a", "b"});
  outer.children[0].children.push_back(list_of(0, {"c"}));
  Blocks blocks;
  blocks.push_back(std::move(outer));
  blocks.push_back(list_of(1, {"d"}));
  blocks.push_back(list_of(0, {"e"}));
  blocks.push_back(list_of(0, {"f"}));
  const std::string markdown = write(blocks, Form::markdown);
  EXPECT_EQ(markdown, "9. a\n   - c\n10. b\n\n1) d\n\n- e\n\n* f\n");
  EXPECT_EQ(reparsed(markdown).count("list"), 5);
}

TEST(Gfm, TablesTakeAnythingInTheirCells) {
  Block table{.kind = Block::Kind::table};
  Inlines cell;
  cell.push_back(text_of("a|b"));
  cell.push_back({Kind::line_break});
  cell.push_back(text_of("# c"));
  Inlines code;
  code.push_back({Kind::code, "x|y"});
  table.rows.push_back({cell, code});
  table.rows.push_back({cell});
  Blocks blocks;
  blocks.push_back(table);
  const std::string markdown = write(blocks, Form::markdown);
  EXPECT_EQ(markdown, "| a\\|b<br># c | `x\\|y` |\n| --- | --- |\n| a\\|b<br># c | |\n");
  const Reparsed seen = reparsed(markdown);
  EXPECT_EQ(seen.count("table"), 1);
  EXPECT_EQ(seen.count("table_cell"), 4);
  EXPECT_NE(seen.text.find("x|y"), std::string::npos);
}

TEST(Gfm, CodeBlocksAndHeadingsEndWhereTheyShould) {
  Blocks blocks;
  blocks.push_back({.kind = Block::Kind::code, .text = "```\n~~~\n# x\n", .label = "a b`c"});
  blocks.push_back(heading_of(9, "C #"));
  blocks.push_back({.kind = Block::Kind::rule});
  const std::string markdown = write(blocks, Form::markdown);
  EXPECT_EQ(markdown, "````abc\n```\n~~~\n# x\n````\n\n###### C \\#\n\n___\n");
  const Reparsed seen = reparsed(markdown);
  EXPECT_EQ(seen.count("code_block"), 1);
  EXPECT_EQ(seen.count("heading"), 1);
  EXPECT_EQ(seen.count("thematic_break"), 1);
  EXPECT_NE(seen.text.find("C #"), std::string::npos);
}

TEST(Gfm, PlainTextHasNoSigns) {
  Blocks blocks;
  blocks.push_back(heading_of(2, "a*b"));
  Inlines inlines;
  inlines.push_back(styled(Kind::strong, "# c"));
  blocks.push_back(paragraph_of(inlines));
  EXPECT_EQ(write(blocks, Form::plain), "a*b\n\n# c\n");
}

// Random texts of the signs that mean something, in paragraphs, styles, links and cells.
TEST(Gfm, AnyTextReadsAsItself) {
  std::mt19937 random(7);
  const std::u32string signs = U"*_`~[]()<>!#&;:-+=|\\\"' \n1.)aé織。{}^$@/?x";
  const auto text = [&] {
    std::string out;
    const std::size_t length = random() % 14;
    for (std::size_t at = 0; at < length; ++at) utf8::append(out, signs[random() % signs.size()]);
    return out;
  };
  for (int round = 0; round < 20'000; ++round) {
    Inlines inlines;
    std::string expected;
    const int parts = 1 + static_cast<int>(random() % 4);
    for (int part = 0; part < parts; ++part) {
      const std::string piece = text();
      expected += piece;
      switch (random() % 5) {
        case 0:
          inlines.push_back(styled(Kind::strong, piece));
          break;
        case 1:
          inlines.push_back(styled(Kind::emphasis, piece));
          break;
        case 2:
          inlines.push_back(styled(Kind::strike, piece));
          break;
        default:
          inlines.push_back(text_of(piece));
          break;
      }
    }
    const std::string markdown = written(inlines);
    const Reparsed seen = reparsed(markdown);
    ASSERT_EQ(words(seen.text), words(expected)) << markdown;
    ASSERT_LE(seen.count("paragraph"), 1) << markdown;
    ASSERT_EQ(seen.count("heading") + seen.count("list") + seen.count("html_block") +
                  seen.count("link") + seen.count("image") + seen.count("code"),
              0)
        << markdown;
  }
}

}  // namespace
}  // namespace selvedge::markdown
