# Writes the source that carries the parts of the OpenAPI document: cmake -DPARTS=a,b -DOUTPUT=… -P embed_openapi.cmake
string(REPLACE "," ";" files "${PARTS}")
set(text "// OpenAPI parts: made from the files of src/api/data/openapi.
#include \"api/openapi.h\"

namespace selvedge::api {
namespace {

constexpr std::string_view kParts[] = {
")
foreach(file ${files})
  file(READ ${file} part)
  string(APPEND text "R\"part(${part})part\",\n")
endforeach()
string(APPEND text "};

}  // namespace

std::span<const std::string_view> openapi_parts() { return kParts; }

}  // namespace selvedge::api
")
file(WRITE ${OUTPUT}.new "${text}")
file(RENAME ${OUTPUT}.new ${OUTPUT})
