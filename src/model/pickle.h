/* Python's pickle format read as data: a tree of values, nothing imported, nothing called.
 *
 * Only what a PyTorch state dict needs: two dozen opcodes of protocol 2 and three kinds of globals
 * (collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch.*Storage), which become nodes.
 * Anything else is refused by name. Sizes are bounded by the bytes that are there: every node costs
 * at least one byte of input, and texts stay where they are in the input.
 *
 * References may make cycles (the format allows it): walk with a limit. Private to src/model.
 * Source: Python's pickletools (the opcodes' own documentation); torch/serialization.py's format.
 */
#ifndef PP_MODEL_PICKLE_H
#define PP_MODEL_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum pp_pickle_kind {
    PP_PICKLE_NONE,
    PP_PICKLE_BOOL,
    PP_PICKLE_INT,
    PP_PICKLE_TEXT,
    PP_PICKLE_TUPLE,
    PP_PICKLE_LIST,
    PP_PICKLE_DICT,
    PP_PICKLE_STORAGE, /* a persistent id: ('storage', torch.*Storage, key, place, count, ...) */
    PP_PICKLE_TENSOR,  /* children: storage, offset, sizes, strides */
    /* only while reading: */
    PP_PICKLE_MARK,
    PP_PICKLE_DICT_MAKER,
    PP_PICKLE_TENSOR_MAKER,
    PP_PICKLE_STORAGE_TYPE
} pp_pickle_kind;

/* Number formats of a storage; those a tensor of weights may have come first. */
typedef enum pp_pickle_type {
    PP_PICKLE_F32,
    PP_PICKLE_F64,
    PP_PICKLE_F16,
    PP_PICKLE_BF16,
    PP_PICKLE_OTHER /* integers and bools: known by size, never converted */
} pp_pickle_type;

typedef struct pp_pickle_node {
    pp_pickle_kind kind;
    int64_t number;   /* INT, BOOL; STORAGE: count of elements; LIST, TUPLE, DICT: children */
    const char *text; /* TEXT; STORAGE: its key. Not terminated; borrowed from the input */
    size_t length;
    pp_pickle_type type;  /* STORAGE */
    int element_bytes;    /* STORAGE */
    uint32_t first, last; /* cells of LIST, TUPLE, DICT, TENSOR; 0: none */
} pp_pickle_node;

typedef struct pp_pickle_cell {
    uint32_t key, value; /* nodes; key only in dicts */
    uint32_t next;       /* cell; 0: the end */
} pp_pickle_cell;

typedef struct pp_pickle {
    pp_pickle_node *nodes; /* 0 is unused */
    pp_pickle_cell *cells; /* 0 is unused */
    size_t node_count, node_capacity, cell_count, cell_capacity;
    uint32_t root;
} pp_pickle;

/* Reads one pickle from bytes[0..length); *used is where it ended (behind its STOP). The bytes are
 * borrowed for the result's life. Free with pp_pickle_clear in every case. */
pp_status pp_pickle_read(pp_pickle *out, const unsigned char *bytes, size_t length, size_t *used,
                         pp_error *err) PP_MUST_USE;
void pp_pickle_clear(pp_pickle *pickle);

/* Walking: the cell behind `cell` (0 starts); 0 at the end. */
uint32_t pp_pickle_next(const pp_pickle *pickle, uint32_t node, uint32_t cell);
/* Child `index` of a tuple, list or tensor; 0 where there is none. */
uint32_t pp_pickle_child(const pp_pickle *pickle, uint32_t node, int index);
/* The value of a text key in a dict; 0 where there is none. */
uint32_t pp_pickle_lookup(const pp_pickle *pickle, uint32_t node, const char *key);
int pp_pickle_text_is(const pp_pickle *pickle, uint32_t node, const char *text);

#endif
