/* A binary heap of small integers with a real key each: largest key first, ties to the smaller
 * integer, so that a run is the same whatever the order of insertion. An item can be removed or
 * given another key while it is inside. O(log n) each. Not thread-safe.
 */
#ifndef PP_SCHEDULE_HEAP_H
#define PP_SCHEDULE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct pp_heap {
    int64_t *items; /* [count], heap order */
    double *keys;   /* [count], beside items */
    int64_t *place; /* [places]: where item i stands in items, plus 1; 0: not inside */
    size_t count, items_capacity, keys_capacity, places;
} pp_heap; /* zero-initialised is empty */

void pp_heap_free(pp_heap *heap);
/* Puts the item in, or gives it another key. item >= 0. Fails only for lack of memory. */
pp_status pp_heap_put(pp_heap *heap, int64_t item, double key, pp_error *err) PP_MUST_USE;
/* The item of the largest key, or -1 where the heap is empty. */
int64_t pp_heap_top(const pp_heap *heap);
double pp_heap_top_key(const pp_heap *heap); /* 0 where it is empty */
/* Takes the item out; nothing happens where it is not inside. */
void pp_heap_remove(pp_heap *heap, int64_t item);
int pp_heap_has(const pp_heap *heap, int64_t item);

#endif
