// Filter: the walk over its conditions.
#include "vectors/filter.h"

namespace selvedge::vectors {

std::vector<const Condition*> conditions_of(const Filter& filter) {
  std::vector<const Condition*> found;
  // Deep filters are refused where they are read; still no recursion is needed.
  std::vector<const Filter*> left = {&filter};
  while (!left.empty()) {
    const Filter& here = *left.back();
    left.pop_back();
    for (const Condition& condition : here.conditions) found.push_back(&condition);
    for (const FilterGroup& group : here.groups) {
      for (const Filter& inner : group.filters) left.push_back(&inner);
    }
  }
  return found;
}

}  // namespace selvedge::vectors
