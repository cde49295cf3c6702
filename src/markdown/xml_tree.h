// XML tree: a parsed document of libxml2, and short words for walking it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <libxml/tree.h>

#include "base/result.h"

namespace selvedge::markdown {

struct FreeTree {
  void operator()(xmlDoc* tree) const { xmlFreeDoc(tree); }
};
using XmlTree = std::unique_ptr<xmlDoc, FreeTree>;

// Nothing is fetched or read from elsewhere, and entities are not put in. At most 256 elements
// deep. `encoding` empty: what the bytes say. What is broken ends the tree there; nothing at all is
// an error. Errors: file_invalid (`what` names it).
Result<XmlTree> parse_xml(std::string_view bytes, const char* encoding, std::string_view what);
// The same for HTML, as browsers' tag soup; `text` is UTF-8.
Result<XmlTree> parse_html(std::string_view text);

// Local names; prefixes differ from file to file.
std::string_view name_of(const xmlNode& node);
inline bool is_element(const xmlNode& node) { return node.type == XML_ELEMENT_NODE; }
inline bool is(const xmlNode& node, std::string_view name) {
  return is_element(node) && name_of(node) == name;
}

// The attribute with this local name; with `space`, only one whose namespace has this in it. Empty:
// none.
std::string attribute(const xmlNode& node, std::string_view name, std::string_view space = {});
bool has_attribute(const xmlNode& node, std::string_view name);

// The first child element with this name; null: none.
const xmlNode* child(const xmlNode& node, std::string_view name);
// Down a path of such children.
const xmlNode* descend(const xmlNode& node, std::initializer_list<std::string_view> names);

// The next node of `root`'s subtree in document order, without recursion; null: the end.
const xmlNode* next_in(const xmlNode& root, const xmlNode& node);

// What a text, CDATA or entity node says; views the tree.
std::string_view content_of(const xmlNode& node);
// All text of the subtree.
std::string all_text(const xmlNode& node);

}  // namespace selvedge::markdown
