// Test files: the miniature models that tests of the engines run.
#pragma once

#include <string>

namespace selvedge::engines {

// The path of a model in $SELVEDGE_TEST_MODELS, or else in the models of the cache. A file that is
// missing fails the test and says how to get it, by which option of tools/models/fetch; the path is
// empty then.
std::string test_model_path(const std::string& file,
                            const std::string& fetch_option = "--test-models");

}  // namespace selvedge::engines
