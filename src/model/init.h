/* New models: random weights from a seed, scaled so that signals neither die nor blow up on the way
 * through (He et al. 2015). Such a model separates nothing; it is marked `untrained`.
 *
 * The same seed and shape give the same file on every machine. Thread-safe.
 */
#ifndef PP_MODEL_INIT_H
#define PP_MODEL_INIT_H

#include "model/file.h"

typedef struct pp_model_options {
    uint64_t seed;
    int base_width;   /* U-Net: channels of the outermost level; doubled up to 8 times that */
    int levels;       /* U-Net: 2 to 8 */
    int components;   /* K */
    int trunk_width;  /* video: channels of the first layer; doubled in each of the four */
    int trunk_blocks; /* video: basic blocks a layer (2: ResNet-18) */
    int bias_only;    /* synthesizer without `scale` */
    /* In (0, 1): every mask is this constant, whatever is heard and seen; 0: random weights. */
    double constant_mask;
} pp_model_options;

pp_model_options pp_model_published_options(void); /* 64, 7, 32, 64, 2 */

/* Fills file->networks for file->shape and file->output_stride (pp_model_file_defaults or others),
 * the name "untrained-<seed>" and the flag. The lists must be empty. */
pp_status pp_model_file_init(pp_model_file *file, const pp_model_options *options,
                             pp_error *err) PP_MUST_USE;

#endif
