// Ids and metadata of chunks.
#include "rag/document_chunk.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace selvedge::rag {
namespace {

using nlohmann::ordered_json;

bool looks_like_a_later_chunk(std::string_view id) {
  const std::size_t mark = id.rfind('#');
  if (mark == std::string_view::npos || mark + 1 == id.size()) return false;
  const std::string_view number = id.substr(mark + 1);
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string chunk_id(std::string_view document, std::size_t at) {
  std::string id(document);
  if (at > 0) id += "#" + std::to_string(at + 1);
  return id;
}

Status check_document_id(std::string_view id) {
  if (id.empty()) return Error{Code::invalid_input, "id: must not be empty"};
  if (id.size() > kDocumentIdBytesMax) {
    return Error{Code::invalid_input,
                 "id: must have at most " + std::to_string(kDocumentIdBytesMax) + " bytes"};
  }
  if (!utf8::valid(id)) return Error{Code::invalid_input, "id: must be UTF-8"};
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(id.begin(), id.end(), is_control)) {
    return Error{Code::invalid_input, "id: must not hold control characters"};
  }
  if (looks_like_a_later_chunk(id)) {
    return Error{Code::invalid_input,
                 "id: must not end in '#' and a number (the parts of long texts do)"};
  }
  return ok_status();
}

std::string metadata_of(const DocumentChunk& chunk) {
  const ordered_json metadata = {{"text", chunk.text},
                                 {"document", chunk.document},
                                 {"chunk", chunk.at},
                                 {"chunks", chunk.count}};
  return metadata.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::optional<DocumentChunk> chunk_from(std::string_view id, std::string_view metadata) {
  const ordered_json json = ordered_json::parse(metadata, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto text = json.find("text");
  if (text == json.end() || !text->is_string()) return std::nullopt;
  DocumentChunk chunk;
  chunk.document = id;
  chunk.text = text->get<std::string>();
  const auto document = json.find("document");
  const auto at = json.find("chunk");
  const auto count = json.find("chunks");
  if (document == json.end() || at == json.end() || count == json.end()) return chunk;
  if (!document->is_string() || !at->is_number_unsigned() || !count->is_number_unsigned()) {
    return chunk;
  }
  const auto at_value = at->get<std::uint64_t>();
  const auto count_value = count->get<std::uint64_t>();
  // Anybody can write metadata: it is taken for ours only if it fits the vector's own id.
  if (at_value >= count_value || count_value > kChunksMax) return chunk;
  const auto& name = document->get_ref<const std::string&>();
  if (chunk_id(name, static_cast<std::size_t>(at_value)) != id) return chunk;
  chunk.document = name;
  chunk.at = static_cast<std::size_t>(at_value);
  chunk.count = static_cast<std::size_t>(count_value);
  return chunk;
}

}  // namespace selvedge::rag
