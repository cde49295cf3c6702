# The inference engines: built once per machine into a cache outside the tree, then used from there.
#
# Targets: engines::ggml  engines::llama  engines::llama_common  engines::mtmd  engines::whisper  engines::sd
#   (headers: "ggml.h", "llama.h", "common/chat.h", "mtmd.h", "whisper.h", "stable-diffusion.h")
#
#   -DSELVEDGE_CACHE=      cache folder (or in the environment; default $XDG_CACHE_HOME/selvedge or ~/.cache/selvedge)
#   -DSELVEDGE_ENGINES_DIR=      folder with llama.cpp/ whisper.cpp/ stable-diffusion.cpp/ in place of the pinned sources
#   -DSELVEDGE_ENGINES_CXX=      a g++ that compiles them in place of the project's compiler
#   -DSELVEDGE_NATIVE=OFF        code for any CPU with AVX2 (on ARM: with NEON) instead of for this one
#   -DSELVEDGE_ENGINES_PEERS=ON  also builds llama-bench, llama-server and llama-quantize, for the benchmarks
#
# Sets SELVEDGE_ENGINES_PREFIX: lib/ include/ licences/ and share/ (gguf-py, vocabularies, whisper, samples), and
# writes it to engines-prefix.txt in the build folder for scripts. The peers are in its peers/.
include_guard()

option(SELVEDGE_NATIVE "engines: compile for the CPU of this machine" ON)
option(SELVEDGE_ENGINES_PEERS "engines: also build llama-bench and llama-server" OFF)
set(SELVEDGE_ENGINES_DIR "" CACHE PATH "engines: folder with local sources")
if(NOT SELVEDGE_CACHE)
  if(NOT "$ENV{SELVEDGE_CACHE}" STREQUAL "")
    set(SELVEDGE_CACHE "$ENV{SELVEDGE_CACHE}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(SELVEDGE_CACHE "$ENV{XDG_CACHE_HOME}/selvedge")
  else()
    set(SELVEDGE_CACHE "$ENV{HOME}/.cache/selvedge")
  endif()
endif()
get_filename_component(SELVEDGE_CACHE "${SELVEDGE_CACHE}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")

set(_engines_recipe ${CMAKE_CURRENT_LIST_DIR}/engines)
set(_engines_lock ${CMAKE_CURRENT_LIST_DIR}/engines.lock.txt)

# Their compilers: by default ours.
set(_engines_cxx "${CMAKE_CXX_COMPILER}")
set(_engines_cc "${CMAKE_C_COMPILER}")
set(_engines_compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
if(SELVEDGE_ENGINES_CXX AND NOT SELVEDGE_ENGINES_CXX STREQUAL CMAKE_CXX_COMPILER)
  set(_engines_cxx "${SELVEDGE_ENGINES_CXX}")
  set(_engines_cc "")
  execute_process(COMMAND ${_engines_cxx} -dumpfullversion OUTPUT_VARIABLE _engines_compiler
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(PREPEND _engines_compiler "GNU ")
endif()
# The C compiler that belongs to the C++ compiler.
if(NOT _engines_cc)
  string(REGEX REPLACE "clang\\+\\+([^/]*)$" "clang\\1" _engines_cc "${_engines_cxx}")
  string(REGEX REPLACE "g\\+\\+([^/]*)$" "gcc\\1" _engines_cc "${_engines_cc}")
  string(REGEX REPLACE "/c\\+\\+$" "/cc" _engines_cc "${_engines_cc}")
endif()

# Everything that the result depends on goes into the key of the cached build. Sanitizer and debug flags
# of the project do not: the engines are always built optimised.
set(_engines_flags -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=${_engines_cc}
    -DCMAKE_CXX_COMPILER=${_engines_cxx})
if(SELVEDGE_NATIVE)
  list(APPEND _engines_flags -DGGML_NATIVE=ON)
else()
  list(APPEND _engines_flags -DGGML_NATIVE=OFF)
endif()
set(_engines_key "${_engines_compiler} ${CMAKE_SYSTEM_PROCESSOR} ${_engines_flags}")
set(_engines_inputs ${_engines_lock})
foreach(_file IN ITEMS CMakeLists.txt amx_intrinsics.h check.cpp check.cmake mtmd_threads.cpp)
  list(APPEND _engines_inputs ${_engines_recipe}/${_file})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_engines_inputs})
foreach(_file IN LISTS _engines_inputs)
  file(SHA256 ${_file} _hash)
  string(APPEND _engines_key " ${_hash}")
endforeach()
if(SELVEDGE_NATIVE AND EXISTS /proc/cpuinfo)
  # A native build stops with SIGILL, or worse, on another CPU: one machine image may wake up on several.
  file(STRINGS /proc/cpuinfo _cpu REGEX "^(model name|flags|Features|CPU part)[ \t]*:")
  list(REMOVE_DUPLICATES _cpu)
  string(APPEND _engines_key " ${_cpu}")
endif()
if(SELVEDGE_ENGINES_DIR)
  # Local sources are told apart by names, sizes and times of their files.
  execute_process(COMMAND find -L "${SELVEDGE_ENGINES_DIR}" -name .git -prune -o -type f -printf "%p %s %T@\\n"
                  COMMAND sort COMMAND sha256sum OUTPUT_VARIABLE _hash COMMAND_ERROR_IS_FATAL ANY)
  string(APPEND _engines_key " ${_hash}")
endif()
string(SHA256 _engines_key "${_engines_key}")
string(SUBSTRING ${_engines_key} 0 16 _engines_key)
set(SELVEDGE_ENGINES_PREFIX ${SELVEDGE_CACHE}/engines/${_engines_key})

# Runs a command, its output going straight to the terminal; stops the configuration when it fails.
function(_engines_step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed)
  if(failed)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "engines: this failed (${failed}): ${command}")
  endif()
