#include "train/trunk.h"

#include <stdio.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "train/conv.h"
#include "train/pool.h"

#define MOST_BLOCKS (PP_TRAIN_LAYERS * PP_TRAIN_MOST_BLOCKS)

/* A convolution and the BatchNorm behind it; z is what the convolution gives. */
typedef struct unit {
    pp_train_conv conv;
    int weight;
    pp_train_norm_layer norm;
    float *z;
} unit;

/*   x --first--> ReLU (middle) --second--> + --> ReLU (out)
 *   +--------- nothing, or shortcut -------+                */
typedef struct block {
    unit first, second, shortcut;
    int has_shortcut;
    float *middle, *out;
} block;

struct pp_train_trunk {
    pp_train_trunk_shape shape;
    pp_train_params *params;
    unit stem;
    float *stem_out, *pooled;
    uint8_t *place;
    int pooled_size; /* rows and columns behind the max-pool */
    block blocks[MOST_BLOCKS];
    int block_count;
    pp_train_conv fc;
    int fc_weight, fc_bias;
    float *features;
    float *d[3]; /* gradients, each as large as the largest tensor */
    float *scratch;
    size_t largest, scratch_floats; /* while building */
    const float *pictures;          /* of the last forward pass; borrowed */
    int count;
};

static pp_status take(pp_train_trunk *trunk, float **out, int size, int channels, pp_error *err)
{
    const size_t floats =
        (size_t)trunk->shape.batch * (size_t)size * (size_t)size * (size_t)channels;
    trunk->largest = floats > trunk->largest ? floats : trunk->largest;
    *out = pp_alloc(floats, sizeof(float));
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for the video network");
}

static pp_status add_unit(pp_train_trunk *trunk, unit *u, pp_train_conv conv, const char *conv_name,
                          const char *norm_name, pp_error *err)
{
    const int dims[] = {conv.out_channels, conv.in_channels, conv.kernel, conv.kernel};
    u->conv = conv;
    const size_t need = pp_train_conv_scratch(&conv);
    trunk->scratch_floats = need > trunk->scratch_floats ? need : trunk->scratch_floats;
    pp_status status =
        pp_train_params_add(trunk->params, PP_TRAIN_FRAME, PP_TRAIN_GROUP_TRUNK, PP_TRAIN_CONV,
                            PP_TRAIN_WEIGHT, 4, dims, &u->weight, err, "%s.weight", conv_name);
    if (status == PP_OK) {
        status = pp_train_norm_layer_add(&u->norm, trunk->params, PP_TRAIN_FRAME,
                                         PP_TRAIN_GROUP_TRUNK, conv.out_channels, norm_name, err);
    }
    if (status == PP_OK) status = take(trunk, &u->z, conv.out_height, conv.out_channels, err);
    return status;
}

/* Block number `number` of layer 1 .. 4 on pictures of `size`; the first of layers 2 and 3 strides,
 * that of layer 4 only widens, and its other 3x3 are dilated. */
static pp_status add_block(pp_train_trunk *trunk, int layer, int number, int size, int in,
                           pp_error *err)
{
    block *b = &trunk->blocks[trunk->block_count++];
    const int out = trunk->shape.width << (layer - 1), opens = number == 0 && layer > 1;
    const int stride = opens && layer < PP_TRAIN_LAYERS ? 2 : 1;
    const int dilation1 = layer == PP_TRAIN_LAYERS && number > 0 ? 2 : 1;
    const int dilation2 = layer == PP_TRAIN_LAYERS ? 2 : 1;
    const int inner = (size + stride - 1) / stride;
    char names[6][PP_TRAIN_NAME];
    static const char *const endings[] = {"conv1", "bn1",          "conv2",
                                          "bn2",   "downsample.0", "downsample.1"};
    for (int i = 0; i < 6; i++) {
        snprintf(names[i], sizeof names[i], "features.%d.%d.%s", layer + 3, number, endings[i]);
    }
    b->has_shortcut = opens;
    pp_status status = add_unit(
        trunk, &b->first, pp_train_conv_make(size, size, in, out, 3, stride, dilation1, dilation1),
        names[0], names[1], err);
    if (status == PP_OK) {
        status = add_unit(trunk, &b->second,
                          pp_train_conv_make(inner, inner, out, out, 3, 1, dilation2, dilation2),
                          names[2], names[3], err);
    }
    if (status == PP_OK && opens) {
        status =
            add_unit(trunk, &b->shortcut, pp_train_conv_make(size, size, in, out, 1, stride, 0, 1),
                     names[4], names[5], err);
    }
    if (status == PP_OK) status = take(trunk, &b->middle, inner, out, err);
    if (status == PP_OK) status = take(trunk, &b->out, inner, out, err);
    return status;
}

