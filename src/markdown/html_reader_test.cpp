// Tests of HTML as Markdown: whole pages in, whole texts out.
#include "markdown/html_reader.h"

#include <string>

#include <gtest/gtest.h>

#include "markdown/character_set.h"
#include "markdown/css_selector.h"
#include "markdown/gfm.h"
#include "markdown/link_target.h"
#include "markdown/reparsed.h"

namespace selvedge::markdown {
namespace {

std::string markdown_of(std::string_view html, const documents::ConversionOptions& options = {}) {
  const auto blocks = read_html(html, options);
  return blocks.ok() ? write(*blocks, Form::markdown) : "error: " + blocks.error().message;
}

TEST(HtmlReader, WhatIsNotReadIsLeftOut) {
  EXPECT_EQ(
      markdown_of("<html><head><title>t</title><style>p{}</style></head><body><script>x</script>"
                  "<p hidden>h</p><p style='display: none'>n</p><!-- c --><p>a</p></body>"),
      "---\ntitle: t\n---\n\na\n");
}

TEST(HtmlReader, WhatAPageSaysOfItselfStandsAroundItsText) {
  EXPECT_EQ(
      markdown_of(
          "<html><head><title>A: \"loom\"</title><meta name=description content='of  x\n'>"
          "<meta property='og:image' content='https://a.b/c.png'><base href='https://a.b/d/'>"
          "<script type='application/ld+json'> {\"a\": 1} </script></head><body><header>h</header>"
          "<a href=e>f</a><footer>g</footer></body></html>"),
      "---\ntitle: \"A: \\\"loom\\\"\"\ndescription: of x\nimage: https://a.b/c.png\n---\n\n"
      "[f](https://a.b/d/e)\n\n```json\n{\"a\": 1}\n```\n");
  EXPECT_EQ(markdown_of("<header><p>h</p></header><footer>g</footer>"), "h\n\ng\n");
  documents::ConversionOptions options;
  options.html_selector = "header";
  EXPECT_EQ(markdown_of("<head><title>t</title></head><header>h</header><p>p</p>", options), "h\n");
}

TEST(HtmlReader, ParagraphsStylesAndBreaks) {
  EXPECT_EQ(markdown_of("<p>a  <b>b\n</b>c<br>d <i>e</i> <s>f</s> x<sup>2</sup> <q>g</q></p>text "
                        "<em>h</em><div>i</div>"),
            "a **b** c\\\nd *e* ~~f~~ x<sup>2</sup> “g”\n\ntext *h*\n\ni\n");
}

TEST(HtmlReader, ListsOfAllKinds) {
  EXPECT_EQ(markdown_of("<ul><li>a<ul><li>b</ul></li><li><p>c</p></ul><ol start=3><li>d<li>e</ol>"),
            "- a\n  - b\n- c\n\n3. d\n4. e\n");
  EXPECT_EQ(markdown_of("<ol><li>a</li><ol><li>b</li></ol></ol>"), "1. a\n   1. b\n");
  EXPECT_EQ(markdown_of("<dl><dt>warp<dd>threads<dt>weft<dd><p>a</p><p>b</p></dl>"),
            "- **warp**: threads\n\n- **weft**: a\n\n  b\n");
}

TEST(HtmlReader, LinksAndImages) {
  EXPECT_EQ(
      markdown_of("<a href='https://a.b/c'>x</a> <a href='javascript:alert(1)'>y</a> <a>z</a>"
                  "<img src=p.png alt='a picture'> <img src='data:image/png;base64,AA' alt=d>"),
      "[x](https://a.b/c) y z![a picture](p.png) ![d]()\n");
  EXPECT_EQ(markdown_of("<a href=/c><h3>T</h3><p>d</p></a>"), "### [T](/c)\n\n[d](/c)\n");
}

TEST(HtmlReader, TablesWithSpans) {
  EXPECT_EQ(
      markdown_of("<table><caption>c</caption><tr><th>a<th colspan=2>b<tr><td rowspan=2>d<td>e<td>f"
                  "<tr><td>g<td><ul><li>h<li>i</ul></table>"),
      "**c**\n\n| a | b | |\n| --- | --- | --- |\n| d | e | f |\n| | g | • h<br>• i |\n");
}

TEST(HtmlReader, TablesThatArrangeAreNotTables) {
  EXPECT_EQ(markdown_of("<table><tr><td><table><tr><td>a<td>b</table></td><td>c</td></tr></table>"),
            "a\n\nb\n\nc\n");
  EXPECT_EQ(markdown_of("<table role=presentation><tr><td>a<td>b</table>"), "a\n\nb\n");
}

TEST(HtmlReader, CodeWithItsLanguage) {
  EXPECT_EQ(markdown_of("<pre><code class='hl language-cpp'>int a;\n  "
                        "b&lt;c&gt;\n</code></pre><p><code>x`y</code></p>"),
            "```cpp\nint a;\n  b<c>\n```\n\n``x`y``\n");
  // A name that is too long ends before the character that does not fit.
  EXPECT_EQ(markdown_of("<pre class='lang-a经经经经经经经经经经经'>x</pre>"),
            "```a经经经经经经经经经经\nx\n```\n");
}

TEST(HtmlReader, QuotesNest) {
  EXPECT_EQ(markdown_of("<blockquote><p>a</p><blockquote>b</blockquote></blockquote>"),
            "> a\n>\n> > b\n");
}

TEST(HtmlReader, DeepNestingLosesNoText) {
  for (const char* tag :
       {"div", "b", "ul><li", "blockquote", "font", "table><tr><td", "a href=x"}) {
    std::string html;
    for (int at = 0; at < 2'000; ++at) html += "<" + std::string(tag) + ">";
    html += "deep</p>";
    EXPECT_NE(markdown_of(html).find("deep"), std::string::npos) << tag;
  }
}

TEST(HtmlReader, SelectorsTakeParts) {
  documents::ConversionOptions options;
  const std::string html = "<div id=a class='x y'><p>1</p><p data-k=v>2</p></div><p>3</p>";
  const std::pair<const char*, const char*> cases[] = {{"#a p", "1\n\n2\n"},
                                                       {"p[data-k]", "2\n"},
                                                       {"div.y > p", "1\n\n2\n"},
                                                       {"body > p", "3\n"},
                                                       {"p[data-k=\"v\"], body>p", "2\n\n3\n"},
                                                       {"div", "1\n\n2\n"}};
  for (const auto& [selector, expected] : cases) {
    options.html_selector = selector;
    EXPECT_EQ(markdown_of(html, options), expected) << selector;
  }
  for (const char* wrong : {"p:hover", "", ">", "p >", "[", "p,,p", "p + p", "a["}) {
    EXPECT_FALSE(CssSelector::parse(wrong).ok()) << wrong;
  }
}

TEST(HtmlReader, TargetsBecomeAbsoluteWithAHostname) {
  EXPECT_EQ(link_target("/a", "b.c"), "https://b.c/a");
  EXPECT_EQ(link_target("a/../d", "http://b.c/x/"), "http://b.c/x/d");
  EXPECT_EQ(link_target("#f", "b.c"), "#f");
  EXPECT_EQ(link_target("mailto:a@b.c", "b.c"), "mailto:a@b.c");
  EXPECT_EQ(link_target(" JavaScript:x"), "");
  EXPECT_EQ(link_target("java\nscript:x"), "");
}

TEST(CharacterSet, EncodingsAreFoundOut) {
  const std::string text = "織機";
  EXPECT_EQ(to_utf8(text, ""), text);
  EXPECT_EQ(to_utf8("\xef\xbb\xbf" + text, ""), text);
  EXPECT_EQ(to_utf8("\xbf\x97\x99\x43", "gbk"), "織機");
  EXPECT_EQ(to_utf8("\x90\x44\x8b\x40", "Shift_JIS"), "織機");
  EXPECT_EQ(to_utf8(std::string_view("\xff\xfe\x54\x7e\x5f\x6a", 6), ""), "織機");
  EXPECT_EQ(to_utf8("caf\xe9", "iso-8859-1"), "café");
  EXPECT_EQ(to_utf8("\x93quoted\x94", "latin1"), "“quoted”");
  EXPECT_EQ(to_utf8(std::string_view("a\0b", 3), ""), "ab");
  EXPECT_EQ(to_utf8("caf\xe9 cr\xe8me", "no such encoding"), "café crème");
  EXPECT_EQ(declared_in_markup("<html><META http-equiv=x content='text/html; charset=GB2312'>"),
            "gb2312");
  EXPECT_EQ(declared_in_markup("<?xml version='1.0' encoding='EUC-JP'?>"), "euc-jp");
  EXPECT_EQ(declared_in_markup("<p>charset=x</p>"), "");
}

TEST(CharacterSet, LongTextsAreConvertedWhole) {
  std::string bytes;
  std::string text;
  for (int at = 0; at < 20'000; ++at) {
    bytes += "\x90\x44";
    text += "織";
    if (at % 3 == 0) bytes += "a", text += "a";
  }
  EXPECT_EQ(to_utf8(bytes, "sjis"), text);
}

}  // namespace
}  // namespace selvedge::markdown
