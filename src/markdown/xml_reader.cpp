// Elements whose children are text and elements mixed keep their order: texts are items, too.
#include "markdown/xml_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "markdown/xml_tree.h"

namespace selvedge::markdown {
namespace {

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string qualified_name(const xmlNode& node) {
  std::string name;
  if (node.ns != nullptr && node.ns->prefix != nullptr) {
    name = std::string(reinterpret_cast<const char*>(node.ns->prefix)) + ":";
  }
  return name.append(name_of(node));
}

Inlines head_of(const xmlNode& node) {
  Inlines inlines;
  Inline name{Inline::Kind::strong};
  name.children.push_back(text_of(qualified_name(node)));
  inlines.push_back(std::move(name));
  std::string attributes;
  for (const xmlAttr* one = node.properties; one != nullptr; one = one->next) {
    const std::string local(reinterpret_cast<const char*>(one->name));
    if (!attributes.empty()) attributes += ", ";
    attributes += local + "=\"" + attribute(node, local) + "\"";
  }
  if (!attributes.empty()) inlines.push_back(text_of(" (" + attributes + ")"));
  return inlines;
}

Block text_item(std::string_view text) {
  Block item{.kind = Block::Kind::item};
  Inlines inlines;
  inlines.push_back(text_of(std::string(text)));
  item.children.push_back(paragraph_of(std::move(inlines)));
  return item;
}

Block item_of(const xmlNode& node, int depth) {
  Block item{.kind = Block::Kind::item};
  Inlines head = head_of(node);
  Block list{.kind = Block::Kind::list};
  const bool has_elements = [&] {
    for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
      if (is_element(*one)) return true;
    }
    return false;
  }();
  if (!has_elements || depth >= kNestingMax) {
    const std::string text = all_text(node);
    if (!blank(text)) head.push_back(text_of(": " + text));
  } else {
    for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
      if (is_element(*one)) {
        list.children.push_back(item_of(*one, depth + 1));
      } else if (!blank(content_of(*one))) {
        list.children.push_back(text_item(content_of(*one)));
      }
    }
  }
  item.children.push_back(paragraph_of(std::move(head)));
  if (!list.children.empty()) item.children.push_back(std::move(list));
  return item;
}

}  // namespace

Result<Blocks> read_xml(std::string_view text) {
  SEL_TRY(tree, parse_xml(text, "UTF-8", "this file"));
  Blocks blocks;
  Block list{.kind = Block::Kind::list};
  list.children.push_back(item_of(*xmlDocGetRootElement(tree.get()), 0));
  blocks.push_back(std::move(list));
  return blocks;
}

bool is_xhtml(std::string_view text) {
  const std::string_view head = text.substr(0, 2'048);
  return head.find("http://www.w3.org/1999/xhtml") != std::string_view::npos &&
         head.find("<html") != std::string_view::npos;
}

}  // namespace selvedge::markdown