static pp_status add_stem(pp_train_trunk *trunk, pp_error *err)
{
    const int size = trunk->shape.picture_size, width = trunk->shape.width;
    pp_status status =
        add_unit(trunk, &trunk->stem, pp_train_conv_make(size, size, 3, width, 7, 2, 3, 1),
                 "features.0", "features.1", err);
    if (status != PP_OK) return status;
    const int half = trunk->stem.conv.out_height;
    trunk->pooled_size = (half + 1) / 2;
    const size_t pooled = (size_t)trunk->shape.batch * (size_t)trunk->pooled_size *
                          (size_t)trunk->pooled_size * (size_t)width;
    status = take(trunk, &trunk->stem_out, half, width, err);
    if (status == PP_OK) status = take(trunk, &trunk->pooled, trunk->pooled_size, width, err);
    trunk->place = pp_alloc(pooled, 1);
    if (status == PP_OK && trunk->place == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for the video network");
    }
    return status;
}

static pp_status add_fc(pp_train_trunk *trunk, int size, int in, pp_error *err)
{
    const int k = trunk->shape.components, dims[] = {k, in, 3, 3};
    trunk->fc = pp_train_conv_make(size, size, in, k, 3, 1, 1, 1);
    const size_t need = pp_train_conv_scratch(&trunk->fc);
    trunk->scratch_floats = need > trunk->scratch_floats ? need : trunk->scratch_floats;
    pp_status status =
        pp_train_params_add(trunk->params, PP_TRAIN_FRAME, PP_TRAIN_GROUP_HEAD, PP_TRAIN_CONV,
                            PP_TRAIN_WEIGHT, 4, dims, &trunk->fc_weight, err, "fc.weight");
    if (status == PP_OK) {
        status =
            pp_train_params_add(trunk->params, PP_TRAIN_FRAME, PP_TRAIN_GROUP_HEAD, PP_TRAIN_FLAT,
                                PP_TRAIN_BIAS, 1, &k, &trunk->fc_bias, err, "fc.bias");
    }
    return status == PP_OK ? take(trunk, &trunk->features, size, k, err) : status;
}

static pp_status build(pp_train_trunk *trunk, pp_error *err)
{
    pp_status status = add_stem(trunk, err);
    int size = trunk->pooled_size, channels = trunk->shape.width;
    for (int layer = 1; layer <= PP_TRAIN_LAYERS; layer++) {
        for (int n = 0; n < trunk->shape.blocks[layer - 1] && status == PP_OK; n++) {
            status = add_block(trunk, layer, n, size, channels, err);
            if (status != PP_OK) return status;
            const block *b = &trunk->blocks[trunk->block_count - 1];
            size = b->second.conv.out_height;
            channels = b->second.conv.out_channels;
        }
    }
    if (status == PP_OK) status = add_fc(trunk, size, channels, err);
    for (int i = 0; i < 3 && status == PP_OK; i++) {
        trunk->d[i] = pp_alloc(trunk->largest, sizeof(float));
        if (trunk->d[i] == NULL) {
            status = pp_fail(err, PP_ERR_NOMEM, "no memory for the video network");
        }
    }
    trunk->scratch = pp_alloc(trunk->scratch_floats, sizeof(float));
    if (status == PP_OK && trunk->scratch == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for the video network");
    }
    return status;
}

