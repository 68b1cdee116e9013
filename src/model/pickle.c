#include "model/pickle_machine.h"

#include <string.h>

#include "base/memory.h"

pp_status pp_pickle_damaged(pp_pickle_machine *m, const char *what)
{
    return pp_fail(m->err, PP_ERR_FORMAT, "damaged pickle: %s at byte %lld", what,
                   (long long)(m->at - m->start));
}

/* ---- nodes, cells, stack --------------------------------------------------------------------- */

pp_status pp_pickle_new(pp_pickle_machine *m, pp_pickle_node node, uint32_t *index)
{
    pp_pickle *out = m->out;
    if (out->node_count >= MOST_NODES) {
        return pp_fail(m->err, PP_ERR_LIMIT, "a pickle of more than %d values", MOST_NODES);
    }
    size_t start = out->node_count == 0 ? 1 : out->node_count;
    pp_status status =
        pp_grow((void **)&out->nodes, &out->node_capacity, start + 1, sizeof *out->nodes, m->err);
    if (status != PP_OK) return status;
    out->nodes[start] = node;
    out->node_count = start + 1;
    *index = (uint32_t)start;
    return PP_OK;
}

pp_status pp_pickle_append(pp_pickle_machine *m, uint32_t node, uint32_t key, uint32_t value)
{
    pp_pickle *out = m->out;
    size_t start = out->cell_count == 0 ? 1 : out->cell_count;
    if (start >= 2 * MOST_NODES) return pp_fail(m->err, PP_ERR_LIMIT, "a pickle too large");
    pp_status status =
        pp_grow((void **)&out->cells, &out->cell_capacity, start + 1, sizeof *out->cells, m->err);
    if (status != PP_OK) return status;
    out->cells[start] = (pp_pickle_cell){key, value, 0};
    out->cell_count = start + 1;
    pp_pickle_node *owner = &out->nodes[node];
    if (owner->first == 0) owner->first = (uint32_t)start;
    else out->cells[owner->last].next = (uint32_t)start;
    owner->last = (uint32_t)start;
    owner->number++;
    return PP_OK;
}

pp_status pp_pickle_push(pp_pickle_machine *m, uint32_t node)
{
    if (m->stack_count >= MOST_NODES) return pp_fail(m->err, PP_ERR_LIMIT, "a pickle too large");
    pp_status status = pp_grow((void **)&m->stack, &m->stack_capacity, m->stack_count + 1,
                               sizeof *m->stack, m->err);
    if (status == PP_OK) m->stack[m->stack_count++] = node;
    return status;
}

pp_status pp_pickle_push_new(pp_pickle_machine *m, pp_pickle_node node)
{
    uint32_t index;
    pp_status status = pp_pickle_new(m, node, &index);
    return status == PP_OK ? pp_pickle_push(m, index) : status;
}

/* The top value, never a mark. */
pp_status pp_pickle_pop(pp_pickle_machine *m, uint32_t *node)
{
    if (m->stack_count == 0 ||
        pp_pickle_at(m, m->stack[m->stack_count - 1])->kind == PP_PICKLE_MARK) {
        return pp_pickle_damaged(m, "a value is missing");
    }
    *node = m->stack[--m->stack_count];
    return PP_OK;
}

/* Position of the topmost mark; what lies above it are the operands. */
static pp_status find_mark(pp_pickle_machine *m, size_t *mark)
{
    for (size_t i = m->stack_count; i > 0; i--) {
        if (pp_pickle_at(m, m->stack[i - 1])->kind == PP_PICKLE_MARK) {
            *mark = i - 1;
            return PP_OK;
        }
    }
    return pp_pickle_damaged(m, "a mark is missing");
}

/* ---- operands -------------------------------------------------------------------------------- */

static pp_status take_bytes(pp_pickle_machine *m, size_t count, const unsigned char **bytes)
{
    if ((size_t)(m->end - m->at) < count) return pp_pickle_damaged(m, "it ends too early");
    *bytes = m->at;
    m->at += count;
    return PP_OK;
}

/* Little-endian, unsigned. */
static pp_status take_number(pp_pickle_machine *m, int width, uint64_t *number)
{
    const unsigned char *bytes = NULL;
    pp_status status = take_bytes(m, (size_t)width, &bytes);
    if (status != PP_OK) return status;
    *number = 0;
    for (int i = 0; i < width; i++) *number |= (uint64_t)bytes[i] << (8 * i);
    return PP_OK;
}

static pp_status push_int(pp_pickle_machine *m, int width, int is_signed)
{
    uint64_t number;
    pp_status status = take_number(m, width, &number);
    if (status != PP_OK) return status;
    int64_t value = is_signed ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return pp_pickle_push_new(m, (pp_pickle_node){.kind = PP_PICKLE_INT, .number = value});
}

