#include "dsp/real_dft.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"

/* Samples by Good's map: n = n1 N/2 + n2 N/P + n3 N/Q (mod N); bins by residues: k = k1 (mod 2),
 * k2 (mod P), k3 (mod Q). Then e^(2 pi i n k / N) is a product of three.
 *
 *   x    [2, P, Q]        samples
 *   y    [2, P, Q]        after the factors 2 and P: of the P numbers, the first is the real one of
 *                         k2 = 0, then real and imaginary part of k2 = 1 .. P/2; the other k2 are
 *                         their conjugates
 *   bins [2, 1 + P/2, Q]  of each column after the factor Q; of k2 = 0 only k3 = 0 .. Q/2
 *
 * each entry a vector of PP_DFT_LANES sequences. */

enum { ROWS = 6, MOST_FACTOR = 255, MOST_HALF = MOST_FACTOR / 2 + ROWS };

/* Lowered by the compiler to whatever vectors the processor has. The one function that
 * returns one is always inlined, so how it would be returned does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"
typedef float lanes __attribute__((vector_size(PP_DFT_LANES * sizeof(float)), may_alias));

typedef struct factor {
    int length, half, rows; /* half: length / 2; rows: half rounded up to whole ROWS */
    float *cosines, *sines; /* [rows, half]: of 2 pi j k / length, j and k from 1 */
} factor;

typedef struct bin {
    int index, conjugate; /* of the half that is stored */
} bin;

struct pp_real_dft {
    int length;
    factor p, q;
    int *places; /* [length] */
    bin *bins;   /* [2, 1 + P/2, Q] */
};

/* ---- tables ---------------------------------------------------------------------------------- */

static int gcd(int a, int b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* length = 2 p q; 1 where there are such factors. The one with the least work is taken. */
static int split(int length, int *p, int *q)
{
    int odd = length / 2;
    if (length < 4 || length % 4 != 2) return 0;
    *q = 0;
    for (int small = 1; small * small <= odd; small++) {
        if (odd % small != 0 || gcd(small, odd / small) != 1) continue;
        *p = small;
        *q = odd / small;
    }
    return *q >= 3 && *q <= MOST_FACTOR;
}

static pp_status fill_factor(factor *f, int length, pp_error *err)
{
    f->length = length;
    f->half = length / 2;
    f->rows = (f->half + ROWS - 1) / ROWS * ROWS;
    size_t count = (size_t)f->rows * (size_t)f->half;
    void *cosines = NULL, *sines = NULL;
    pp_status status = pp_alloc_checked(&cosines, count + 1, sizeof(float), "a transform", err);
    f->cosines = cosines;
    if (status == PP_OK) {
        status = pp_alloc_checked(&sines, count + 1, sizeof(float), "a transform", err);
    }
    f->sines = sines;
    for (int k = 0; status == PP_OK && k < f->half; k++) {
        for (int j = 0; j < f->half; j++) {
            double angle = 2 * M_PI * ((j + 1) * (k + 1) % length) / length;
            f->cosines[k * f->half + j] = (float)cos(angle);
            f->sines[k * f->half + j] = (float)sin(angle);
        }
    }
    return status;
}

static void fill_places(pp_real_dft *dft)
{
    int n = dft->length, p = dft->p.length, q = dft->q.length;
    for (int n1 = 0; n1 < 2; n1++) {
        for (int n2 = 0; n2 < p; n2++) {
            for (int n3 = 0; n3 < q; n3++) {
                int64_t sample =
                    (int64_t)n1 * (n / 2) + (int64_t)n2 * (n / p) + (int64_t)n3 * (n / q);
                dft->places[sample % n] = (n1 * p + n2) * q + n3;
            }
        }
    }
}

static void fill_bins(pp_real_dft *dft)
{
    int n = dft->length, p = dft->p.length, q = dft->q.length, columns = 1 + p / 2;
    for (int k = 0; k < n; k++) {
        if (k % p >= columns) continue; /* a conjugate of one that is there */
        int stored = k <= n / 2 ? k : n - k;
        dft->bins[(k % 2 * columns + k % p) * q + k % q] = (bin){stored, stored != k};
    }
}

pp_status pp_real_dft_create(pp_real_dft **out, int length, pp_error *err)
{
    int p = 1, q = 1;
    *out = NULL;
    if (!split(length, &p, &q)) return PP_OK;
    void *memory = NULL, *places = NULL, *bins = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "a transform", err);
    if (status != PP_OK) return status;
    pp_real_dft *dft = memory;
    dft->length = length;
    status = fill_factor(&dft->p, p, err);
    if (status == PP_OK) status = fill_factor(&dft->q, q, err);
    if (status == PP_OK) {
        status = pp_alloc_checked(&places, (size_t)length, sizeof(int), "a transform", err);
    }
    dft->places = places;
    if (status == PP_OK) {
        status =
            pp_alloc_checked(&bins, (size_t)(2 * (1 + p / 2) * q), sizeof(bin), "a transform", err);
    }
    dft->bins = bins;
    if (status != PP_OK) {
        pp_real_dft_destroy(&dft);
        return status;
    }
    fill_places(dft);
    fill_bins(dft);
    *out = dft;
    return PP_OK;
}

