/* SGD with momentum and AdamW, on the flat parameter array (Loshchilov and Hutter 2019 for the
 * decoupled decay; both compute what PyTorch's optimisers of these names compute).
 *
 * Learning rates are given for each step and group; schedule.h makes them. One thread.
 */
#ifndef PP_TRAIN_OPTIMISER_H
#define PP_TRAIN_OPTIMISER_H

#include <stdint.h>

#include "base/status.h"
#include "train/params.h"

typedef enum pp_train_method { PP_TRAIN_SGD, PP_TRAIN_ADAMW } pp_train_method;

typedef struct pp_train_optimiser_options {
    pp_train_method method;
    double momentum;        /* SGD: 0.9 */
    double beta1, beta2;    /* AdamW: 0.9, 0.999 */
    double epsilon;         /* AdamW: 1e-8 */
    double weight_decay;    /* SGD: added to the gradient; AdamW: decoupled */
    int decay_weights_only; /* not biases, BatchNorm, scales and label vectors */
    double clip_norm;       /* of the whole gradient; 0: none */
} pp_train_optimiser_options;

typedef struct pp_train_optimiser {
    pp_train_optimiser_options options;
    int64_t steps;
    float *first, *second; /* as the values: momentum or first moment; second moment (AdamW) */
} pp_train_optimiser;

pp_status pp_train_optimiser_create(pp_train_optimiser **out,
                                    const pp_train_optimiser_options *options,
                                    const pp_train_params *params, pp_error *err) PP_MUST_USE;
void pp_train_optimiser_destroy(pp_train_optimiser **optimiser);

/* One step with the gradients times `factor` (1 / ranks, where they were summed over ranks).
 * Returns the norm of the gradient before clipping. */
double pp_train_optimiser_step(pp_train_optimiser *optimiser, pp_train_params *params,
                               const double rates[PP_TRAIN_GROUPS], double factor);

#endif
