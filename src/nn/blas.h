/* OpenBLAS, loaded at run time so that its kernel set can be pinned first.
 *
 * Ranks agree on the lowest common core type before any product is computed (archives must not
 * depend on which node did the work): pp_blas_load sets OPENBLAS_CORETYPE and one thread, then
 * loads the library. Once a process; calls after that are no-ops. Not thread-safe itself; the
 * products are.
 */
#ifndef PP_NN_BLAS_H
#define PP_NN_BLAS_H

#include "base/status.h"

/* core: "Haswell", "SkylakeX", ... or NULL for what this CPU takes by itself. */
pp_status pp_blas_load(const char *core, pp_error *err) PP_MUST_USE;
/* The core type in use ("SkylakeX"), or "none" before pp_blas_load. Borrowed. */
const char *pp_blas_core(void);

/* C [m,n] = alpha * op(A) op(B) + beta * C; row-major, leading dimensions in elements.
 * op(A) is A [m,k], or A [k,m] transposed where transpose_a. */
void pp_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a,
              int lda, const float *b, int ldb, float beta, float *c, int ldc);
/* y [m] = alpha * op(A) x + beta * y; A [rows,cols] row-major. */
void pp_sgemv(int transpose_a, int rows, int cols, float alpha, const float *a, int lda,
              const float *x, float beta, float *y);

#endif
