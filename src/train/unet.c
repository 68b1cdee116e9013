#include "train/unet.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "train/conv.h"
#include "train/upstep.h"

#define LEAKY_SLOPE 0.2F

/*      input --bn0--> x0 --down 0--> z0 --rectifiers--> leaky 0 --down 1--> z1 --BN, rectifiers-->
 * ... |                                      |
 *                                     +--ReLU--> top 0 [skip | up] --head    +--ReLU--> top 1 [skip
 * | up] ^                                |
 *                                                       +---ReLU, BN--- zu 1 <--up 1-----+
 *
 * `top d` is what the up step of level d reads: ReLU of the skip (first) and of the result of
 * level d + 1. The innermost level has no deeper one: its top is the ReLU of z alone. */
typedef struct level {
    int channels, height, width; /* of z, after this level's down convolution */
    pp_train_conv down;
    pp_train_upstep up; /* not of level 0 */
    int down_weight, up_weight;
    pp_train_norm_layer down_norm, up_norm; /* of levels in between; of all but level 0 */
    float *z, *leaky, *top, *zu;
    float *d_top;
} level;

struct pp_train_unet {
    pp_train_unet_shape shape;
    pp_train_params *params;
    level levels[PP_TRAIN_MOST_LEVELS];
    pp_train_norm_layer bn0;
    int head_weight, head_bias;
    float *x0;       /* the normalised input */
    float *d[2];     /* gradients on their way down; each as large as the largest leaky or x0 */
    float *identity; /* [2][channels]: scale 1, offset 0, for levels without BatchNorm */
    float *scratch;
};

static int has_down_norm(const pp_train_unet *unet, int d)
{
    return d > 0 && d < unet->shape.levels - 1;
}

static long pixels_of(const level *l, int count)
{
    return (long)count * l->height * l->width;
}

/* Channels of a level's top: skip and up path, but for the innermost. */
static int top_channels(const pp_train_unet *unet, int d)
{
    return unet->levels[d].channels * (d < unet->shape.levels - 1 ? 2 : 1);
}

/* "unet_block.model.3.model.3.": the block of level d in the published nesting. */
static void block_name(int d, char *name, size_t room)
{
    size_t used = (size_t)snprintf(name, room, "unet_block.");
    for (int i = 0; i <= d && used < room; i++) {
        used += (size_t)snprintf(name + used, room - used, "model.%s",
                                 i == d ? "" : (i == 0 ? "1." : "3."));
    }
}

static pp_status add_conv(pp_train_unet *unet, int out, int in, int kernel, const char *block,
                          int place, int *index, pp_error *err)
{
    const int dims[] = {out, in, kernel, kernel};
    return pp_train_params_add(unet->params, PP_TRAIN_SOUND, PP_TRAIN_GROUP_SOUND,
                               kernel == 4 ? PP_TRAIN_CONV : PP_TRAIN_UP, PP_TRAIN_WEIGHT, 4, dims,
                               index, err, "%s%d.weight", block, place);
}

static pp_status add_norm(pp_train_unet *unet, pp_train_norm_layer *layer, int channels,
                          const char *block, int place, pp_error *err)
{
    char name[PP_TRAIN_NAME + 16];
    snprintf(name, sizeof name, "%s%d", block, place);
    return pp_train_norm_layer_add(layer, unet->params, PP_TRAIN_SOUND, PP_TRAIN_GROUP_SOUND,
                                   channels, name, err);
}

/* Tensors in the order in which the backward pass finishes them, backwards: the input side first.
 */
static pp_status add_down(pp_train_unet *unet, int d, pp_error *err)
{
    level *l = &unet->levels[d];
    char block[PP_TRAIN_NAME];
    block_name(d, block, sizeof block);
    const int in = d == 0 ? 1 : unet->levels[d - 1].channels;
    pp_status status =
        add_conv(unet, l->channels, in, 4, block, d == 0 ? 0 : 1, &l->down_weight, err);
    if (status == PP_OK && has_down_norm(unet, d)) {
        status = add_norm(unet, &l->down_norm, l->channels, block, 2, err);
    }
    return status;
}

