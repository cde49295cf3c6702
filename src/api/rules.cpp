// Rules of the hosted service, as published or seen in August 2026.
#include "api/rules.h"

namespace selvedge::api {

Rules hosted_rules() {
  Rules rules;
  rules.hosted = true;
  rules.retired_models_served = false;
  rules.finetunes_per_account_max = 30;
  rules.adapter_rank_max = 32;
  rules.adapter_names_its_model_type = true;
  rules.dimensions_min = 32;
  rules.dimensions_max = 1'536;
  rules.indexes_per_account_max = 50'000;
  rules.vectors_per_write_max = 5'000;
  rules.top_k_max = 100;
  rules.top_k_full_max = 50;
  rules.get_ids_max = 20;
  rules.delete_ids_max = 100;
  rules.metadata_indexes_max = 10;
  rules.metadata_index_takes_written = false;
  return rules;
}

}  // namespace selvedge::api
