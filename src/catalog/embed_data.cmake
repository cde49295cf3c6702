# Writes the source that carries data/: cmake -DDATA=<data folder> -DOUTPUT=<source> -P embed_data.cmake
file(READ ${DATA}/models.json models)
file(READ ${DATA}/artifacts.json artifacts)
file(GLOB files ${DATA}/schemas/*.json)
list(SORT files)
set(schemas "")
foreach(file IN LISTS files)
  file(READ ${file} text)
  string(APPEND schemas "      R\"table(${text})table\",\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Embedded data: made from the files of src/catalog/data.
#include \"catalog/embedded_data.h\"

namespace selvedge::catalog {

std::string_view embedded_models() {
  return R\"table(${models})table\";
}

std::string_view embedded_artifacts() {
  return R\"table(${artifacts})table\";
}

std::span<const std::string_view> embedded_schemas() {
  static constexpr std::string_view kSchemas[] = {
${schemas}  };
  return kSchemas;
}

}  // namespace selvedge::catalog
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
