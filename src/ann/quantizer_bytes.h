// Quantizer bytes: a quantizer in a file.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "ann/quantizer.h"

namespace selvedge::ann {

// Format: docs/formats/checkpoint.md, section `graph-quantizer`. The projection in 8 bits is made
// anew from the one in float32.
class QuantizerBytes {
 public:
  static std::string write(const Quantizer& quantizer);
  // Null: these are not the bytes of a quantizer of this space and of so many dimensions.
  static std::shared_ptr<const Quantizer> read(std::string_view bytes, Space space,
                                               std::size_t dimensions);
};

}  // namespace selvedge::ann
