// Reparsed: what a reader of Markdown sees in a text; for tests and fuzzers, by cmark-gfm.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

namespace selvedge::markdown {

struct Reparsed {
  // All texts, codes and breaks; a space for each break and between blocks.
  std::string text;
  // How many nodes there are of each type: "heading", "html_inline", "table", "link" …
  std::map<std::string, int, std::less<>> nodes;

  int count(std::string_view type) const {
    const auto found = nodes.find(type);
    return found == nodes.end() ? 0 : found->second;
  }
};

// With the extensions for tables and strikethrough, and footnotes.
inline Reparsed reparsed(std::string_view markdown) {
  cmark_gfm_core_extensions_ensure_registered();
  const std::unique_ptr<cmark_parser, void (*)(cmark_parser*)> parser(
      cmark_parser_new(CMARK_OPT_FOOTNOTES), cmark_parser_free);
  for (const char* name : {"table", "strikethrough"}) {
    cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser.get(), markdown.data(), markdown.size());
  const std::unique_ptr<cmark_node, void (*)(cmark_node*)> document(
      cmark_parser_finish(parser.get()), cmark_node_free);
  const std::unique_ptr<cmark_iter, void (*)(cmark_iter*)> walk(cmark_iter_new(document.get()),
                                                                cmark_iter_free);
  Reparsed seen;
  for (cmark_event_type event = cmark_iter_next(walk.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(walk.get())) {
    cmark_node* node = cmark_iter_get_node(walk.get());
    const cmark_node_type type = cmark_node_get_type(node);
    if (event == CMARK_EVENT_ENTER) ++seen.nodes[cmark_node_get_type_string(node)];
    const bool inside = (type & CMARK_NODE_TYPE_MASK) == CMARK_NODE_TYPE_INLINE;
    const bool breaks = type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK;
    if (breaks || (!inside && event == CMARK_EVENT_EXIT)) seen.text += ' ';
    const char* literal = cmark_node_get_literal(node);
    const bool html = type == CMARK_NODE_HTML_INLINE || type == CMARK_NODE_HTML_BLOCK;
    if (event == CMARK_EVENT_ENTER && literal != nullptr && !html) seen.text += literal;
  }
  return seen;
}

}  // namespace selvedge::markdown
