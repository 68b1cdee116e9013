/* Cholesky factorisation of symmetric positive definite matrices, double precision.
 *
 * Blocked, so that the 1024 x 1024 normal equations of BSS-eval take a fraction of a second without
 * LAPACK (which would start threads, and differ between kernel sets). No allocation; any number of
 * threads on different matrices.
 */
#ifndef PP_EVAL_CHOLESKY_H
#define PP_EVAL_CHOLESKY_H

/* Doubles of workspace that pp_cholesky_factor needs for an n x n matrix. */
int pp_cholesky_workspace(int n);

/* a [n, n] row-major: its lower triangle becomes L with A = L L^T; the part above the diagonal is
 * neither read nor kept. Returns 0, or 1 where the matrix is singular to working precision (a pivot
 * below 1e-15 of its diagonal element). */
int pp_cholesky_factor(double *a, int n, double *workspace);

/* x [n] := A^-1 x from the factor. */
void pp_cholesky_solve(const double *factor, int n, double *x);

#endif
