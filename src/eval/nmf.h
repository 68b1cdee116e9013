/* Non-negative matrix factorisation of a magnitude spectrogram, the classical baseline:
 * V [rows, columns] ~ W [rows, rank] H [rank, columns] by multiplicative updates (Lee and Seung
 * 2001; for Itakura-Saito with the exponent 1/2 of Fevotte and Idier 2011, which makes them
 * descend). Components are then given to sources, in one of two ways:
 *
 *   by an oracle   each to the source that it overlaps most, which only somebody who has the
 *                  sources knows: with many components this comes near the ideal masks
 *   blindly        grouped by the shape of their spectra (k-means on cepstral coefficients, after
 *                  Spiertz and Gnann 2009); the references only say which group is which source
 *
 * Deterministic in the seed. One thread an object.
 */
#ifndef PP_EVAL_NMF_H
#define PP_EVAL_NMF_H

#include <stdint.h>

#include "base/status.h"

typedef enum pp_nmf_divergence { PP_NMF_KL, PP_NMF_EUCLIDEAN, PP_NMF_IS } pp_nmf_divergence;

typedef struct pp_nmf_options {
    int rank; /* components in all */
    int iterations;
    pp_nmf_divergence divergence;
    uint64_t seed;
} pp_nmf_options;

typedef struct pp_nmf pp_nmf;

pp_status pp_nmf_create(pp_nmf **out, int rows, int columns, const pp_nmf_options *options,
                        pp_error *err) PP_MUST_USE;
void pp_nmf_destroy(pp_nmf **nmf);

/* Factors magnitude [rows, columns]; returns the divergence per cell that is left. */
double pp_nmf_factor(pp_nmf *nmf, const float *magnitude);

typedef enum pp_nmf_grouping { PP_NMF_ORACLE, PP_NMF_BLIND } pp_nmf_grouping;

/* Assigns the components by the true magnitudes sources[count] ([rows, columns] each; at most
 * PP_BSS_MOST_SOURCES; every source gets one component at least, as far as the rank goes) and
 * writes masks[count] ([rows, columns] each), which sum to 1. */
void pp_nmf_masks(pp_nmf *nmf, pp_nmf_grouping grouping, const float *const *sources, int count,
                  float *const *masks);

const char *pp_nmf_divergence_name(pp_nmf_divergence divergence); /* "kl", "euclidean", "is" */
pp_status pp_nmf_divergence_parse(pp_nmf_divergence *out, const char *name,
                                  pp_error *err) PP_MUST_USE;

#endif
