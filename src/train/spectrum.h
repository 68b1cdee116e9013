/* Magnitudes of short sounds on the log-frequency grid, fast enough not to hold up training.
 *
 * The same numbers as dsp/stft.h and dsp/window_input.h give (to rounding), computed otherwise:
 * n_fft = p q with p and q coprime, so that the transform of a frame is a q-point and a p-point
 * transform without twiddle factors between (Good 1958, Thomas 1963), each one matrix product over
 * many frames. For 1022 = 14 x 73 that is about eight times faster than a general FFT, because 73
 * is prime. Bins come out in an order of their own ("slots"); the warp picks its rows from there.
 *
 * A spectrum is linear in the sound: that of a mix is the sum of its sources'.
 *
 * Order: create, transform each source, pp_train_spectrum_add and _warp. Needs pp_blas_load. The
 * object is scratch as well: one thread an object.
 */
#ifndef PP_TRAIN_SPECTRUM_H
#define PP_TRAIN_SPECTRUM_H

#include <stddef.h>

#include "base/status.h"

typedef struct pp_train_spectrum pp_train_spectrum;

typedef struct pp_train_spectrum_shape {
    int n_fft, hop_samples; /* samples; n_fft even */
    int frames;             /* of a window */
    int rows;               /* of the log-frequency grid */
} pp_train_spectrum_shape;

pp_status pp_train_spectrum_create(pp_train_spectrum **out, pp_train_spectrum_shape shape,
                                   pp_error *err) PP_MUST_USE;
void pp_train_spectrum_destroy(pp_train_spectrum **spectrum);

/* Samples of a window that has exactly `frames` frames: hop (frames - 1) + hop - 1. */
int pp_train_spectrum_samples(const pp_train_spectrum *spectrum);
/* Floats of one spectrum. */
size_t pp_train_spectrum_size(const pp_train_spectrum *spectrum);

/* sound [samples] -> out [size]. gains: one factor a bin, [n_fft / 2 + 1], or NULL. */
void pp_train_spectrum_transform(pp_train_spectrum *spectrum, const float *sound,
                                 const float *gains, float *out);

/* sum += other. */
void pp_train_spectrum_add(const pp_train_spectrum *spectrum, const float *other, float *sum);

/* Warped magnitudes, 1e-10 added before the warp as the networks expect: [rows, frames]. */
void pp_train_spectrum_warp(pp_train_spectrum *spectrum, const float *from, float *magnitude);

#endif