void pp_real_dft_destroy(pp_real_dft **at)
{
    pp_real_dft *dft = *at;
    if (dft == NULL) return;
    pp_free(dft->p.cosines);
    pp_free(dft->p.sines);
    pp_free(dft->q.cosines);
    pp_free(dft->q.sines);
    pp_free(dft->places);
    pp_free(dft->bins);
    PP_FREE(*at);
}

size_t pp_real_dft_work_floats(const pp_real_dft *dft)
{
    return 2 * (size_t)dft->length * PP_DFT_LANES;
}

const int *pp_real_dft_places(const pp_real_dft *dft)
{
    return dft->places;
}

/* ---- a factor's sums ------------------------------------------------------------------------- */

/* out[k] = sum_j table[k][j] in[j], in order. */
static inline __attribute__((always_inline)) void multiply(const float *table, int rows, int half,
                                                           const lanes *in, lanes *out)
{
    for (int k = 0; k < rows; k += ROWS, table += ROWS * half) {
        lanes sum[ROWS];
        for (int r = 0; r < ROWS; r++) sum[r] = (lanes){0};
        for (int j = 0; j < half; j++) {
            for (int r = 0; r < ROWS; r++) sum[r] += table[r * half + j] * in[j];
        }
        for (int r = 0; r < ROWS; r++) out[k + r] = sum[r];
    }
}

/* Sums and differences of what lies symmetrically around in[0]. */
static inline __attribute__((always_inline)) void fold(const factor *f, const lanes *in,
                                                       lanes *sums, lanes *differences)
{
    for (int j = 1; j <= f->half; j++) {
        const lanes *a = in + j, *b = in + f->length - j;
        sums[j - 1] = *a + *b;
        differences[j - 1] = *a - *b;
    }
}

static inline __attribute__((always_inline)) lanes total(const lanes *first, const lanes *more,
                                                         int count)
{
    lanes sum = *first;
    for (int j = 0; j < count; j++) sum += more[j];
    return sum;
}

/* ---- forward --------------------------------------------------------------------------------- */

/* The factors 2 and P for one n3, which x and y point to. */
static inline __attribute__((always_inline)) void split_columns(const pp_real_dft *dft,
                                                                const lanes *x, lanes *y)
{
    const factor *p = &dft->p;
    int q = dft->q.length, plane = p->length * q;
    lanes even[MOST_HALF], odd[MOST_HALF], cosine[MOST_HALF], sine[MOST_HALF];
    lanes column[MOST_FACTOR];
    for (int k1 = 0; k1 < 2; k1++, y += plane) {
        for (int n2 = 0; n2 < p->length; n2++) {
            const lanes a = x[n2 * q], b = x[plane + n2 * q];
            column[n2] = k1 == 0 ? a + b : a - b;
        }
        fold(p, column, even, odd);
        multiply(p->cosines, p->rows, p->half, even, cosine);
        multiply(p->sines, p->rows, p->half, odd, sine);
        y[0] = total(&column[0], even, p->half);
        for (int m = 0; m < p->half; m++) {
            y[(2 * m + 1) * q] = column[0] + cosine[m];
            y[(2 * m + 2) * q] = -sine[m];
        }
    }
}

