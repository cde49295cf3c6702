// Test files: the miniature models that tests of the engines run.
#pragma once

#include <string>

namespace selvedge::engines {

// The path of a model in $SELVEDGE_TEST_MODELS, or else in the models of the cache. A file that is
// missing fails the test and says how to get it; the path is empty then.
std::string test_model_path(const std::string& file);

}  // namespace selvedge::engines
