// libxml2, told to be quiet, to stay at home, and to make the best of broken markup.
#include "markdown/xml_tree.h"

#include <limits>
#include <utility>

#include <libxml/HTMLparser.h>
#include <libxml/entities.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

namespace selvedge::markdown {
namespace {

constexpr std::size_t kEntityBytesMax = 1'024;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

struct FreeHtmlParser {
  void operator()(htmlParserCtxt* parser) const { htmlFreeParserCtxt(parser); }
};

bool fits(std::string_view bytes) {
  return bytes.size() < static_cast<std::size_t>(std::numeric_limits<int>::max());
}

}  // namespace

Result<XmlTree> parse_xml(std::string_view bytes, const char* encoding, std::string_view what) {
  constexpr int kOptions =
      XML_PARSE_RECOVER | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET;
  XmlTree tree;
  if (fits(bytes)) {
    tree.reset(
        xmlReadMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, encoding, kOptions));
  }
  if (tree == nullptr || xmlDocGetRootElement(tree.get()) == nullptr) {
    return Error{Code::file_invalid, std::string(what) + " is not XML"};
  }
  return tree;
}

Result<XmlTree> parse_html(std::string_view text) {
  constexpr int kOptions =
      HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET;
  XmlTree tree;
  const std::unique_ptr<htmlParserCtxt, FreeHtmlParser> parser(
      fits(text) ? htmlCreateMemoryParserCtxt(text.data(), static_cast<int>(text.size()))
                 : nullptr);
  if (parser != nullptr) {
    htmlCtxtUseOptions(parser.get(), kOptions);
    // Else the text ends at the 257th element in another, which pages reach that close none. It is
    // no option of HTML's, so the parser is set up by hand.
    parser->options |= XML_PARSE_HUGE;
    xmlSwitchToEncoding(parser.get(), xmlFindCharEncodingHandler("UTF-8"));
    parser->input->encoding = xmlStrdup(reinterpret_cast<const xmlChar*>("UTF-8"));
    htmlParseDocument(parser.get());
    tree.reset(std::exchange(parser->myDoc, nullptr));
  }
  if (tree == nullptr) return Error{Code::file_invalid, "this is not HTML"};
  return tree;
}

std::string_view name_of(const xmlNode& node) { return view(node.name); }

std::string attribute(const xmlNode& node, std::string_view name, std::string_view space) {
  if (!is_element(node)) return {};
  for (const xmlAttr* one = node.properties; one != nullptr; one = one->next) {
    if (view(one->name) != name) continue;
    if (!space.empty() &&
        (one->ns == nullptr || view(one->ns->href).find(space) == std::string_view::npos)) {
      continue;
    }
    std::string value;
    for (const xmlNode* part = one->children; part != nullptr; part = part->next) {
      value += content_of(*part);
    }
    return value;
  }
  return {};
}

bool has_attribute(const xmlNode& node, std::string_view name) {
  if (!is_element(node)) return false;
  for (const xmlAttr* one = node.properties; one != nullptr; one = one->next) {
    if (view(one->name) == name) return true;
  }
  return false;
}

const xmlNode* child(const xmlNode& node, std::string_view name) {
  for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
    if (is(*one, name)) return one;
  }
  return nullptr;
}

const xmlNode* descend(const xmlNode& node, std::initializer_list<std::string_view> names) {
  const xmlNode* here = &node;
  for (const std::string_view name : names) {
    here = child(*here, name);
    if (here == nullptr) return nullptr;
  }
  return here;
}

const xmlNode* next_in(const xmlNode& root, const xmlNode& node) {
  // The children of a reference are the entity's, which may lead back here.
  if (node.children != nullptr && node.type != XML_ENTITY_REF_NODE) return node.children;
  const xmlNode* here = &node;
  while (here != &root && here->next == nullptr) here = here->parent;
  return here == &root ? nullptr : here->next;
}

std::string_view content_of(const xmlNode& node) {
  if (node.type == XML_TEXT_NODE || node.type == XML_CDATA_SECTION_NODE) return view(node.content);
  if (node.type != XML_ENTITY_REF_NODE) return {};
  const xmlEntity* entity = xmlGetDocEntity(node.doc, node.name);
  if (entity == nullptr || entity->etype == XML_EXTERNAL_GENERAL_PARSED_ENTITY) return {};
  const std::string_view text = view(entity->content);
  // No entities in entities: they are how a few bytes become gigabytes.
  const bool plain = text.size() <= kEntityBytesMax && text.find('&') == std::string_view::npos &&
                     text.find('<') == std::string_view::npos;
  return plain ? text : std::string_view();
}

std::string all_text(const xmlNode& node) {
  std::string text;
  for (const xmlNode* here = &node; here != nullptr; here = next_in(node, *here)) {
    text += content_of(*here);
  }
  return text;
}

}  // namespace selvedge::markdown
