// Values are plain YAML where that is safe, else in double quotes.
#include "markdown/page_head.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "markdown/xml_tree.h"

namespace selvedge::markdown {
namespace {

constexpr std::size_t kValueBytesMax = 4'096;

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  out.resize(utf8::floor_boundary(out, kValueBytesMax));
  return out;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool plain_in_yaml(std::string_view value) {
  const auto first = static_cast<unsigned char>(value.front());
  const bool starts_plain = std::isalpha(first) != 0 || first >= 0x80;
  const std::string low = lower(std::string(value));
  const bool word = low == "true" || low == "false" || low == "null" || low == "yes" ||
                    low == "no" || low == "on" || low == "off";
  return starts_plain && !word && value.find(": ") == std::string_view::npos &&
         value.back() != ':' && value.find(" #") == std::string_view::npos;
}

void add_line(std::string& yaml, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  yaml.append(name).append(": ");
  if (plain_in_yaml(value)) {
    yaml += value;
  } else {
    yaml += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') yaml += '\\';
      yaml += c;
    }
    yaml += '"';
  }
  yaml += '\n';
}

}  // namespace

Block front_matter_of(const xmlNode& root) {
  std::string title;
  std::string og_title;
  std::string description;
  std::string og_description;
  std::string image;
  const std::array<std::pair<std::string_view, std::string*>, 4> wanted = {
      {{"og:title", &og_title},
       {"description", &description},
       {"og:description", &og_description},
       {"og:image", &image}}};
  for (const xmlNode* here = &root; here != nullptr; here = next_in(root, *here)) {
    if (is(*here, "svg")) continue;
    const bool of_page = here->parent == nullptr || !is(*here->parent, "svg");
    if (is(*here, "title") && of_page && title.empty()) title = one_line(all_text(*here));
    if (!is(*here, "meta")) continue;
    std::string name = lower(attribute(*here, "name"));
    if (name.empty()) name = lower(attribute(*here, "property"));
    for (const auto& [label, value] : wanted) {
      if (name == label && value->empty()) *value = one_line(attribute(*here, "content"));
    }
  }
  if (image.starts_with("data:")) image.clear();
  Block block{.kind = Block::Kind::front_matter};
  add_line(block.text, "title", title.empty() ? og_title : title);
  add_line(block.text, "description", description.empty() ? og_description : description);
  add_line(block.text, "image", image);
  return block;
}

Blocks linked_data_of(const xmlNode& root) {
  Blocks blocks;
  for (const xmlNode* here = &root; here != nullptr; here = next_in(root, *here)) {
    if (!is(*here, "script") || lower(attribute(*here, "type")) != "application/ld+json") continue;
    Block block{.kind = Block::Kind::code, .text = all_text(*here), .label = "json"};
    block.text.erase(0, std::min(block.text.find_first_not_of(" \t\r\n"), block.text.size()));
    while (!block.text.empty() && static_cast<unsigned char>(block.text.back()) <= ' ') {
      block.text.pop_back();
    }
    if (!block.text.empty()) blocks.push_back(std::move(block));
  }
  return blocks;
}

std::string base_of(const xmlNode& root) {
  for (const xmlNode* here = &root; here != nullptr; here = next_in(root, *here)) {
    if (!is(*here, "base") || !has_attribute(*here, "href")) continue;
    const std::string target = one_line(attribute(*here, "href"));
    const std::string low = lower(target.substr(0, 8));
    const bool web = low.starts_with("https://") || low.starts_with("http://");
    return web ? target : std::string();
  }
  return {};
}

}  // namespace selvedge::markdown