pp_status pp_train_trunk_create(pp_train_trunk **out, const pp_train_trunk_shape *shape,
                                pp_train_params *params, pp_error *err)
{
    *out = NULL;
    for (int i = 0; i < PP_TRAIN_LAYERS; i++) {
        if (shape->blocks[i] >= 1 && shape->blocks[i] <= PP_TRAIN_MOST_BLOCKS) continue;
        return pp_fail(err, PP_ERR_USAGE, "a layer of the video network has 1 to %d blocks, not %d",
                       PP_TRAIN_MOST_BLOCKS, shape->blocks[i]);
    }
    pp_train_trunk *trunk = pp_alloc(1, sizeof *trunk);
    if (trunk == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the video network");
    trunk->shape = *shape;
    trunk->params = params;
    pp_status status = build(trunk, err);
    if (status != PP_OK) {
        pp_train_trunk_destroy(&trunk);
        return status;
    }
    *out = trunk;
    return PP_OK;
}

static void free_unit(unit *u)
{
    pp_train_norm_layer_free(&u->norm);
    PP_FREE(u->z);
}

void pp_train_trunk_destroy(pp_train_trunk **trunk)
{
    if (trunk == NULL || *trunk == NULL) return;
    pp_train_trunk *t = *trunk;
    free_unit(&t->stem);
    for (int i = 0; i < MOST_BLOCKS; i++) {
        block *b = &t->blocks[i];
        free_unit(&b->first), free_unit(&b->second), free_unit(&b->shortcut);
        pp_free(b->middle), pp_free(b->out);
    }
    pp_free(t->stem_out), pp_free(t->pooled), pp_free(t->place), pp_free(t->features);
    for (int i = 0; i < 3; i++) pp_free(t->d[i]);
    pp_free(t->scratch);
    PP_FREE(*trunk);
}

int pp_train_trunk_grid(const pp_train_trunk *trunk)
{
    return trunk->fc.out_height;
}

static long pixels_of(const pp_train_trunk *trunk, const unit *u)
{
    return (long)trunk->count * u->conv.out_height * u->conv.out_width;
}

static void unit_forward(pp_train_trunk *trunk, unit *u, const float *x, int training,
                         const pp_train_hooks *hooks)
{
    pp_train_conv_forward(&u->conv, trunk->count, x, pp_train_value(trunk->params, u->weight), NULL,
                          u->z, trunk->scratch);
    pp_train_norm_layer_forward(&u->norm, trunk->params, u->z, pixels_of(trunk, u), training,
                                hooks);
}

/* y = (slope 0: ReLU of; 1: just) the unit's normalised z. */
static void unit_rectify(const pp_train_trunk *trunk, const unit *u, float slope, float *y)
{
    pp_train_rectify(u->z, pixels_of(trunk, u), u->conv.out_channels, u->norm.map.scale,
                     u->norm.map.offset, slope, y, u->conv.out_channels);
}

/* sum = ReLU(sum + other). */
PP_CLONES static void add_and_rectify(float *restrict sum, const float *other, long count)
{
    for (long i = 0; i < count; i++) {
        const float x = sum[i] + other[i];
        sum[i] = x > 0 ? x : 0;
    }
}

/* Needs d[0] as room: the normalised shortcut, where there is one. */
static void block_forward(pp_train_trunk *trunk, block *b, const float *x, int training,
                          const pp_train_hooks *hooks)
{
    unit_forward(trunk, &b->first, x, training, hooks);
    unit_rectify(trunk, &b->first, 0, b->middle);
    unit_forward(trunk, &b->second, b->middle, training, hooks);
    unit_rectify(trunk, &b->second, 1, b->out);
    if (b->has_shortcut) {
        unit_forward(trunk, &b->shortcut, x, training, hooks);
        unit_rectify(trunk, &b->shortcut, 1, trunk->d[0]);
        x = trunk->d[0];
    }
    add_and_rectify(b->out, x, pixels_of(trunk, &b->second) * b->second.conv.out_channels);
}

void pp_train_trunk_forward(pp_train_trunk *trunk, const float *pictures, int count, int training,
                            const pp_train_hooks *hooks, const float **features)
{
    trunk->pictures = pictures;
    trunk->count = count;
    unit_forward(trunk, &trunk->stem, pictures, training, hooks);
    unit_rectify(trunk, &trunk->stem, 0, trunk->stem_out);
    pp_train_maxpool(count, trunk->stem.conv.out_height, trunk->stem.conv.out_width,
                     trunk->shape.width, trunk->stem_out, trunk->pooled, trunk->place);
    const float *x = trunk->pooled;
    for (int i = 0; i < trunk->block_count; i++) {
        block_forward(trunk, &trunk->blocks[i], x, training, hooks);
        x = trunk->blocks[i].out;
    }
    pp_train_conv_forward(&trunk->fc, count, x, pp_train_value(trunk->params, trunk->fc_weight),
                          pp_train_value(trunk->params, trunk->fc_bias), trunk->features,
                          trunk->scratch);
    *features = trunk->features;
}

static void report(const pp_train_trunk *trunk, const pp_train_hooks *hooks, int first, int last)
{
    if (hooks->gradient_ready == NULL) return;
    const pp_train_tensor *from = &trunk->params->tensors[first];
    const pp_train_tensor *end = &trunk->params->tensors[last];
    hooks->gradient_ready(hooks->user, from->offset, end->offset + end->count - from->offset);
}

/* From the gradient of the normalised z (in dz, overwritten) to that of x. */
static void unit_backward(pp_train_trunk *trunk, unit *u, const float *x, float *dz, float *dx,
                          const pp_train_hooks *hooks)
{
    pp_train_norm_layer_backward(&u->norm, trunk->params, u->z, dz, pixels_of(trunk, u), 0, hooks);
    pp_train_conv_backward(&u->conv, trunk->count, x, pp_train_value(trunk->params, u->weight), dz,
                           dx, pp_train_gradient(trunk->params, u->weight), NULL, trunk->scratch);
    report(trunk, hooks, u->weight, u->norm.bias);
}

PP_CLONES static void relu_backward(const float *y, float *restrict d, float *restrict copy,
                                    long count)
{
    for (long i = 0; i < count; i++) {
        const float g = y[i] > 0 ? d[i] : 0;
        d[i] = g;
        copy[i] = g;
    }
}

PP_CLONES static void add_to(float *restrict sum, const float *other, long count)
{
    for (long i = 0; i < count; i++) sum[i] += other[i];
}

/* From d[0], the gradient of the block's result, to d[0], that of its input x. The shortcut stands
 * last among the tensors, so it goes first. */
static void block_backward(pp_train_trunk *trunk, block *b, const float *x,
                           const pp_train_hooks *hooks)
{
    float **d = trunk->d;
    const long out = pixels_of(trunk, &b->second) * b->second.conv.out_channels;
    const long in =
        (long)trunk->count * b->first.conv.height * b->first.conv.width * b->first.conv.in_channels;
    relu_backward(b->out, d[0], d[1], out); /* d[1]: the second unit's share, d[0]: x's */
    if (b->has_shortcut) {
        unit_backward(trunk, &b->shortcut, x, d[0], d[2], hooks);
        float *swap = d[0];
        d[0] = d[2];
        d[2] = swap;
    }
    unit_backward(trunk, &b->second, b->middle, d[1], d[2], hooks);
    pp_train_rectify_backward(b->first.z, pixels_of(trunk, &b->first), b->first.conv.out_channels,
                              b->first.norm.map.scale, b->first.norm.map.offset, 0, NULL, 0, d[2],
                              b->first.conv.out_channels, d[2]);
    unit_backward(trunk, &b->first, x, d[2], d[1], hooks);
    add_to(d[0], d[1], in);
}

void pp_train_trunk_backward(pp_train_trunk *trunk, const float *d_features,
                             const pp_train_hooks *hooks)
{
    const int last = trunk->block_count - 1;
    pp_train_conv_backward(&trunk->fc, trunk->count, trunk->blocks[last].out,
                           pp_train_value(trunk->params, trunk->fc_weight), d_features, trunk->d[0],
                           pp_train_gradient(trunk->params, trunk->fc_weight),
                           pp_train_gradient(trunk->params, trunk->fc_bias), trunk->scratch);
    report(trunk, hooks, trunk->fc_weight, trunk->fc_bias);
    for (int i = last; i >= 0; i--) {
        block_backward(trunk, &trunk->blocks[i], i > 0 ? trunk->blocks[i - 1].out : trunk->pooled,
                       hooks);
    }
    const unit *stem = &trunk->stem;
    pp_train_maxpool_backward(trunk->count, stem->conv.out_height, stem->conv.out_width,
                              trunk->shape.width, trunk->d[0], trunk->place, trunk->d[1]);
    pp_train_rectify_backward(stem->z, pixels_of(trunk, stem), stem->conv.out_channels,
                              stem->norm.map.scale, stem->norm.map.offset, 0, NULL, 0, trunk->d[1],
                              stem->conv.out_channels, trunk->d[1]);
    pp_train_norm_layer_backward(&trunk->stem.norm, trunk->params, stem->z, trunk->d[1],
                                 pixels_of(trunk, stem), 0, hooks);
    pp_train_conv_backward(&stem->conv, trunk->count, trunk->pictures,
                           pp_train_value(trunk->params, stem->weight), trunk->d[1], NULL,
                           pp_train_gradient(trunk->params, stem->weight), NULL, trunk->scratch);
    report(trunk, hooks, stem->weight, stem->norm.bias);
}
