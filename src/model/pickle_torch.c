/* The three globals of a state dict, and how the tree of a pickle is walked. */
#include <string.h>

#include "base/memory.h"
#include "model/pickle_machine.h"

int pp_pickle_is(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

static int storage_type(const char *name, size_t length, pp_pickle_node *node)
{
    static const struct {
        const char *name;
        pp_pickle_type type;
        int bytes;
    } types[] = {
        {"FloatStorage", PP_PICKLE_F32, 4},   {"DoubleStorage", PP_PICKLE_F64, 8},
        {"HalfStorage", PP_PICKLE_F16, 2},    {"BFloat16Storage", PP_PICKLE_BF16, 2},
        {"LongStorage", PP_PICKLE_OTHER, 8},  {"IntStorage", PP_PICKLE_OTHER, 4},
        {"ShortStorage", PP_PICKLE_OTHER, 2}, {"CharStorage", PP_PICKLE_OTHER, 1},
        {"ByteStorage", PP_PICKLE_OTHER, 1},  {"BoolStorage", PP_PICKLE_OTHER, 1},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!pp_pickle_is(name, length, types[i].name)) continue;
        node->kind = PP_PICKLE_STORAGE_TYPE;
        node->type = types[i].type;
        node->element_bytes = types[i].bytes;
        return 1;
    }
    return 0;
}

