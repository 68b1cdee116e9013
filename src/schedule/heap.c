#include "schedule/heap.h"

#include "base/memory.h"

void pp_heap_free(pp_heap *heap)
{
    PP_FREE(heap->items);
    PP_FREE(heap->keys);
    PP_FREE(heap->place);
    *heap = (pp_heap){0};
}

static int before(const pp_heap *heap, size_t a, size_t b)
{
    if (heap->keys[a] > heap->keys[b]) return 1;
    if (heap->keys[a] < heap->keys[b]) return 0;
    return heap->items[a] < heap->items[b];
}

static void swap(pp_heap *heap, size_t a, size_t b)
{
    int64_t item = heap->items[a];
    double key = heap->keys[a];
    heap->items[a] = heap->items[b];
    heap->keys[a] = heap->keys[b];
    heap->items[b] = item;
    heap->keys[b] = key;
    heap->place[heap->items[a]] = (int64_t)a + 1;
    heap->place[heap->items[b]] = (int64_t)b + 1;
}

static void rise(pp_heap *heap, size_t at)
{
    while (at > 0 && before(heap, at, (at - 1) / 2)) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sink(pp_heap *heap, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) return;
        if (child + 1 < heap->count && before(heap, child + 1, child)) child++;
        if (!before(heap, child, at)) return;
        swap(heap, at, child);
        at = child;
    }
}

pp_status pp_heap_put(pp_heap *heap, int64_t item, double key, pp_error *err)
{
    size_t needed = (size_t)item + 1;
    if (pp_grow((void **)&heap->place, &heap->places, needed, sizeof *heap->place, err) != PP_OK) {
        return PP_ERR_NOMEM;
    }
    if (heap->place[item] == 0) {
        size_t count = heap->count + 1;
        if (pp_grow((void **)&heap->items, &heap->items_capacity, count, sizeof *heap->items,
                    err) != PP_OK ||
            pp_grow((void **)&heap->keys, &heap->keys_capacity, count, sizeof *heap->keys, err) !=
                PP_OK) {
            return PP_ERR_NOMEM;
        }
        heap->items[heap->count] = item;
        heap->place[item] = (int64_t)count;
        heap->count = count;
    }
    size_t at = (size_t)heap->place[item] - 1;
    heap->keys[at] = key;
    rise(heap, at);
    sink(heap, (size_t)heap->place[item] - 1);
    return PP_OK;
}

int64_t pp_heap_top(const pp_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : -1;
}

double pp_heap_top_key(const pp_heap *heap)
{
    return heap->count > 0 ? heap->keys[0] : 0;
}

int pp_heap_has(const pp_heap *heap, int64_t item)
{
    return item >= 0 && (size_t)item < heap->places && heap->place[item] != 0;
}

void pp_heap_remove(pp_heap *heap, int64_t item)
{
    if (!pp_heap_has(heap, item)) return;
    size_t at = (size_t)heap->place[item] - 1, last = heap->count - 1;
    if (at != last) swap(heap, at, last);
    heap->place[item] = 0;
    heap->count = last;
    if (at == last) return;
    rise(heap, at);
    sink(heap, at);
}
