/* A model: the three networks of "The Sound of Pixels" (Zhao et al., ECCV 2018) from one HDF5
 * file, in any shape the file states. docs/formats/model.md specifies the file.
 *
 * A pp_model is const and shared by all threads; what one caller needs while running lies in its
 * own pp_model_scratch. The weights are folded (BatchNorm), packed for the chosen kernel set and
 * written once a node to a local file that every rank maps read-only.
 *
 * Order: pp_blas_load, pp_model_open, pp_model_scratch_create, runs, destroy in reverse.
 */
#ifndef PP_MODEL_MODEL_H
#define PP_MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "model/classes.h"
#include "model/labeller.h"

typedef struct pp_model pp_model;
typedef struct pp_model_scratch pp_model_scratch;

typedef struct pp_model_shape {
    /* sound front end */
    int rate_hz;       /* 11025 */
    int n_fft;         /* 1022 */
    int hop_samples;   /* 256 */
    int window_frames; /* 256: STFT frames of one window */
    int log_rows;      /* 256: rows of the log-frequency grid */
    /* networks */
    int components;   /* K */
    int picture_size; /* 224: pixels, square */
    int grid;         /* 14: rows and columns of the feature grid */
    int binary_masks; /* trained on binary masks (1) or ratio masks (0) */
    int pool_average; /* clip pooling: maximum (0) or average (1) */
} pp_model_shape;

typedef struct pp_model_identity {
    char name[64];
    char digest[PP_HASH_HEX];             /* of all weights and shapes */
    char sound_digest[PP_HASH_HEX];       /* of what `listen` depends on */
    char frame_digest[PP_HASH_HEX];       /* of what `see` depends on */
    char synthesizer_digest[PP_HASH_HEX]; /* of what masks depend on */
    char label_digest[PP_HASH_HEX];       /* of the labeller; "": it has none */
    int untrained;                        /* made by `pp model init`: separates nothing */
} pp_model_identity;

/* kernels: "plain", "fast" or NULL for the best set of this CPU. local_folder: where packed
 * weights are cached for the node, NULL for the default ($PP_LOCAL, else $TMPDIR or /tmp, in a
 * folder private to the user), "" for none: packed into this process's own memory. */
pp_status pp_model_open(pp_model **out, const char *path, const char *kernels,
                        const char *local_folder, pp_error *err) PP_MUST_USE;
void pp_model_close(pp_model **model);

const pp_model_shape *pp_model_get_shape(const pp_model *model);       /* borrowed */
const pp_model_identity *pp_model_get_identity(const pp_model *model); /* borrowed */
const char *pp_model_kernels(const pp_model *model); /* e.g. "plain/SkylakeX"; borrowed */
/* The synthesizer's scale [K] (ones where its head has none); borrowed. */
const float *pp_model_scale(const pp_model *model);
/* The classes it can be asked for by name (count 0: none), and what names sources; NULL: it has no
 * labeller. Borrowed. */
const pp_classes *pp_model_classes(const pp_model *model);
const pp_labeller *pp_model_labeller(const pp_model *model);

/* Room for `batch` windows or pictures at a time; the bytes of a result never depend on it. */
pp_status pp_model_scratch_create(pp_model_scratch **out, const pp_model *model, int batch,
                                  pp_error *err) PP_MUST_USE;
void pp_model_scratch_destroy(pp_model_scratch **scratch);

/* Audio network: input [n, log_rows, window_frames] natural-log magnitudes
 * -> maps [n, K, log_rows, window_frames]. n <= batch. */
void pp_model_listen(const pp_model *model, pp_model_scratch *scratch, const float *input, int n,
                     float *maps);

/* Video network: rgb [n, size, size, 3] bytes as decoded (normalised inside)
 * -> features [n, K, grid, grid], before pooling and sigmoid. n <= batch. */
void pp_model_see(const pp_model *model, pp_model_scratch *scratch, const uint8_t *rgb, int n,
                  float *features);
/* As above from pictures normalised already, [n, 3, size, size] floats. */
void pp_model_see_normalised(const pp_model *model, pp_model_scratch *scratch,
                             const float *pictures, int n, float *features);

/* Clip pooling: features [frames, K, grid, grid] -> [K], maximum or average over everything. */
void pp_model_pool(const pp_model *model, const float *features, int frames, float *pooled);
/* The sigmoid that makes vectors of activations, the same bits on every processor. */
void pp_model_activate(const float *activations, size_t count, float *vectors);

/* Component maps of one window as archives keep them: 8 bits, value = offset + scale * code. */
typedef struct pp_quantised_maps {
    uint8_t *codes; /* [K, log_rows, window_frames] */
    float *scale;   /* [K] */
    float *offset;  /* [K] */
} pp_quantised_maps;

void pp_model_quantise(const pp_model *model, const float *maps, pp_quantised_maps *out);

/* Masks of P sources from 8-bit maps: vectors [P, K] after the sigmoid
 * -> masks [P, log_rows, window_frames] = sigmoid(sum_k v_k scale_k s_k + bias), in (0, 1). */
void pp_model_masks(const pp_model *model, pp_model_scratch *scratch, const pp_quantised_maps *maps,
                    const float *vectors, int sources, float *masks);
/* The same from float maps [K, log_rows, window_frames] (pp eval, and to measure the 8 bits). */
void pp_model_masks_float(const pp_model *model, pp_model_scratch *scratch, const float *maps,
                          const float *vectors, int sources, float *masks);

/* The pixel-sound map: vectors [P, K] after the sigmoid, one a pixel; magnitude [log_rows,
 * window_frames] -> energy [P] = sum over bins of (mask * magnitude)^2. From 8-bit maps. */
void pp_model_energies(const pp_model *model, pp_model_scratch *scratch,
                       const pp_quantised_maps *maps, const float *magnitude, const float *vectors,
                       int pixels, float *energy);
void pp_model_energies_float(const pp_model *model, pp_model_scratch *scratch, const float *maps,
                             const float *magnitude, const float *vectors, int pixels,
                             float *energy);

#endif
