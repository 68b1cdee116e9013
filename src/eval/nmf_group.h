/* Grouping the components of an NMF without knowing the sources. Used by eval/nmf.c. */
#ifndef PP_EVAL_NMF_GROUP_H
#define PP_EVAL_NMF_GROUP_H

#include <stdint.h>

#define PP_NMF_FEATURES 12

typedef struct pp_components { /* borrowed */
    const float *w;            /* [rows, rank] spectra */
    const float *h;            /* [rank, padded] activations, of which `columns` count */
    int rows, rank, columns, padded;
} pp_components;

/* owner [rank]: the group of each component, numbered by the source (0 .. groups - 1) that its
 * group overlaps most (the best assignment over shares [rank, groups]). features: workspace of
 * [rank, PP_NMF_FEATURES]. Deterministic in the seed. groups <= 8. */
void pp_nmf_group(const pp_components *components, int groups, uint64_t seed, const double *shares,
                  double *features, int *owner);

#endif
