# One static library per folder of src/, linked exactly as the include table of tools/tidy allows.

add_library(selvedge_flags INTERFACE)
target_compile_options(selvedge_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
                                                -fno-omit-frame-pointer)
target_include_directories(selvedge_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(SELVEDGE_SANITIZE)
  target_compile_options(selvedge_flags INTERFACE -fsanitize=${SELVEDGE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(selvedge_flags INTERFACE -fsanitize=${SELVEDGE_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports uninitialised and overlapping memory inside inlined library code under optimisation, and at -O1
  # takes the frames of coroutines for mismatched allocations.
  target_compile_options(selvedge_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow)
  # The same when it optimises: of strings that are put together, and of coroutines' frames.
  target_compile_options(selvedge_flags INTERFACE
                         $<$<CONFIG:Release>:-Wno-array-bounds> $<$<CONFIG:Release>:-Wno-mismatched-new-delete>)
  if(SELVEDGE_SANITIZE)
    target_compile_options(selvedge_flags INTERFACE -Wno-tsan -Wno-mismatched-new-delete)
  endif()
endif()

# The headers that take longest to read, compiled once for all layers, and once more with GoogleTest for all tests.
# Each needs a source of its own, which is empty.
function(selvedge_precompiled name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE selvedge_flags lib::asio lib::spdlog lib::json)
  target_precompile_headers(${name} PRIVATE <boost/asio.hpp> <nlohmann/json.hpp> ${ARGN})
endfunction()
selvedge_precompiled(selvedge_precompiled_layers)
if(SELVEDGE_BUILD_TESTS)
  selvedge_precompiled(selvedge_precompiled_tests <gmock/gmock.h> <gtest/gtest.h>)
  target_link_libraries(selvedge_precompiled_tests PRIVATE GTest::gmock)
  # As the programs that take it are compiled.
  set_target_properties(selvedge_precompiled_tests PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(selvedge_precompiled_tests PRIVATE -fPIE)
endif()

# selvedge_layer(<name> DEPENDS <layers below> LIBS <lib::…> [PRECOMPILED <target whose headers it takes>]
#                [OPTIMISED])
# Builds selvedge_<name> from every *.cpp of the current folder but main files and tests, and <name>_test from *_test.cpp.
# OPTIMISED: also with sanitizers, where nothing else is, for that would take three times as long to build.
function(selvedge_layer name)
  cmake_parse_arguments(arg "OPTIMISED" "PRECOMPILED" "DEPENDS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp)
  file(GLOB mains CONFIGURE_DEPENDS *_main.cpp main.cpp)
  list(REMOVE_ITEM sources ${tests} ${mains} "")
  list(TRANSFORM arg_DEPENDS PREPEND selvedge_)
  set(scope PUBLIC)
  if(sources)
    add_library(selvedge_${name} STATIC ${sources})
  else()
    add_library(selvedge_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(selvedge_${name} ${scope} selvedge_flags ${arg_DEPENDS} ${arg_LIBS})
  if(SELVEDGE_SANITIZE AND arg_OPTIMISED)
    target_compile_options(selvedge_${name} PRIVATE -O1)
  endif()
  if(sources AND arg_PRECOMPILED)
    target_precompile_headers(selvedge_${name} REUSE_FROM ${arg_PRECOMPILED})
  endif()
  if(SELVEDGE_BUILD_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE selvedge_${name} ${arg_TEST_LIBS} GTest::gmock GTest::gtest_main)
    target_precompile_headers(${name}_test REUSE_FROM selvedge_precompiled_tests)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
  endif()
endfunction()