static inline __attribute__((always_inline)) void put(const bin *at, const lanes *real,
                                                      const lanes *imaginary, lanes *re, lanes *im)
{
    re[at->index] = *real;
    im[at->index] = at->conjugate ? -*imaginary : *imaginary;
}

/* The factor Q of a real column. */
static inline __attribute__((always_inline)) void real_bins(const factor *q, const lanes *in,
                                                            const bin *bins, lanes *re, lanes *im)
{
    lanes even[MOST_HALF], odd[MOST_HALF], cosine[MOST_HALF], sine[MOST_HALF];
    fold(q, in, even, odd);
    multiply(q->cosines, q->rows, q->half, even, cosine);
    multiply(q->sines, q->rows, q->half, odd, sine);
    lanes real = total(&in[0], even, q->half), imaginary = {0};
    put(bins, &real, &imaginary, re, im);
    for (int k = 1; k <= q->half; k++) {
        real = in[0] + cosine[k - 1];
        imaginary = -sine[k - 1];
        put(bins + k, &real, &imaginary, re, im);
    }
}

/* The factor Q of a complex column: in its real, in + Q its imaginary parts. */
static inline __attribute__((always_inline)) void
complex_bins(const factor *q, const lanes *in, const bin *bins, lanes *re, lanes *im)
{
    lanes even[MOST_HALF], odd[MOST_HALF];
    lanes c_re[MOST_HALF], s_re[MOST_HALF], c_im[MOST_HALF], s_im[MOST_HALF];
    const lanes first_re = in[0], first_im = in[q->length];
    fold(q, in, even, odd);
    multiply(q->cosines, q->rows, q->half, even, c_re);
    multiply(q->sines, q->rows, q->half, odd, s_re);
    lanes real = total(&first_re, even, q->half);
    fold(q, in + q->length, even, odd);
    multiply(q->cosines, q->rows, q->half, even, c_im);
    multiply(q->sines, q->rows, q->half, odd, s_im);
    lanes imaginary = total(&first_im, even, q->half);
    put(bins, &real, &imaginary, re, im);
    for (int k = 1; k <= q->half; k++) {
        real = first_re + c_re[k - 1] + s_im[k - 1];
        imaginary = first_im + c_im[k - 1] - s_re[k - 1];
        put(bins + k, &real, &imaginary, re, im);
        real = first_re + c_re[k - 1] - s_im[k - 1];
        imaginary = first_im + c_im[k - 1] + s_re[k - 1];
        put(bins + q->length - k, &real, &imaginary, re, im);
    }
}

PP_CLONES void pp_real_dft_forward(const pp_real_dft *dft, float *work, float *re, float *im)
{
    const factor *q = &dft->q;
    int columns = 1 + dft->p.half;
    const lanes *x = (const lanes *)work;
    lanes *y = (lanes *)work + dft->length;
    for (int n3 = 0; n3 < q->length; n3++) split_columns(dft, x + n3, y + n3);
    for (int k1 = 0; k1 < 2; k1++) {
        const bin *bins = dft->bins + k1 * columns * q->length;
        real_bins(q, y, bins, (lanes *)re, (lanes *)im);
        for (int m = 1; m < columns; m++) {
            complex_bins(q, y + (2 * m - 1) * q->length, bins + m * q->length, (lanes *)re,
                         (lanes *)im);
        }
        y += dft->p.length * q->length;
    }
}

/* ---- inverse --------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) lanes imaginary_of(const bin *at, const lanes *im)
{
    return at->conjugate ? -im[at->index] : im[at->index];
}

/* The factor Q of the bins of k2 = 0: a real column. */
static inline __attribute__((always_inline)) void
real_column(const factor *q, const bin *bins, const lanes *re, const lanes *im, lanes *out)
{
    lanes real[MOST_HALF], imaginary[MOST_HALF], cosine[MOST_HALF], sine[MOST_HALF];
    for (int k = 1; k <= q->half; k++) {
        real[k - 1] = re[bins[k].index] + re[bins[k].index];
        lanes one = imaginary_of(bins + k, im);
        imaginary[k - 1] = one + one;
    }
    multiply(q->cosines, q->rows, q->half, real, cosine);
    multiply(q->sines, q->rows, q->half, imaginary, sine);
    const lanes first = re[bins[0].index];
    out[0] = total(&first, real, q->half);
    for (int n = 1; n <= q->half; n++) {
        lanes sum = first + cosine[n - 1];
        out[n] = sum - sine[n - 1];
        out[q->length - n] = sum + sine[n - 1];
    }
}

