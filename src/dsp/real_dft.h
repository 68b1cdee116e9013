/* The discrete Fourier transform of real sequences, PP_DFT_LANES of them at a time.
 *
 *   forward  X[k] = sum_n x[n] e^(-2 pi i n k / N), k = 0 .. N/2
 *   inverse  x[n] = sum_k X[k] e^(+2 pi i n k / N) over all N, the others by X[N - k] = conj X[k];
 *            unscaled: N times what forward was given
 *
 * For N = 2 P Q with P and Q odd and coprime (Good's prime factor algorithm: no twiddle factors;
 * Good, J. Roy. Statist. Soc. B 20, 1958), as 1022 = 2 7 73 and 62 = 2 1 31. Each factor's own
 * transform is a small product with cosines and sines, half the size by symmetry: nearly all of
 * the time goes there, in loops over lanes. One lane's bits depend on nothing but its sequence: not
 * on its neighbours, nor on the processor (no fused multiply-adds).
 *
 * A transform is const once created; buffers are the caller's, one set a thread.
 */
#ifndef PP_DSP_REAL_DFT_H
#define PP_DSP_REAL_DFT_H

#include <stddef.h>

#include "base/status.h"

enum { PP_DFT_LANES = 16 };

typedef struct pp_real_dft pp_real_dft;

/* *out stays NULL, with PP_OK, for a length that is not such a product or has a factor above 255.
 */
pp_status pp_real_dft_create(pp_real_dft **out, int length, pp_error *err) PP_MUST_USE;
void pp_real_dft_destroy(pp_real_dft **dft);

/* Floats of the buffers below together; aligned as pp_alloc gives them. */
size_t pp_real_dft_work_floats(const pp_real_dft *dft);
/* Sample n of the sequences lies at x + place[n] * PP_DFT_LANES. Borrowed, [length]. */
const int *pp_real_dft_places(const pp_real_dft *dft);

/* x: the first length * PP_DFT_LANES floats of work. re, im: [length / 2 + 1, PP_DFT_LANES]. x is
 * destroyed by forward, re and im are left alone by inverse. */
void pp_real_dft_forward(const pp_real_dft *dft, float *work, float *re, float *im);
void pp_real_dft_inverse(const pp_real_dft *dft, const float *re, const float *im, float *work);

#endif
