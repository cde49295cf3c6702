# Writes the source that carries the relay Worker: cmake -DRELAY=<relay.js> -DOUTPUT=<source> -P embed_relay.cmake
file(READ ${RELAY} text)
file(WRITE ${OUTPUT}.new "// Relay source: made from src/launcher/relay.js.
#include \"launcher/relay_source.h\"

namespace selvedge::launcher {

std::string_view relay_source() {
  return R\"relay(${text})relay\";
}

}  // namespace selvedge::launcher
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
