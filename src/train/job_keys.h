/* The table of settings of a training job: shared by job.c and job_keys.c only. */
#ifndef PP_TRAIN_JOB_KEYS_H
#define PP_TRAIN_JOB_KEYS_H

#include <stddef.h>

typedef enum pp_train_key_kind {
    PP_TRAIN_KEY_INT,    /* int */
    PP_TRAIN_KEY_LONG,   /* int64_t */
    PP_TRAIN_KEY_REAL,   /* double */
    PP_TRAIN_KEY_BOOL,   /* int */
    PP_TRAIN_KEY_CHOICE, /* an enumeration: the place of the word */
    PP_TRAIN_KEY_TEXT,   /* char *, owned */
    PP_TRAIN_KEY_PATH,   /* char *, owned; absolute, or "" */
    PP_TRAIN_KEY_NAME,   /* the name of the model */
    PP_TRAIN_KEY_SPECIAL /* `offset` is one of those below */
} pp_train_key_kind;

enum {
    PP_TRAIN_KEY_BLOCKS,
    PP_TRAIN_KEY_DROPS,
    PP_TRAIN_KEY_STAGES,
    PP_TRAIN_KEY_TRAIN,
    PP_TRAIN_KEY_VALIDATION
};

typedef struct pp_train_key {
    const char *section, *name;
    pp_train_key_kind kind;
    size_t offset; /* into pp_train_job */
    double least, most;
    const char *const *words;
    const char *otherwise; /* NULL: none */
    const char *help;
} pp_train_key;

extern const pp_train_key pp_train_keys[]; /* ends with a name of NULL */

#endif