static pp_status add_up(pp_train_unet *unet, int d, pp_error *err)
{
    level *l = &unet->levels[d];
    char block[PP_TRAIN_NAME];
    block_name(d, block, sizeof block);
    const int place = d == 0 || d == unet->shape.levels - 1 ? 4 : 6;
    const int out = d == 0 ? unet->shape.components : unet->levels[d - 1].channels;
    pp_status status = add_conv(unet, out, top_channels(unet, d), 3, block, place,
                                d == 0 ? &unet->head_weight : &l->up_weight, err);
    if (status != PP_OK) return status;
    if (d > 0) return add_norm(unet, &l->up_norm, out, block, place + 1, err);
    return pp_train_params_add(unet->params, PP_TRAIN_SOUND, PP_TRAIN_GROUP_SOUND, PP_TRAIN_FLAT,
                               PP_TRAIN_BIAS, 1, &out, &unet->head_bias, err, "%s%d.bias", block,
                               place);
}

static pp_status add_tensors(pp_train_unet *unet, pp_error *err)
{
    pp_status status = pp_train_norm_layer_add(&unet->bn0, unet->params, PP_TRAIN_SOUND,
                                               PP_TRAIN_GROUP_SOUND, 1, "bn0", err);
    for (int d = 0; d < unet->shape.levels && status == PP_OK; d++) {
        status = add_down(unet, d, err);
    }
    for (int d = unet->shape.levels - 1; d >= 0 && status == PP_OK; d--) {
        status = add_up(unet, d, err);
    }
    return status;
}

