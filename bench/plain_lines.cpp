// Plain lines: the peer of vector_insert.py. Parses NDJSON of vectors with simdjson and writes the
// float32 values to a file, synced once per batch: what any durable store must do at least.
//
//   plain_lines BATCH.ndjson… --out FILE
//
// Prints {"vectors": count, "seconds": …}; reading the batches into memory is not timed.
#include <chrono>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace {

namespace ondemand = simdjson::ondemand;

// Appends the id and values of one line. False: not a vector.
bool append_line(ondemand::parser& parser, std::string_view line, std::string& out,
                 std::vector<float>& values) {
  ondemand::document document;
  const simdjson::padded_string_view padded(line, line.size() + simdjson::SIMDJSON_PADDING);
  if (parser.iterate(padded).get(document)) return false;
  std::string_view id;
  if (document["id"].get_string().get(id)) return false;
  out.append(id);
  ondemand::array array;
  if (document["values"].get_array().get(array)) return false;
  values.clear();
  for (auto element : array) {
    double number = 0;
    if (element.get_double().get(number)) return false;
    values.push_back(static_cast<float>(number));
  }
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return true;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fdatasync(file) == 0;
}

// The number of its lines; -1: a fault.
long write_batch(ondemand::parser& parser, std::string_view lines, int file) {
  long count = 0;
  std::string out;
  std::vector<float> values;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
    if (!append_line(parser, lines.substr(0, end), out, values)) return -1;
    lines.remove_prefix(end + 1);
    ++count;
  }
  return write_all(file, out) ? count : -1;
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> batches;
  std::string out;
  for (int at = 1; at < count; ++at) {
    if (std::string_view(words[at]) == "--out" && at + 1 < count) {
      out = words[++at];
      continue;
    }
    std::stringstream text;
    text << std::ifstream(words[at], std::ios::binary).rdbuf();
    batches.push_back(text.str());
    batches.back().reserve(batches.back().size() + simdjson::SIMDJSON_PADDING);
  }
  const int file = ::open(out.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  ondemand::parser parser;
  long vectors = 0;
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& batch : batches) {
    const long written = file < 0 ? -1 : write_batch(parser, batch, file);
    if (written < 0) {
      std::cerr << "plain_lines: a batch could not be read or written\n";
      return 1;
    }
    vectors += written;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << "{\"vectors\": " << vectors << ", \"seconds\": " << took.count() << "}\n";
  ::close(file);
  return 0;
}