/* LONG1: two's complement of any length; longer than 8 bytes only the file's magic number is. */
static pp_status push_long(pp_pickle_machine *m)
{
    uint64_t width, number = 0;
    const unsigned char *bytes = NULL;
    pp_status status = take_number(m, 1, &width);
    if (status == PP_OK) status = take_bytes(m, (size_t)width, &bytes);
    if (status != PP_OK) return status;
    for (uint64_t i = 0; i < width && i < 8; i++) number |= (uint64_t)bytes[i] << (8 * i);
    if (width > 0 && width < 8 && (bytes[width - 1] & 0x80)) number |= ~(uint64_t)0 << (8 * width);
    return pp_pickle_push_new(m, (pp_pickle_node){.kind = PP_PICKLE_INT,
                                                  .number = (int64_t)number,
                                                  .text = (const char *)bytes,
                                                  .length = (size_t)width});
}

static pp_status push_text(pp_pickle_machine *m, int width)
{
    uint64_t length;
    const unsigned char *bytes = NULL;
    pp_status status = take_number(m, width, &length);
    if (status == PP_OK) status = take_bytes(m, (size_t)length, &bytes);
    if (status != PP_OK) return status;
    return pp_pickle_push_new(m, (pp_pickle_node){.kind = PP_PICKLE_TEXT,
                                                  .text = (const char *)bytes,
                                                  .length = (size_t)length});
}

pp_status pp_pickle_line(pp_pickle_machine *m, const char **text, size_t *length)
{
    const unsigned char *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (end == NULL) return pp_pickle_damaged(m, "a name does not end");
    *text = (const char *)m->at;
    *length = (size_t)(end - m->at);
    m->at = end + 1;
    return PP_OK;
}

/* ---- containers, memo ------------------------------------------------------------------------ */

/* The topmost `count` values as a tuple. */
static pp_status make_tuple(pp_pickle_machine *m, size_t count)
{
    uint32_t tuple;
    if (count > m->stack_count) return pp_pickle_damaged(m, "a value is missing");
    pp_status status = pp_pickle_new(m, (pp_pickle_node){.kind = PP_PICKLE_TUPLE}, &tuple);
    size_t first = m->stack_count - count;
    for (size_t i = first; status == PP_OK && i < m->stack_count; i++) {
        if (pp_pickle_at(m, m->stack[i])->kind == PP_PICKLE_MARK)
            return pp_pickle_damaged(m, "a value is missing");
        status = pp_pickle_append(m, tuple, 0, m->stack[i]);
    }
    if (status != PP_OK) return status;
    m->stack_count = first;
    return pp_pickle_push(m, tuple);
}

/* Values (or keys and values) from stack position `first` on go into the container below. */
static pp_status fill(pp_pickle_machine *m, size_t first, size_t below, pp_pickle_kind kind)
{
    if (below >= m->stack_count || pp_pickle_at(m, m->stack[below])->kind != kind) {
        return pp_pickle_damaged(m, "values for something that holds none");
    }
    size_t step = kind == PP_PICKLE_DICT ? 2 : 1;
    if ((m->stack_count - first) % step != 0) return pp_pickle_damaged(m, "a key without a value");
    for (size_t i = first; i < m->stack_count; i += step) {
        uint32_t key = step == 2 ? m->stack[i] : 0, value = m->stack[i + step - 1];
        pp_status status = pp_pickle_append(m, m->stack[below], key, value);
        if (status != PP_OK) return status;
    }
    m->stack_count = below + 1;
    return PP_OK;
}

static pp_status fill_one(pp_pickle_machine *m, pp_pickle_kind kind)
{
    size_t count = kind == PP_PICKLE_DICT ? 2 : 1;
    if (m->stack_count < count + 1) return pp_pickle_damaged(m, "a value is missing");
    return fill(m, m->stack_count - count, m->stack_count - count - 1, kind);
}

static pp_status fill_marked(pp_pickle_machine *m, pp_pickle_kind kind)
{
    size_t mark;
    pp_status status = find_mark(m, &mark);
    if (status != PP_OK) return status;
    if (mark == 0) return pp_pickle_damaged(m, "values for nothing");
    return fill(m, mark + 1, mark - 1, kind);
}

static pp_status make_marked_tuple(pp_pickle_machine *m)
{
    size_t mark;
    pp_status status = find_mark(m, &mark);
    if (status != PP_OK) return status;
    status = make_tuple(m, m->stack_count - mark - 1);
    if (status != PP_OK) return status;
    m->stack[mark] = m->stack[m->stack_count - 1]; /* the tuple takes the mark's place */
    m->stack_count = mark + 1;
    return PP_OK;
}

static pp_status remember(pp_pickle_machine *m, int width)
{
    uint64_t slot;
    pp_status status = take_number(m, width, &slot);
    if (status != PP_OK) return status;
    if (slot >= MOST_NODES)
        return pp_fail(m->err, PP_ERR_LIMIT, "a pickle with too many references");
    if (m->stack_count == 0) return pp_pickle_damaged(m, "a value is missing");
    status =
        pp_grow((void **)&m->memo, &m->memo_capacity, (size_t)slot + 1, sizeof *m->memo, m->err);
    if (status != PP_OK) return status;
    if (m->memo_count < slot + 1) m->memo_count = (size_t)slot + 1;
    m->memo[slot] = m->stack[m->stack_count - 1];
    return PP_OK;
}

