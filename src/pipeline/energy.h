/* The second half of listen: how much of each window every pixel sounds, and what the cast needs to
 * know of the maps. A file of its own with a key of its own: another synthesizer needs new
 * energies, but no new maps. listen hands windows over while it has them in memory; otherwise they
 * are read back.
 *
 * Order: create; for each window in turn fetch, compute, write; commit, destroy. A place holds one
 * window between fetch and write; windows in several places may be computed at a time.
 */
#ifndef PP_PIPELINE_ENERGY_H
#define PP_PIPELINE_ENERGY_H

#include "pipeline/shards.h"

typedef struct pp_energy pp_energy;

pp_status pp_energy_create(pp_energy **out, pp_job *job, int64_t segment, int places,
                           pp_error *err) PP_MUST_USE;
pp_status pp_energy_fetch(pp_energy *energy, int place, int64_t window, pp_error *err) PP_MUST_USE;
/* magnitude [log_rows, window_frames], maps: of the place's window. Any thread, on its lane. */
void pp_energy_compute(pp_energy *energy, int place, int lane, const pp_quantised_maps *maps,
                       const float *magnitude);
pp_status pp_energy_write(pp_energy *energy, int place, pp_error *err) PP_MUST_USE;
pp_status pp_energy_commit(pp_energy *energy, pp_error *err) PP_MUST_USE;
void pp_energy_destroy(pp_energy **energy);

#endif