static pp_status make_level(pp_train_unet *unet, int d, size_t *scratch, pp_error *err)
{
    const pp_train_unet_shape *s = &unet->shape;
    level *l = &unet->levels[d];
    const level *before = d > 0 ? l - 1 : NULL;
    l->channels = s->base << (d < 3 ? d : 3);
    l->height = s->rows >> (d + 1);
    l->width = s->frames >> (d + 1);
    l->down = pp_train_conv_make(2 * l->height, 2 * l->width, d == 0 ? 1 : before->channels,
                                 l->channels, 4, 2, 1, 1);
    const size_t need = pp_train_conv_scratch(&l->down);
    *scratch = need > *scratch ? need : *scratch;
    const size_t pixels = (size_t)s->batch * (size_t)l->height * (size_t)l->width;
    const size_t size = pixels * (size_t)l->channels, top = pixels * (size_t)top_channels(unet, d);
    l->z = pp_alloc(size, sizeof(float));
    l->top = pp_alloc(top, sizeof(float));
    l->d_top = pp_alloc(top, sizeof(float));
    int missing = l->z == NULL || l->top == NULL || l->d_top == NULL;
    if (d < s->levels - 1) {
        l->leaky = pp_alloc(size, sizeof(float));
        missing |= l->leaky == NULL;
    }
    if (missing) return pp_fail(err, PP_ERR_NOMEM, "no memory for the audio network");
    if (d == 0) return PP_OK;
    l->zu = pp_alloc(pixels * 4 * (size_t)before->channels, sizeof(float));
    if (l->zu == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the audio network");
    pp_status status = pp_train_upstep_create(&l->up, l->height, l->width, top_channels(unet, d),
                                              before->channels, err);
    if (status != PP_OK) return status;
    const size_t up = pp_train_upstep_scratch(&l->up);
    *scratch = up > *scratch ? up : *scratch;
    return PP_OK;
}

static pp_status check_shape(const pp_train_unet_shape *s, pp_error *err)
{
    if (s->levels < PP_TRAIN_LEAST_LEVELS || s->levels > PP_TRAIN_MOST_LEVELS) {
        return pp_fail(err, PP_ERR_USAGE, "the U-Net has %d to %d levels, not %d",
                       PP_TRAIN_LEAST_LEVELS, PP_TRAIN_MOST_LEVELS, s->levels);
    }
    const int unit = 1 << s->levels;
    if (s->rows < unit || s->frames < unit || s->rows % unit != 0 || s->frames % unit != 0) {
        return pp_fail(err, PP_ERR_USAGE,
                       "a U-Net of %d levels takes windows divisible by %d, not %d rows of %d "
                       "frames",
                       s->levels, unit, s->rows, s->frames);
    }
    return PP_OK;
}

pp_status pp_train_unet_create(pp_train_unet **out, const pp_train_unet_shape *shape,
                               pp_train_params *params, pp_error *err)
{
    *out = NULL;
    pp_status status = check_shape(shape, err);
    if (status != PP_OK) return status;
    pp_train_unet *unet = pp_alloc(1, sizeof *unet);
    if (unet == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the audio network");
    unet->shape = *shape;
    unet->params = params;
    size_t scratch = 0;
    for (int d = 0; d < shape->levels && status == PP_OK; d++) {
        status = make_level(unet, d, &scratch, err);
    }
    if (status == PP_OK) status = add_tensors(unet, err);
    const size_t input = (size_t)shape->batch * (size_t)(shape->rows * shape->frames);
    const size_t widest = (size_t)shape->base * 8;
    const size_t largest = shape->base >= 4 ? input / 4 * (size_t)shape->base : input;
    unet->x0 = pp_alloc(input, sizeof(float));
    unet->d[0] = pp_alloc(largest, sizeof(float));
    unet->d[1] = pp_alloc(largest, sizeof(float));
    unet->identity = pp_alloc(2 * widest, sizeof(float));
    unet->scratch = pp_alloc(scratch, sizeof(float));
    if (status == PP_OK && (unet->x0 == NULL || unet->d[0] == NULL || unet->d[1] == NULL ||
                            unet->identity == NULL || unet->scratch == NULL)) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for the audio network");
    }
    if (status != PP_OK) {
        pp_train_unet_destroy(&unet);
        return status;
    }
    for (size_t i = 0; i < widest; i++) unet->identity[i] = 1;
    *out = unet;
    return PP_OK;
}

void pp_train_unet_destroy(pp_train_unet **unet)
{
    if (unet == NULL || *unet == NULL) return;
    pp_train_unet *u = *unet;
    for (int d = 0; d < PP_TRAIN_MOST_LEVELS; d++) {
        level *l = &u->levels[d];
        pp_free(l->z), pp_free(l->leaky), pp_free(l->top), pp_free(l->zu), pp_free(l->d_top);
        pp_train_norm_layer_free(&l->down_norm);
        pp_train_norm_layer_free(&l->up_norm);
        pp_train_upstep_destroy(&l->up);
    }
    pp_train_norm_layer_free(&u->bn0);
    pp_free(u->x0), pp_free(u->d[0]), pp_free(u->d[1]), pp_free(u->identity), pp_free(u->scratch);
    PP_FREE(*unet);
}

void pp_train_unet_head(const pp_train_unet *unet, int *weight, int *bias)
{
    *weight = unet->head_weight;
    *bias = unet->head_bias;
}

float *pp_train_unet_d_top(pp_train_unet *unet)
{
    return unet->levels[0].d_top;
}

/* Scale and offset of a level's down path: its BatchNorm's, or none. */
static void down_map(const pp_train_unet *unet, int d, const float **scale, const float **offset)
{
    const level *l = &unet->levels[d];
    *scale = has_down_norm(unet, d) ? l->down_norm.map.scale : unet->identity;
    *offset = has_down_norm(unet, d) ? l->down_norm.map.offset
                                     : unet->identity + (size_t)unet->shape.base * 8;
}

static void go_down(pp_train_unet *unet, int d, int count, int training,
                    const pp_train_hooks *hooks)
{
    level *l = &unet->levels[d];
    const long pixels = pixels_of(l, count);
    const float *scale, *offset, *input = d == 0 ? unet->x0 : unet->levels[d - 1].leaky;
    pp_train_conv_forward(&l->down, count, input, pp_train_value(unet->params, l->down_weight),
                          NULL, l->z, unet->scratch);
    if (has_down_norm(unet, d)) {
        pp_train_norm_layer_forward(&l->down_norm, unet->params, l->z, pixels, training, hooks);
    }
    down_map(unet, d, &scale, &offset);
    pp_train_rectify(l->z, pixels, l->channels, scale, offset, 0, l->top, top_channels(unet, d));
    if (l->leaky == NULL) return;
    pp_train_rectify(l->z, pixels, l->channels, scale, offset, LEAKY_SLOPE, l->leaky, l->channels);
}

static void go_up(pp_train_unet *unet, int d, int count, int training, const pp_train_hooks *hooks)
{
    level *l = &unet->levels[d];
    const level *to = l - 1;
    const long pixels = pixels_of(to, count);
    pp_train_upstep_forward(&l->up, count, l->top, pp_train_value(unet->params, l->up_weight),
                            l->zu, unet->scratch);
    pp_train_norm_layer_forward(&l->up_norm, unet->params, l->zu, pixels, training, hooks);
    pp_train_rectify(l->zu, pixels, to->channels, l->up_norm.map.scale, l->up_norm.map.offset, 0,
                     to->top + to->channels, 2 * to->channels);
}

void pp_train_unet_forward(pp_train_unet *unet, const float *input, int count, int training,
                           const pp_train_hooks *hooks, const float **top)
{
    const long bins = (long)count * unet->shape.rows * unet->shape.frames;
    pp_train_norm_layer_forward(&unet->bn0, unet->params, input, bins, training, hooks);
    pp_train_rectify(input, bins, 1, unet->bn0.map.scale, unet->bn0.map.offset, 1, unet->x0, 1);
    for (int d = 0; d < unet->shape.levels; d++) go_down(unet, d, count, training, hooks);
    for (int d = unet->shape.levels - 1; d > 0; d--) go_up(unet, d, count, training, hooks);
    *top = unet->levels[0].top;
}

/* The gradients from tensor `index` to the end of `last` are final. */
static void report(const pp_train_unet *unet, const pp_train_hooks *hooks, int index, int last)
{
    if (hooks->gradient_ready == NULL) return;
    const pp_train_tensor *first = &unet->params->tensors[index];
    const pp_train_tensor *end = &unet->params->tensors[last];
    hooks->gradient_ready(hooks->user, first->offset, end->offset + end->count - first->offset);
}

/* From the gradient of top d - 1 to that of top d. */
static void back_up(pp_train_unet *unet, int d, int count, const pp_train_hooks *hooks)
{
    level *l = &unet->levels[d];
    const level *to = l - 1;
    const long pixels = pixels_of(to, count);
    float *dz = unet->d[0];
    pp_train_rectify_backward(l->zu, pixels, to->channels, l->up_norm.map.scale,
                              l->up_norm.map.offset, 0, NULL, 0, to->d_top + to->channels,
                              2 * to->channels, dz);
    pp_train_norm_layer_backward(&l->up_norm, unet->params, l->zu, dz, pixels, 0, hooks);
    pp_train_upstep_backward(&l->up, count, l->top, pp_train_value(unet->params, l->up_weight), dz,
                             l->d_top, pp_train_gradient(unet->params, l->up_weight),
                             unet->scratch);
    report(unet, hooks, l->up_weight, l->up_norm.bias);
}

/* From the gradients of leaky d (in `d_leaky`, NULL for the innermost) and of top d to that of
 * leaky d - 1, or of the normalised input. */
static void back_down(pp_train_unet *unet, int d, int count, const float *d_leaky, float *dz,
                      float *dx, const pp_train_hooks *hooks)
{
    level *l = &unet->levels[d];
    const long pixels = pixels_of(l, count);
    const float *scale, *offset, *input = d == 0 ? unet->x0 : unet->levels[d - 1].leaky;
    down_map(unet, d, &scale, &offset);
    pp_train_rectify_backward(l->z, pixels, l->channels, scale, offset, LEAKY_SLOPE, d_leaky,
                              l->channels, l->d_top, top_channels(unet, d), dz);
    if (has_down_norm(unet, d)) {
        pp_train_norm_layer_backward(&l->down_norm, unet->params, l->z, dz, pixels, 0, hooks);
    }
    pp_train_conv_backward(&l->down, count, input, pp_train_value(unet->params, l->down_weight), dz,
                           dx, pp_train_gradient(unet->params, l->down_weight), NULL,
                           unet->scratch);
    report(unet, hooks, l->down_weight,
           has_down_norm(unet, d) ? l->down_norm.bias : l->down_weight);
}

void pp_train_unet_backward(pp_train_unet *unet, const float *input, int count,
                            const pp_train_hooks *hooks)
{
    const int levels = unet->shape.levels;
    for (int d = 1; d < levels; d++) back_up(unet, d, count, hooks);
    float *d_leaky = unet->d[0], *dx = unet->d[1];
    for (int d = levels - 1; d >= 0; d--) {
        back_down(unet, d, count, d == levels - 1 ? NULL : d_leaky, d_leaky, dx, hooks);
        float *swap = d_leaky;
        d_leaky = dx;
        dx = swap;
    }
    const long bins = (long)count * unet->shape.rows * unet->shape.frames;
    pp_train_norm_layer_backward(&unet->bn0, unet->params, input, d_leaky, bins, 1, hooks);
    report(unet, hooks, unet->bn0.weight, unet->bn0.bias);
}
