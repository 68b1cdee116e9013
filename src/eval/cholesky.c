#include "eval/cholesky.h"

#include <math.h>
#include <stddef.h>

enum { BLOCK = 64, TILE = 4 };

int pp_cholesky_workspace(int n)
{
    return BLOCK * n + n;
}

/* One block on the diagonal, already reduced by the blocks before it. `given` holds the diagonal of
 * the matrix as it came. */
static int factor_diagonal(double *a, int n, int begin, int end, const double *given)
{
    for (int j = begin; j < end; j++) {
        double *row = a + (size_t)j * (size_t)n;
        for (int c = begin; c < j; c++) {
            const double *other = a + (size_t)c * (size_t)n;
            double sum = row[c];
            for (int p = begin; p < c; p++) sum -= row[p] * other[p];
            row[c] = sum / other[c];
        }
        double pivot = row[j];
        for (int p = begin; p < j; p++) pivot -= row[p] * row[p];
        if (!(pivot > 1e-15 * given[j])) return 1;
        row[j] = sqrt(pivot);
    }
    return 0;
}

/* Rows below the block: L_i,k = A_i,k L_k,k^-T. Also transposed into panel [BLOCK, n]. */
static void solve_panel(double *a, int n, int begin, int end, double *panel)
{
    for (int i = end; i < n; i++) {
        double *row = a + (size_t)i * (size_t)n;
        for (int c = begin; c < end; c++) {
            const double *other = a + (size_t)c * (size_t)n;
            double sum = row[c];
            for (int p = begin; p < c; p++) sum -= row[p] * other[p];
            row[c] = sum / other[c];
            panel[(size_t)(c - begin) * (size_t)n + (size_t)i] = row[c];
        }
    }
}

/* TILE x TILE elements at (i, j) less the product of their panel rows. */
static void update_tile(double *a, int n, int depth, const double *panel, int i, int j)
{
    double sum[TILE][TILE] = {{0.0}};
    for (int p = 0; p < depth; p++) {
        const double *left = panel + (size_t)p * (size_t)n + i;
        const double *right = panel + (size_t)p * (size_t)n + j;
        for (int r = 0; r < TILE; r++) {
            for (int c = 0; c < TILE; c++) sum[r][c] += left[r] * right[c];
        }
    }
    for (int r = 0; r < TILE; r++) {
        double *row = a + (size_t)(i + r) * (size_t)n + j;
        for (int c = 0; c < TILE; c++) row[c] -= sum[r][c];
    }
}

static void update_element(double *a, int n, int depth, const double *panel, int i, int j)
{
    double sum = 0.0;
    for (int p = 0; p < depth; p++) {
        sum += panel[(size_t)p * (size_t)n + (size_t)i] * panel[(size_t)p * (size_t)n + (size_t)j];
    }
    a[(size_t)i * (size_t)n + (size_t)j] -= sum;
}

/* The trailing matrix, lower triangle (tiles on the diagonal spill over it harmlessly). */
static void update_trailing(double *a, int n, int begin, int end, const double *panel)
{
    const int depth = end - begin, whole = end + (n - end) / TILE * TILE;
    for (int i = end; i < whole; i += TILE) {
        for (int j = end; j <= i; j += TILE) update_tile(a, n, depth, panel, i, j);
    }
    for (int i = whole; i < n; i++) {
        for (int j = end; j <= i; j++) update_element(a, n, depth, panel, i, j);
    }
}

int pp_cholesky_factor(double *a, int n, double *workspace)
{
    double *panel = workspace, *given = workspace + (size_t)BLOCK * (size_t)n;
    for (int i = 0; i < n; i++) given[i] = a[(size_t)i * (size_t)n + (size_t)i];
    for (int begin = 0; begin < n; begin += BLOCK) {
        const int end = begin + BLOCK < n ? begin + BLOCK : n;
        if (factor_diagonal(a, n, begin, end, given) != 0) return 1;
        solve_panel(a, n, begin, end, panel);
        update_trailing(a, n, begin, end, panel);
    }
    return 0;
}

void pp_cholesky_solve(const double *factor, int n, double *x)
{
    for (int i = 0; i < n; i++) {
        const double *row = factor + (size_t)i * (size_t)n;
        double sum = x[i];
        for (int p = 0; p < i; p++) sum -= row[p] * x[p];
        x[i] = sum / row[i];
    }
    for (int i = n - 1; i >= 0; i--) { /* L^T x = b, by rows of L: columns of L^T */
        const double *row = factor + (size_t)i * (size_t)n;
        x[i] /= row[i];
        for (int p = 0; p < i; p++) x[p] -= row[p] * x[i];
    }
}
