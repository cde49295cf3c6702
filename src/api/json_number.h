// JSON number: a simdjson number as the double nearest to it, however many digits it has.
#pragma once

#include <simdjson.h>

namespace selvedge::api {

// False where there is no number, or one beyond double. simdjson 3.0 (Debian 12's) reads numbers
// that begin with "0." and have 20 significant digits or more as other ones: 0.40852244444444444443
// as 0.0396. Those are read again by std::from_chars.
bool read_double(simdjson::ondemand::value value, double& number);

}  // namespace selvedge::api
