// Reads /proc; keeps the last sign of life.
#include "inference/pulse.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace selvedge::inference {
namespace {

constexpr int kUserTicksField = 14;
constexpr int kSystemTicksField = 15;

}  // namespace

std::optional<PulseReading> parse_stat(std::string_view text) {
  // The name in brackets may hold blanks and brackets itself; nothing after it does.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream fields{std::string(text.substr(name_end + 1))};
  PulseReading reading;
  if (!(fields >> reading.state)) return std::nullopt;
  std::string field;
  for (int number = 4; number <= kSystemTicksField; ++number) {
    if (!(fields >> field)) return std::nullopt;
    if (number < kUserTicksField) continue;
    std::uint64_t ticks = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), ticks);
    if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
    reading.cpu_ticks += ticks;
  }
  return reading;
}

std::optional<PulseReading> read_pulse(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  return parse_stat(text);
}

void Pulse::restart(TimePoint now) {
  moved_at_ = now;
  cpu_ticks_.reset();
}

void Pulse::look(TimePoint now, const std::optional<PulseReading>& reading) {
  const bool rests = reading && (reading->state == 'S' || reading->state == 'T') && cpu_ticks_ &&
                     *cpu_ticks_ == reading->cpu_ticks;
  if (reading) cpu_ticks_ = reading->cpu_ticks;
  if (!rests) moved_at_ = now;
}

}  // namespace selvedge::inference
