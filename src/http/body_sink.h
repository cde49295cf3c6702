// BodySink: collects one request body within its limit and within the memory of all bodies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/gunzip.h"

namespace selvedge::http {

// Room behind the end of a large body: who reads beyond it in large steps need not copy it first.
inline constexpr std::size_t kBodySpareBytes = 64;

// Bytes of request bodies that the server holds at the moment. Outlives every hold.
struct BodyBudget {
  std::size_t used = 0;
  std::size_t bytes_max = 0;
};

// A share of the budget, given back when it goes.
class BodyHold {
 public:
  explicit BodyHold(BodyBudget& budget) : budget_(&budget) {}
  BodyHold(BodyHold&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  BodyHold& operator=(BodyHold&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~BodyHold() { budget_->used -= bytes_; }

  // False, and nothing taken, when the budget does not have them.
  bool grow(std::size_t bytes);

 private:
  BodyBudget* budget_;
  std::size_t bytes_ = 0;
};

class BodySink {
 public:
  enum class Fault : std::uint8_t { none, too_large, busy, damaged };

  // `bytes_max` bounds the body, decoded as well as on the wire. `bytes_told`: how long the client
  // says it is; 0 = it does not say.
  BodySink(BodyBudget& budget, std::size_t bytes_max, bool gzip, std::size_t bytes_told = 0);

  // Adds from the front of `bytes`, a bounded amount of work at a time; returns how many it took.
  // Call again with the rest.
  std::size_t add(std::string_view bytes);
  // To be called once, after the last byte.
  void finish();

  Fault fault() const { return fault_; }
  std::string take_body() { return std::move(body_); }
  BodyHold take_hold() { return std::move(hold_); }

 private:
  std::size_t bytes_max_;
  std::size_t bytes_told_;
  std::size_t wire_bytes_ = 0;
  std::optional<Gunzip> gunzip_;
  std::string body_;
  BodyHold hold_;
  Fault fault_ = Fault::none;
};

}  // namespace selvedge::http