pp_status pp_pickle_global(pp_pickle_machine *m)
{
    const char *module, *name;
    size_t module_length, name_length;
    pp_status status = pp_pickle_line(m, &module, &module_length);
    if (status == PP_OK) status = pp_pickle_line(m, &name, &name_length);
    if (status != PP_OK) return status;
    pp_pickle_node node = {0};
    if (pp_pickle_is(module, module_length, "collections") &&
        pp_pickle_is(name, name_length, "OrderedDict")) {
        node.kind = PP_PICKLE_DICT_MAKER;
    } else if (pp_pickle_is(module, module_length, "torch._utils") &&
               pp_pickle_is(name, name_length, "_rebuild_tensor_v2")) {
        node.kind = PP_PICKLE_TENSOR_MAKER;
    } else if (!pp_pickle_is(module, module_length, "torch") ||
               !storage_type(name, name_length, &node)) {
        pp_fail(m->err, PP_ERR_FORMAT, "it names %.*s.%.*s, which is no part of a state dict",
                module_length > 60 ? 60 : (int)module_length, module,
                name_length > 60 ? 60 : (int)name_length, name);
        return pp_advise(m->err, "nothing was run; save the weights alone: "
                                 "torch.save(network.state_dict(), FILE)");
    }
    return pp_pickle_push_new(m, node);
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static pp_status make_dict(pp_pickle_machine *m, uint32_t arguments)
{
    uint32_t dict, pairs = pp_pickle_child(m->out, arguments, 0), cell = 0;
    pp_status status = pp_pickle_new(m, (pp_pickle_node){.kind = PP_PICKLE_DICT}, &dict);
    if (status != PP_OK) return status;
    if (pairs != 0 && pp_pickle_at(m, pairs)->kind != PP_PICKLE_LIST) {
        return pp_pickle_damaged(m, "an OrderedDict of something else than pairs");
    }
    while (pairs != 0 && (cell = pp_pickle_next(m->out, pairs, cell)) != 0) {
        uint32_t pair = m->out->cells[cell].value;
        uint32_t key = pp_pickle_child(m->out, pair, 0), value = pp_pickle_child(m->out, pair, 1);
        if (value == 0) return pp_pickle_damaged(m, "an OrderedDict of something else than pairs");
        status = pp_pickle_append(m, dict, key, value);
        if (status != PP_OK) return status;
    }
    return pp_pickle_push(m, dict);
}

/* _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks) */
static pp_status make_tensor(pp_pickle_machine *m, uint32_t arguments)
{
    static const pp_pickle_kind kinds[] = {PP_PICKLE_STORAGE, PP_PICKLE_INT, PP_PICKLE_TUPLE,
                                           PP_PICKLE_TUPLE};
    uint32_t tensor;
    pp_status status = pp_pickle_new(m, (pp_pickle_node){.kind = PP_PICKLE_TENSOR}, &tensor);
    for (int i = 0; status == PP_OK && i < 4; i++) {
        uint32_t child = pp_pickle_child(m->out, arguments, i);
        if (child == 0 || pp_pickle_at(m, child)->kind != kinds[i]) {
            return pp_pickle_damaged(m, "a tensor's parts are not what they should be");
        }
        status = pp_pickle_append(m, tensor, 0, child);
    }
    return status == PP_OK ? pp_pickle_push(m, tensor) : status;
}

pp_status pp_pickle_call(pp_pickle_machine *m)
{
    uint32_t arguments, maker;
    pp_status status = pp_pickle_pop(m, &arguments);
    if (status == PP_OK) status = pp_pickle_pop(m, &maker);
    if (status != PP_OK) return status;
    if (pp_pickle_at(m, arguments)->kind != PP_PICKLE_TUPLE)
        return pp_pickle_damaged(m, "a call without a tuple");
    if (pp_pickle_at(m, maker)->kind == PP_PICKLE_DICT_MAKER) return make_dict(m, arguments);
    if (pp_pickle_at(m, maker)->kind == PP_PICKLE_TENSOR_MAKER) return make_tensor(m, arguments);
    return pp_pickle_damaged(m, "a call of something that is no function");
}

/* ('storage', torch.FloatStorage, key, place, count[, view]) */
pp_status pp_pickle_storage(pp_pickle_machine *m)
{
    uint32_t id, part[6];
    pp_status status = pp_pickle_pop(m, &id);
    if (status != PP_OK) return status;
    if (pp_pickle_at(m, id)->kind != PP_PICKLE_TUPLE)
        return pp_pickle_damaged(m, "an odd reference to a storage");
    for (int i = 0; i < 6; i++) part[i] = pp_pickle_child(m->out, id, i);
    if (!pp_pickle_text_is(m->out, part[0], "storage") || part[4] == 0 ||
        pp_pickle_at(m, part[1])->kind != PP_PICKLE_STORAGE_TYPE ||
        pp_pickle_at(m, part[2])->kind != PP_PICKLE_TEXT ||
        pp_pickle_at(m, part[4])->kind != PP_PICKLE_INT) {
        return pp_pickle_damaged(m, "an odd reference to a storage");
    }
    if (part[5] != 0 && pp_pickle_at(m, part[5])->kind != PP_PICKLE_NONE) {
        return pp_fail(m->err, PP_ERR_FORMAT, "a storage that is a view of another one");
    }
    pp_pickle_node node = *pp_pickle_at(m, part[1]);
    node.kind = PP_PICKLE_STORAGE;
    node.text = pp_pickle_at(m, part[2])->text;
    node.length = pp_pickle_at(m, part[2])->length;
    node.number = pp_pickle_at(m, part[4])->number;
    return pp_pickle_push_new(m, node);
}

/* ---- walking --------------------------------------------------------------------------------- */

void pp_pickle_clear(pp_pickle *pickle)
{
    pp_free(pickle->nodes);
    pp_free(pickle->cells);
    *pickle = (pp_pickle){0};
}

uint32_t pp_pickle_next(const pp_pickle *pickle, uint32_t node, uint32_t cell)
{
    return cell == 0 ? pickle->nodes[node].first : pickle->cells[cell].next;
}

uint32_t pp_pickle_child(const pp_pickle *pickle, uint32_t node, int index)
{
    pp_pickle_kind kind = pickle->nodes[node].kind;
    if (kind != PP_PICKLE_TUPLE && kind != PP_PICKLE_LIST && kind != PP_PICKLE_TENSOR) return 0;
    uint32_t cell = pickle->nodes[node].first;
    for (int i = 0; i < index && cell != 0; i++) cell = pickle->cells[cell].next;
    return cell == 0 ? 0 : pickle->cells[cell].value;
}

int pp_pickle_text_is(const pp_pickle *pickle, uint32_t node, const char *text)
{
    const pp_pickle_node *n = &pickle->nodes[node];
    return node != 0 && n->kind == PP_PICKLE_TEXT && pp_pickle_is(n->text, n->length, text);
}

uint32_t pp_pickle_lookup(const pp_pickle *pickle, uint32_t node, const char *key)
{
    if (pickle->nodes[node].kind != PP_PICKLE_DICT) return 0;
    for (uint32_t cell = 0; (cell = pp_pickle_next(pickle, node, cell)) != 0;) {
        if (pp_pickle_text_is(pickle, pickle->cells[cell].key, key)) {
            return pickle->cells[cell].value;
        }
    }
    return 0;
}