/* Of the bins of another k2: a complex one, out its real, out + Q its imaginary parts. */
static inline __attribute__((always_inline)) void
complex_column(const factor *q, const bin *bins, const lanes *re, const lanes *im, lanes *out)
{
    lanes in[MOST_FACTOR], even[MOST_HALF], odd[MOST_HALF];
    lanes c_re[MOST_HALF], s_re[MOST_HALF], c_im[MOST_HALF], s_im[MOST_HALF];
    for (int k = 0; k < q->length; k++) in[k] = re[bins[k].index];
    const lanes first_re = in[0];
    fold(q, in, even, odd);
    multiply(q->cosines, q->rows, q->half, even, c_re);
    multiply(q->sines, q->rows, q->half, odd, s_re);
    out[0] = total(&first_re, even, q->half);
    for (int k = 0; k < q->length; k++) in[k] = imaginary_of(bins + k, im);
    const lanes first_im = in[0];
    fold(q, in, even, odd);
    multiply(q->cosines, q->rows, q->half, even, c_im);
    multiply(q->sines, q->rows, q->half, odd, s_im);
    out[q->length] = total(&first_im, even, q->half);
    for (int n = 1; n <= q->half; n++) {
        lanes real = first_re + c_re[n - 1], imaginary = first_im + c_im[n - 1];
        out[n] = real - s_im[n - 1];
        out[q->length - n] = real + s_im[n - 1];
        out[q->length + n] = imaginary + s_re[n - 1];
        out[2 * q->length - n] = imaginary - s_re[n - 1];
    }
}

/* One k1's part of the samples of one n3: its columns by the factor P. */
static inline __attribute__((always_inline)) void join_columns(const pp_real_dft *dft,
                                                               const lanes *y, lanes *column)
{
    const factor *p = &dft->p;
    int q = dft->q.length;
    lanes real[MOST_HALF], imaginary[MOST_HALF], cosine[MOST_HALF], sine[MOST_HALF];
    for (int m = 0; m < p->half; m++) {
        const lanes re = y[(2 * m + 1) * q], im = y[(2 * m + 2) * q];
        real[m] = re + re;
        imaginary[m] = im + im;
    }
    multiply(p->cosines, p->rows, p->half, real, cosine);
    multiply(p->sines, p->rows, p->half, imaginary, sine);
    column[0] = total(&y[0], real, p->half);
    for (int n = 1; n <= p->half; n++) {
        lanes sum = y[0] + cosine[n - 1];
        column[n] = sum - sine[n - 1];
        column[p->length - n] = sum + sine[n - 1];
    }
}

PP_CLONES void pp_real_dft_inverse(const pp_real_dft *dft, const float *re, const float *im,
                                   float *work)
{
    const factor *q = &dft->q;
    int columns = 1 + dft->p.half, plane = dft->p.length * q->length;
    lanes *x = (lanes *)work, *y = (lanes *)work + dft->length;
    for (int k1 = 0; k1 < 2; k1++) {
        const bin *bins = dft->bins + k1 * columns * q->length;
        real_column(q, bins, (const lanes *)re, (const lanes *)im, y + k1 * plane);
        for (int m = 1; m < columns; m++) {
            complex_column(q, bins + m * q->length, (const lanes *)re, (const lanes *)im,
                           y + k1 * plane + (2 * m - 1) * q->length);
        }
    }
    for (int n3 = 0; n3 < q->length; n3++) {
        lanes even[MOST_FACTOR], odd[MOST_FACTOR];
        join_columns(dft, y + n3, even);
        join_columns(dft, y + plane + n3, odd);
        for (int n2 = 0; n2 < dft->p.length; n2++) {
            x[n2 * q->length + n3] = even[n2] + odd[n2];
            x[plane + n2 * q->length + n3] = even[n2] - odd[n2];
        }
    }
}
