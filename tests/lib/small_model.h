/* The small networks of tests/data (make_networks.py), imported for tests. */
#ifndef TESTS_SMALL_MODEL_H
#define TESTS_SMALL_MODEL_H

#include "model/file.h"

/* Of the small networks: sides of the log-frequency grid and the pictures, components, grid. */
enum { ROWS = 32, COLUMNS = 48, SIZE = 64, K = 5, GRID = 4 };

/* For MUST: the error object of a call that has to succeed. */
extern pp_error why;
void must(pp_status status, int line);
/* Fails the test with the words of the failure in `why`. */
#define MUST(call) must(call, __LINE__)

char *data_path(const char *name); /* below tests/data; owned by the caller */
/* container: "legacy" or "zip". Clear the file. */
void import_small(pp_model_file *file, const char *container);
/* A fresh folder below /tmp, 64 bytes; and its end. */
int make_folder(char *folder);
int remove_folder(const char *folder);

#endif
