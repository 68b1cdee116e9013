/* The file of a lock: what it says, and whether the process that wrote it lives. Shared by lock.c
 * and lock_file.c only. */
#ifndef PP_STORE_LOCK_FILE_H
#define PP_STORE_LOCK_FILE_H

#include <stdint.h>

#include "store/lock.h"

enum { PP_LOCK_BYTES = 1024 }; /* always: a renewal overwrites it in place and needs no space */

typedef struct pp_lock_text {
    char bytes[PP_LOCK_BYTES + 1];
} pp_lock_text;

/* What this process would write; `renewals` counts them. */
pp_status pp_lock_describe(pp_lock_text *out, const pp_lock_holder *self, int64_t renewals,
                           pp_error *err) PP_MUST_USE;
/* This process as a holder. */
void pp_lock_self(pp_lock_holder *self, int part, int parts);

/* Reads a file: 1; 0 where it is gone or cannot be read. An unreadable text names an unknown holder
 * of everything. */
int pp_lock_look(const char *path, pp_lock_text *text, pp_lock_holder *holder);

typedef enum pp_lock_life {
    PP_LOCK_ELSEWHERE, /* on another machine, or in another container: nobody can tell */
    PP_LOCK_LIVES,
    PP_LOCK_GONE
} pp_lock_life;
pp_lock_life pp_lock_process(const pp_lock_text *text);

#endif
