/* Mixes of clips: which clips, which crops, how they are changed, and what the networks are given.
 *
 * Mix number m of a seed is the same whatever was made before it, on any rank: a resumed run goes
 * on with the very mixes it would have made. NETWORKS.md, "Training".
 *
 * Order: create, fill (the batch is valid until the next fill), destroy. Needs pp_blas_load. One
 * thread an object; the corpus is borrowed.
 */
#ifndef PP_TRAIN_MIXER_H
#define PP_TRAIN_MIXER_H

#include "train/augment_picture.h"
#include "train/augment_sound.h"
#include "train/corpus.h"
#include "train/net.h"

typedef enum pp_train_condition { /* how sources are asked for */
                                  PP_TRAIN_BY_PICTURE,
                                  PP_TRAIN_BY_LABEL,
                                  PP_TRAIN_BY_BOTH /* by each that the clip has: one mask for each
                                                    */
} pp_train_condition;

typedef struct pp_train_mix_options {
    int rate_hz, n_fft, hop_samples;
    pp_train_condition condition;
    int ratio_masks;          /* targets: shares of the magnitude, instead of 0 and 1 */
    double picture_spacing_s; /* between the pictures of a clip, round the middle of the crop */
    int balance_labels;       /* every label as often, instead of every clip */
    double same_label;        /* share of mixes that may have a label twice (by picture only) */
    pp_train_sound_options sound;
    pp_train_picture_options picture;
    double picture_to_label, nobody; /* weights in the loss; see net.h */
    int shuffle_pictures;            /* ablation: pictures of another clip of the mix's batch */
    int blank_pictures;              /* ablation: grey pictures */
    int keep_sounds;                 /* for validation: pp_train_mixer_sound */
} pp_train_mix_options;

typedef struct pp_train_mixer pp_train_mixer;

/* Fails where the corpus cannot make such mixes, naming what is missing. */
pp_status pp_train_mixer_create(pp_train_mixer **out, const pp_train_corpus *corpus,
                                const pp_train_mix_options *options, const pp_train_shape *shape,
                                pp_error *err) PP_MUST_USE;
void pp_train_mixer_destroy(pp_train_mixer **mixer);

/* Mixes first .. first + mixes - 1 of the seed, of `sources` sources each. *batch is borrowed. */
pp_status pp_train_mixer_fill(pp_train_mixer *mixer, uint64_t seed, uint64_t first, int mixes,
                              int sources, pp_train_batch *batch, pp_error *err) PP_MUST_USE;

/* Where keep_sounds: source `source` of mix `mix` of the last fill as it went into the mix (divided
 * by the number of sources); the mix itself for source -1. [samples], borrowed. */
const float *pp_train_mixer_sound(const pp_train_mixer *mixer, int mix, int source);
int pp_train_mixer_samples(const pp_train_mixer *mixer);
/* Index in the corpus of that source's clip. */
int pp_train_mixer_entry(const pp_train_mixer *mixer, int mix, int source);

#endif