endfunction()

function(_engines_sources out)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env SELVEDGE_CACHE=${SELVEDGE_CACHE} SELVEDGE_ENGINES_DIR=${SELVEDGE_ENGINES_DIR}
            ${_engines_recipe}/fetch-sources
    OUTPUT_VARIABLE sources OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "engines: the sources could not be fetched (see above). "
                        "With sources on disk use -DSELVEDGE_ENGINES_DIR=")
  endif()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# Takes the lock of one build, waiting for whoever holds it. Freed when this process ends, however it ends.
function(_engines_take lock)
  file(LOCK ${lock} GUARD PROCESS TIMEOUT 0 RESULT_VARIABLE busy)
  if(busy)
    message(STATUS "engines: another build of the same is under way, waiting for it")
    file(LOCK ${lock} GUARD PROCESS)
  endif()
endfunction()

# Removes what interrupted builds of other keys left, unless one is running.
function(_engines_sweep)
  file(GLOB leftovers LIST_DIRECTORIES true ${SELVEDGE_CACHE}/engines/*.tmp)
  list(REMOVE_ITEM leftovers ${SELVEDGE_ENGINES_PREFIX}.tmp)
  foreach(leftover IN LISTS leftovers)
    string(REGEX REPLACE "\\.tmp$" ".lock" lock ${leftover})
    file(LOCK ${lock} GUARD PROCESS TIMEOUT 0 RESULT_VARIABLE busy)
    if(NOT busy)
      file(REMOVE_RECURSE ${leftover})
      file(LOCK ${lock} RELEASE)
    endif()
  endforeach()
endfunction()

# Builds one target in `work` and installs one component into its prefix/. Taken up where an interrupted build
# stopped; flock waits for compilers that outlived a killed cmake.
function(_engines_make work sources target component)
  file(MAKE_DIRECTORY ${work})
  _engines_step(${CMAKE_COMMAND} -S ${_engines_recipe} -B ${work}/build -G Ninja --log-level=ERROR -Wno-dev
                -DCMAKE_INSTALL_PREFIX=${work}/prefix -DCMAKE_INSTALL_MESSAGE=NEVER
                -DENGINES_SOURCES=${sources} ${ARGN} ${_engines_flags})
  _engines_step(flock ${work}/build.lock
                ${CMAKE_COMMAND} --build ${work}/build --parallel ${_engines_jobs} --target ${target})
  file(REMOVE_RECURSE ${work}/prefix)
  _engines_step(${CMAKE_COMMAND} --install ${work}/build --component ${component})
endfunction()

# Builds into <key>.tmp and renames its prefix to <key> as the last step.
function(_engines_build)
  set(work ${SELVEDGE_ENGINES_PREFIX}.tmp)
  _engines_take(${SELVEDGE_ENGINES_PREFIX}.lock)
  if(NOT EXISTS ${SELVEDGE_ENGINES_PREFIX}/complete)
    _engines_sweep()
    _engines_sources(sources)
    message(STATUS "engines: building llama.cpp, whisper.cpp and stable-diffusion.cpp, once for this machine: "
                   "about 5 minutes on two cores")
    _engines_make(${work} ${sources} engines Unspecified -DENGINES_PEERS=OFF)
    file(REMOVE_RECURSE ${SELVEDGE_ENGINES_PREFIX})
    file(WRITE ${work}/prefix/complete "${sources}\n")
    file(RENAME ${work}/prefix ${SELVEDGE_ENGINES_PREFIX})
    file(REMOVE_RECURSE ${work})
    message(STATUS "engines: built into ${SELVEDGE_ENGINES_PREFIX}")
  endif()
  file(LOCK ${SELVEDGE_ENGINES_PREFIX}.lock RELEASE)
endfunction()

function(_engines_build_peers)
  set(work ${SELVEDGE_ENGINES_PREFIX}-peers.tmp)
  _engines_take(${SELVEDGE_ENGINES_PREFIX}-peers.lock)
  if(NOT EXISTS ${SELVEDGE_ENGINES_PREFIX}/peers)
    _engines_sources(sources)
    message(STATUS "engines: building llama-bench, llama-server and llama-quantize from the same sources")
    _engines_make(${work} ${sources} peers peers -DENGINES_PEERS=ON)
    file(RENAME ${work}/prefix ${SELVEDGE_ENGINES_PREFIX}/peers)
    file(REMOVE_RECURSE ${work})
  endif()
  file(LOCK ${SELVEDGE_ENGINES_PREFIX}-peers.lock RELEASE)
endfunction()

cmake_host_system_information(RESULT _engines_jobs QUERY NUMBER_OF_LOGICAL_CORES)
file(MAKE_DIRECTORY ${SELVEDGE_CACHE}/engines)
if(NOT EXISTS ${SELVEDGE_ENGINES_PREFIX}/complete)
  _engines_build()
endif()
if(SELVEDGE_ENGINES_PEERS AND NOT EXISTS ${SELVEDGE_ENGINES_PREFIX}/peers)
  _engines_build_peers()
endif()
file(WRITE ${CMAKE_BINARY_DIR}/engines-prefix.txt "${SELVEDGE_ENGINES_PREFIX}\n")
message(STATUS "engines: ${SELVEDGE_ENGINES_PREFIX}")

# --- targets ---
find_package(Threads REQUIRED)

function(_engines_target name library include)
  add_library(engines::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(engines::${name} PROPERTIES
    IMPORTED_LOCATION ${SELVEDGE_ENGINES_PREFIX}/lib/lib${library}.a
    INTERFACE_LINK_LIBRARIES "${ARGN}")
  if(include)
    target_include_directories(engines::${name} SYSTEM INTERFACE ${SELVEDGE_ENGINES_PREFIX}/include/${include})
  endif()
endfunction()

_engines_target(ggml_base ggml-base ggml Threads::Threads ${CMAKE_DL_LIBS} m)
_engines_target(ggml_cpu ggml-cpu "" engines::ggml_base)
_engines_target(ggml ggml ggml engines::ggml_cpu engines::ggml_base ${CMAKE_DL_LIBS})
_engines_target(llama llama llama engines::ggml)
_engines_target(httplib cpp-httplib "" Threads::Threads)
_engines_target(llama_common_base llama-common-base "")
_engines_target(llama_common llama-common llama_common engines::llama engines::llama_common_base engines::httplib)
_engines_target(mtmd mtmd-pictures mtmd engines::llama)
_engines_target(whisper whisper whisper engines::ggml)
_engines_target(sd stable-diffusion sd engines::ggml)
# Part of struct ggml_tensor: see engines/CMakeLists.txt.
target_compile_definitions(engines::ggml_base INTERFACE GGML_MAX_NAME=128)
