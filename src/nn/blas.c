#include "nn/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The library is one for the whole process, and so is this table: it is written once by
 * pp_blas_load and only read afterwards. cblas.h gives the types; no symbol of it is linked. */
typedef void sgemm_function(enum CBLAS_ORDER, enum CBLAS_TRANSPOSE, enum CBLAS_TRANSPOSE, blasint,
                            blasint, blasint, float, const float *, blasint, const float *, blasint,
                            float, float *, blasint);
typedef void sgemv_function(enum CBLAS_ORDER, enum CBLAS_TRANSPOSE, blasint, blasint, float,
                            const float *, blasint, const float *, blasint, float, float *,
                            blasint);

static struct {
    sgemm_function *sgemm;
    sgemv_function *sgemv;
    char core[32];
} blas = {NULL, NULL, "none"};

static pp_status take(void *symbol, size_t size, void *library, const char *name, pp_error *err)
{
    void *found = dlsym(library, name);
    if (found == NULL) return pp_fail(err, PP_ERR_NOT_FOUND, "libopenblas.so.0 has no %s", name);
    memcpy(symbol, &found, size); /* ISO C has no cast from void * to a function pointer */
    return PP_OK;
}

/* Where another library has brought OpenBLAS in before main, it chose its core type without us:
 * let it choose again. Both functions are exported by every dynamic-architecture build. */
static void choose_core_again(void *library)
{
    void (*quit)(void) = NULL, (*init)(void) = NULL;
    if (take(&quit, sizeof quit, library, "gotoblas_dynamic_quit", NULL) == PP_OK &&
        take(&init, sizeof init, library, "gotoblas_dynamic_init", NULL) == PP_OK) {
        quit();
        init();
    }
}

static pp_status check_core(void *library, const char *core, pp_error *err)
{
    char *(*corename)(void) = NULL;
    if (take(&corename, sizeof corename, library, "openblas_get_corename", err) != PP_OK) {
        return pp_advise(err, "install a dynamic-architecture build: apt-get install libopenblas0");
    }
    strncpy(blas.core, corename(), sizeof blas.core - 1);
    if (core != NULL && strcmp(core, blas.core) != 0) {
        pp_fail(err, PP_ERR_USAGE, "OpenBLAS took core type %s where %s was asked for", blas.core,
                core);
        return pp_advise(err, "this processor or this build of OpenBLAS has no %s kernels", core);
    }
    return PP_OK;
}

pp_status pp_blas_load(const char *core, pp_error *err)
{
    if (blas.sgemm != NULL) return PP_OK;
    void *early = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0 || setenv("OMP_NUM_THREADS", "1", 1) != 0 ||
        (core != NULL && setenv("OPENBLAS_CORETYPE", core, 1) != 0)) {
        return pp_fail_errno(err, "setenv");
    }
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        pp_fail(err, PP_ERR_NOT_FOUND, "cannot load OpenBLAS: %s", dlerror());
        return pp_advise(err, "install it (Debian: apt-get install libopenblas0)");
    }
    if (early != NULL && core != NULL) choose_core_again(library);
    void (*set_threads)(int) = NULL;
    if (take(&set_threads, sizeof set_threads, library, "openblas_set_num_threads", NULL) ==
        PP_OK) {
        set_threads(1);
    }
    sgemm_function *sgemm = NULL;
    sgemv_function *sgemv = NULL;
    pp_status status = take(&sgemm, sizeof sgemm, library, "cblas_sgemm", err);
    if (status == PP_OK) status = take(&sgemv, sizeof sgemv, library, "cblas_sgemv", err);
    if (status == PP_OK) status = check_core(library, core, err);
    if (status != PP_OK) {
        strcpy(blas.core, "none");
        return status;
    }
    blas.sgemv = sgemv;
    blas.sgemm = sgemm; /* last: it says that all is there */
    return PP_OK;
}

const char *pp_blas_core(void)
{
    return blas.core;
}

void pp_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a,
              int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    blas.sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
               transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c,
               ldc);
}

void pp_sgemv(int transpose_a, int rows, int cols, float alpha, const float *a, int lda,
              const float *x, float beta, float *y)
{
    blas.sgemv(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, rows, cols, alpha, a, lda, x,
               1, beta, y, 1);
}
