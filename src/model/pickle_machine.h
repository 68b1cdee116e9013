/* The reading machine of model/pickle.h, shared by its two files. Private to them. */
#ifndef PP_MODEL_PICKLE_MACHINE_H
#define PP_MODEL_PICKLE_MACHINE_H

#include "model/pickle.h"

/* A state dict of ResNet-152 takes about 30 000 nodes. */
enum { MOST_NODES = 1 << 18 };

typedef struct pp_pickle_machine {
    const unsigned char *at, *end, *start;
    pp_pickle *out;
    uint32_t *stack, *memo;
    size_t stack_count, stack_capacity, memo_count, memo_capacity;
    pp_error *err;
} pp_pickle_machine;

static inline pp_pickle_node *pp_pickle_at(pp_pickle_machine *m, uint32_t index)
{
    return &m->out->nodes[index];
}

/* PP_ERR_FORMAT: "damaged pickle: <what> at byte N". */
pp_status pp_pickle_damaged(pp_pickle_machine *m, const char *what);
pp_status pp_pickle_new(pp_pickle_machine *m, pp_pickle_node node, uint32_t *index);
/* A cell behind the last one of `node`. */
pp_status pp_pickle_append(pp_pickle_machine *m, uint32_t node, uint32_t key, uint32_t value);
pp_status pp_pickle_push(pp_pickle_machine *m, uint32_t node);
pp_status pp_pickle_push_new(pp_pickle_machine *m, pp_pickle_node node);
pp_status pp_pickle_pop(pp_pickle_machine *m, uint32_t *node);
/* The bytes up to the next newline. */
pp_status pp_pickle_line(pp_pickle_machine *m, const char **text, size_t *length);
int pp_pickle_is(const char *text, size_t length, const char *word);

/* Opcodes GLOBAL, REDUCE and BINPERSID. */
pp_status pp_pickle_global(pp_pickle_machine *m);
pp_status pp_pickle_call(pp_pickle_machine *m);
pp_status pp_pickle_storage(pp_pickle_machine *m);

#endif
