/* Making and ending plans of the fast set; private to it. */
#ifndef PP_NN_FAST_PLAN_H
#define PP_NN_FAST_PLAN_H

#include "nn/fast/fast.h"

/* graph: checked, copied. isa: borrowed for the plan's life. */
pp_status pp_fast_plan_create(pp_plan **out, const pp_graph *graph, const pp_fast_isa *isa,
                              pp_error *err) PP_MUST_USE;
void pp_fast_plan_destroy(pp_plan **plan);

#endif