static pp_status recall(pp_pickle_machine *m, int width)
{
    uint64_t slot;
    pp_status status = take_number(m, width, &slot);
    if (status != PP_OK) return status;
    if (slot >= m->memo_count || m->memo[slot] == 0 ||
        pp_pickle_at(m, m->memo[slot])->kind == PP_PICKLE_MARK) {
        return pp_pickle_damaged(m, "a reference to nothing");
    }
    return pp_pickle_push(m, m->memo[slot]);
}

/* BUILD: an OrderedDict's attributes (`_metadata`, versions of layers); nobody here needs them. */
static pp_status drop_attributes(pp_pickle_machine *m)
{
    uint32_t attributes;
    pp_status status = pp_pickle_pop(m, &attributes);
    if (status != PP_OK) return status;
    if (m->stack_count == 0 ||
        pp_pickle_at(m, m->stack[m->stack_count - 1])->kind != PP_PICKLE_DICT) {
        return pp_pickle_damaged(m, "attributes of something that has none");
    }
    return PP_OK;
}

static pp_status skip_float(pp_pickle_machine *m)
{
    const unsigned char *bytes; /* of a training record beside the weights; nobody here needs it */
    pp_status status = take_bytes(m, 8, &bytes);
    return status == PP_OK ? pp_pickle_push_new(m, (pp_pickle_node){.kind = PP_PICKLE_NONE})
                           : status;
}

static pp_status start_protocol(pp_pickle_machine *m)
{
    uint64_t version;
    pp_status status = take_number(m, 1, &version);
    if (status == PP_OK && version != 2) {
        return pp_fail(m->err, PP_ERR_FORMAT, "pickle protocol %d (torch.save writes 2)",
                       (int)version);
    }
    return status;
}

static pp_status push_bool(pp_pickle_machine *m, int value)
{
    return pp_pickle_push_new(m, (pp_pickle_node){.kind = PP_PICKLE_BOOL, .number = value});
}

static pp_status push_kind(pp_pickle_machine *m, pp_pickle_kind kind)
{
    return pp_pickle_push_new(m, (pp_pickle_node){.kind = kind});
}

static pp_status step(pp_pickle_machine *m, unsigned char opcode)
{
    switch (opcode) {
    case 0x80:
        return start_protocol(m);
    case 'N':
        return push_kind(m, PP_PICKLE_NONE);
    case 0x88:
        return push_bool(m, 1);
    case 0x89:
        return push_bool(m, 0);
    case 'K':
        return push_int(m, 1, 0);
    case 'M':
        return push_int(m, 2, 0);
    case 'J':
        return push_int(m, 4, 1);
    case 0x8a:
        return push_long(m);
    case 'G':
        return skip_float(m);
    case 'X':
        return push_text(m, 4); /* BINUNICODE */
    case 'U':
        return push_text(m, 1); /* SHORT_BINSTRING: Python 2 */
    case ')':
        return push_kind(m, PP_PICKLE_TUPLE);
    case ']':
        return push_kind(m, PP_PICKLE_LIST);
    case '}':
        return push_kind(m, PP_PICKLE_DICT);
    case '(':
        return push_kind(m, PP_PICKLE_MARK);
    case 't':
        return make_marked_tuple(m);
    case 0x85:
        return make_tuple(m, 1);
    case 0x86:
        return make_tuple(m, 2);
    case 0x87:
        return make_tuple(m, 3);
    case 'a':
        return fill_one(m, PP_PICKLE_LIST);
    case 'e':
        return fill_marked(m, PP_PICKLE_LIST);
    case 's':
        return fill_one(m, PP_PICKLE_DICT);
    case 'u':
        return fill_marked(m, PP_PICKLE_DICT);
    case 'q':
        return remember(m, 1);
    case 'r':
        return remember(m, 4);
    case 'h':
        return recall(m, 1);
    case 'j':
        return recall(m, 4);
    case 'c':
        return pp_pickle_global(m);
    case 'R':
        return pp_pickle_call(m);
    case 'Q':
        return pp_pickle_storage(m);
    case 'b':
        return drop_attributes(m);
    default:
        return pp_fail(m->err, PP_ERR_FORMAT,
                       "it holds something else than weights "
                       "(pickle opcode 0x%02x at byte %lld)",
                       opcode, (long long)(m->at - 1 - m->start));
    }
}

pp_status pp_pickle_read(pp_pickle *out, const unsigned char *bytes, size_t length, size_t *used,
                         pp_error *err)
{
    pp_pickle_machine m = {
        .at = bytes, .end = bytes + length, .start = bytes, .out = out, .err = err};
    *out = (pp_pickle){0};
    pp_status status = PP_OK;
    for (;;) {
        const unsigned char *opcode = NULL;
        status = take_bytes(&m, 1, &opcode);
        if (status != PP_OK || *opcode == '.') break;
        status = step(&m, *opcode);
        if (status != PP_OK) break;
    }
    if (status == PP_OK) status = pp_pickle_pop(&m, &out->root);
    if (status == PP_OK && m.stack_count != 0)
        status = pp_pickle_damaged(&m, "values are left over");
    *used = (size_t)(m.at - bytes);
    pp_free(m.stack);
    pp_free(m.memo);
    return status;
}
