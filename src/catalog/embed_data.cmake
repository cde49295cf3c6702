# Writes the source that carries the model table: cmake -DMODELS=… -DARTIFACTS=… -DOUTPUT=… -P embed_data.cmake
file(READ ${MODELS} models)
file(READ ${ARTIFACTS} artifacts)
file(WRITE ${OUTPUT}.new "// Embedded data: made from the files of src/catalog/data.
#include \"catalog/embedded_data.h\"

namespace selvedge::catalog {

std::string_view embedded_models() {
  return R\"table(${models})table\";
}

std::string_view embedded_artifacts() {
  return R\"table(${artifacts})table\";
}

}  // namespace selvedge::catalog
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
