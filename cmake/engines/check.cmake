# Run at install time: refuses a build whose translation units disagree about ggml.

# Every compilation has GGML_MAX_NAME=128, and there is one ggml.
file(STRINGS ${commands} compilations REGEX "\"command\":")
set(ggml_count 0)
foreach(compilation IN LISTS compilations)
  if(NOT compilation MATCHES "GGML_MAX_NAME=128")
    message(FATAL_ERROR "engines: compiled without GGML_MAX_NAME=128: ${compilation}")
  endif()
  if(compilation MATCHES "/ggml\\.c\"")
    math(EXPR ggml_count "${ggml_count} + 1")
  endif()
endforeach()
if(NOT ggml_count EQUAL 1)
  message(FATAL_ERROR "engines: ${ggml_count} copies of ggml, expected one")
endif()

execute_process(COMMAND ${program} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "engines: the self-check failed: ${failed}")
endif()
