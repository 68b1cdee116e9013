#include "train/net.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/head.h"
#include "train/pool.h"

struct pp_train_net {
    pp_train_shape shape;
    pp_train_params *params;
    pp_train_unet *unet;
    pp_train_trunk *trunk; /* NULL without pictures */
    pp_train_head head;
    int head_weight, head_bias, scale, bias, labels; /* tensors; -1: none */
    /* one column a mask, masks counted over the batch */
    float *vectors, *d_vectors; /* [masks, K] after and by the sigmoid */
    float *pooled, *d_pooled;   /* [clips, K] */
    int32_t *place;             /* [clips, K] */
    const float *features;      /* [clips, pictures, grid, grid, K]: the trunk's; borrowed */
    float *d_features;          /* likewise */
    float *logits;              /* [masks of one mix][rows, frames] */
    float *head_scratch;
};

static int most_masks(const pp_train_shape *s)
{
    return s->sources * ((s->pictures > 0) + (s->labels > 0));
}

static int most_clips(const pp_train_shape *s)
{
    return s->batch * (s->sources + s->extra_clips + s->mosaics);
}

static pp_status check_shape(const pp_train_shape *s, pp_error *err)
{
    if (s->batch < 1 || s->sources < 1 || s->sources > PP_TRAIN_MOST_SOURCES) {
        return pp_fail(err, PP_ERR_USAGE, "a batch has 1 or more mixes of 1 to %d sources",
                       PP_TRAIN_MOST_SOURCES);
    }
    if (s->pictures < 1 && s->labels < 1) {
        return pp_fail(err, PP_ERR_USAGE, "sources are asked for by picture or label: neither is");
    }
    const int shown = s->extra_clips + s->mosaics;
    if (s->extra_clips < 0 || s->mosaics < 0 || (shown > 0 && (s->pictures < 1 || s->labels < 1))) {
        return pp_fail(err, PP_ERR_USAGE, "pictures are drawn to labels: there must be both");
    }
    if (s->mosaics > 0 && (s->pool_average || s->picture_size < 2 * PP_TRAIN_CELL)) {
        return pp_fail(err, PP_ERR_USAGE,
                       "mosaics need pictures of %d or more, pooled by their maximum",
                       2 * PP_TRAIN_CELL);
    }
    return s->components >= 1 && s->base >= 1
               ? PP_OK
               : pp_fail(err, PP_ERR_USAGE, "components and base width are at least 1");
}

/* Order of the flat array: the backward pass goes from its end to its start. */
static pp_status add_parts(pp_train_net *net, pp_error *err)
{
    const pp_train_shape *s = &net->shape;
    const pp_train_trunk_shape trunk = {
        s->picture_size,
        s->trunk_width,
        {s->trunk_blocks[0], s->trunk_blocks[1], s->trunk_blocks[2], s->trunk_blocks[3]},
        s->components,
        most_clips(s) * s->pictures};
    const pp_train_unet_shape unet = {s->rows,   s->frames,     s->base,
                                      s->levels, s->components, s->batch};
    const int k = s->components, one = 1, labels[] = {s->labels, k};
    pp_status status = PP_OK;
    if (s->pictures > 0) status = pp_train_trunk_create(&net->trunk, &trunk, net->params, err);
    if (status == PP_OK && s->labels > 0) {
        status =
            pp_train_params_add(net->params, PP_TRAIN_LABELS, PP_TRAIN_GROUP_HEAD, PP_TRAIN_FLAT,
                                PP_TRAIN_VECTOR, 2, labels, &net->labels, err, "labels.weight");
    }
    if (status == PP_OK) status = pp_train_unet_create(&net->unet, &unet, net->params, err);
    if (status == PP_OK && s->linear) {
        status =
            pp_train_params_add(net->params, PP_TRAIN_SYNTHESIZER, PP_TRAIN_GROUP_HEAD,
                                PP_TRAIN_FLAT, PP_TRAIN_SCALE, 1, &k, &net->scale, err, "scale");
    }
    if (status == PP_OK) {
        status =
            pp_train_params_add(net->params, PP_TRAIN_SYNTHESIZER, PP_TRAIN_GROUP_HEAD,
                                PP_TRAIN_FLAT, PP_TRAIN_BIAS, 1, &one, &net->bias, err, "bias");
    }
    if (status != PP_OK) return status;
    pp_train_unet_head(net->unet, &net->head_weight, &net->head_bias);
    return pp_train_params_allocate(net->params, err);
}

static pp_status make_room(pp_train_net *net, pp_error *err)
{
    const pp_train_shape *s = &net->shape;
    pp_status status = pp_train_head_create(&net->head, s->rows / 2, s->frames / 2, 2 * s->base,
                                            s->components, most_masks(s), err);
    if (status != PP_OK) return status;
    const size_t k = (size_t)s->components, masks = (size_t)(s->batch * most_masks(s));
    const size_t clips = (size_t)most_clips(s);
    const size_t grid = net->trunk != NULL ? (size_t)pp_train_trunk_grid(net->trunk) : 0;
    net->vectors = pp_alloc(masks * k, sizeof(float));
    net->d_vectors = pp_alloc(masks * k, sizeof(float));
    net->pooled = pp_alloc(clips * k, sizeof(float));
    net->d_pooled = pp_alloc(clips * k, sizeof(float));
    net->place = pp_alloc(clips * k, sizeof(int32_t));
    net->d_features = pp_alloc(clips * (size_t)s->pictures * grid * grid * k, sizeof(float));
    net->logits = pp_alloc((size_t)most_masks(s) * (size_t)(s->rows * s->frames), sizeof(float));
    net->head_scratch = pp_alloc(pp_train_head_scratch(&net->head), sizeof(float));
    if (net->vectors == NULL || net->d_vectors == NULL || net->pooled == NULL ||
        net->d_pooled == NULL || net->place == NULL || net->d_features == NULL ||
        net->logits == NULL || net->head_scratch == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for the networks");
    }
    return PP_OK;
}

pp_status pp_train_net_create(pp_train_net **out, const pp_train_shape *shape, pp_error *err)
{
    *out = NULL;
    pp_status status = check_shape(shape, err);
    if (status != PP_OK) return status;
    pp_train_net *net = pp_alloc(1, sizeof *net);
    if (net == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the networks");
    net->shape = *shape;
    net->scale = net->labels = -1;
    status = pp_train_params_create(&net->params, err);
    if (status == PP_OK) status = add_parts(net, err);
    if (status == PP_OK) status = make_room(net, err);
    if (status != PP_OK) {
        pp_train_net_destroy(&net);
        return status;
    }
    *out = net;
    return PP_OK;
}

void pp_train_net_destroy(pp_train_net **net)
{
    if (net == NULL || *net == NULL) return;
    pp_train_net *n = *net;
    pp_train_unet_destroy(&n->unet);
    pp_train_trunk_destroy(&n->trunk);
    pp_train_head_destroy(&n->head);
    pp_train_params_destroy(&n->params);
    pp_free(n->vectors), pp_free(n->d_vectors), pp_free(n->pooled), pp_free(n->d_pooled);
    pp_free(n->place), pp_free(n->d_features), pp_free(n->logits), pp_free(n->head_scratch);
    PP_FREE(*net);
}

const pp_train_shape *pp_train_net_shape(const pp_train_net *net)
{
    return &net->shape;
}

pp_train_params *pp_train_net_params(pp_train_net *net)
{
    return net->params;
}

int pp_train_net_grid(const pp_train_net *net)
{
    return net->trunk != NULL ? pp_train_trunk_grid(net->trunk) : 0;
}

const float *pp_train_net_vectors(const pp_train_net *net)
{
    return net->vectors;
}

/* One mask that the batch asks for. */
typedef struct asked {
    int source;
    int clip, label; /* one of them is -1 */
} asked;

/* The masks of one mix: the picture's before the label's. */
static int list_masks(const pp_train_batch *batch, int mix, asked list[2 * PP_TRAIN_MOST_SOURCES])
{
    int count = 0;
    for (int n = 0; n < batch->sources; n++) {
        const int clip = batch->clip != NULL ? batch->clip[mix * batch->sources + n] : -1;
        const int label = batch->label != NULL ? batch->label[mix * batch->sources + n] : -1;
        if (clip >= 0) list[count++] = (asked){n, clip, -1};
        if (label >= 0) list[count++] = (asked){n, -1, label};
    }
    return count;
}

static pp_status count_masks(const pp_train_net *net, const pp_train_batch *batch, int *masks,
                             pp_error *err)
{
    const pp_train_shape *s = &net->shape;
    if (batch->mixes < 1 || batch->mixes > s->batch || batch->sources < 1 ||
        batch->sources > s->sources || batch->clips > most_clips(s) ||
        batch->extra + batch->mosaics > batch->clips) {
        return pp_fail(err, PP_ERR_INTERNAL, "a batch larger than the networks were made for");
    }
    *masks = 0;
    for (int mix = 0; mix < batch->mixes; mix++) {
        asked list[2 * PP_TRAIN_MOST_SOURCES];
        const int count = list_masks(batch, mix, list);
        for (int m = 0; m < count; m++) {
            if (list[m].clip >= batch->clips || list[m].label >= s->labels) {
                return pp_fail(err, PP_ERR_INTERNAL, "a batch names a clip or label it lacks");
            }
        }
        *masks += count;
    }
    return *masks > 0 ? PP_OK : pp_fail(err, PP_ERR_INTERNAL, "a batch asks for no mask");
}

/* A rank without pictures in its batch still takes part in the others' sums. */
static int runs_trunk(const pp_train_net *net, const pp_train_batch *batch,
                      const pp_train_hooks *hooks)
{
    return net->trunk != NULL && (batch->clips > 0 || hooks->sum != NULL);
}

/* Pooled features of all clips, then the vectors of all masks after the sigmoid. */
static void find_vectors(pp_train_net *net, const pp_train_batch *batch, int training,
                         const pp_train_hooks *hooks)
{
    const int k = net->shape.components;
    if (runs_trunk(net, batch, hooks)) {
        const int grid = pp_train_trunk_grid(net->trunk);
        pp_train_trunk_forward(net->trunk, batch->pictures, batch->clips * net->shape.pictures,
                               training, hooks, &net->features);
        pp_train_clip_pool(net->shape.pool_average, batch->clips, net->shape.pictures * grid * grid,
                           k, net->features, net->pooled, net->place);
    }
    float *vector = net->vectors;
    for (int mix = 0; mix < batch->mixes; mix++) {
        asked list[2 * PP_TRAIN_MOST_SOURCES];
        const int count = list_masks(batch, mix, list);
        for (int m = 0; m < count; m++, vector += k) {
            const float *from = list[m].clip >= 0 ? net->pooled + (long)list[m].clip * k
                                                  : pp_train_value(net->params, net->labels) +
                                                        (long)list[m].label * k;
            pp_train_sigmoid(from, k, vector);
        }
    }
}

static pp_train_head_weights head_weights(const pp_train_net *net,
                                          float *get(const pp_train_params *, int))
{
    pp_train_head_weights w = {get(net->params, net->head_weight), get(net->params, net->head_bias),
                               net->scale >= 0 ? get(net->params, net->scale) : NULL,
                               get(net->params, net->bias)};
    return w;
}

/* What the masks of one mix are computed from and compared with. */
typedef struct mix_view {
    int masks;
    asked list[2 * PP_TRAIN_MOST_SOURCES];
    const float *x, *vectors, *weight, *target;
    long bins;
} mix_view;

static mix_view view_mix(const pp_train_net *net, const pp_train_batch *batch, int mix,
                         const float *top, long masks_before)
{
    const pp_train_shape *s = &net->shape;
    mix_view v;
    v.bins = (long)s->rows * s->frames;
    v.masks = list_masks(batch, mix, v.list);
    v.x = top + (long)mix * (v.bins / 4) * 2 * s->base;
    v.vectors = net->vectors + masks_before * s->components;
    v.weight = batch->weight + (long)mix * v.bins;
    v.target = batch->target + (long)mix * batch->sources * v.bins;
    return v;
}

/* The outermost up step, synthesizer and loss of every mix, forward and backward. */
static double step_heads(pp_train_net *net, const pp_train_batch *batch, int masks,
                         pp_train_loss loss, const float *top)
{
    const pp_train_head_weights weights = head_weights(net, pp_train_value);
    const pp_train_head_weights gradients = head_weights(net, pp_train_gradient);
    float *d_top = pp_train_unet_d_top(net->unet);
    double sum = 0;
    long before = 0;
    for (int mix = 0; mix < batch->mixes; mix++) {
        const mix_view v = view_mix(net, batch, mix, top, before);
        const double all = (double)masks * (double)v.bins;
        pp_train_head_forward(&net->head, &weights, v.x, v.vectors, v.masks, net->logits,
                              net->head_scratch);
        for (int m = 0; m < v.masks; m++) {
            float *z = net->logits + m * v.bins;
            sum += pp_train_mask_loss(loss, z, v.target + v.list[m].source * v.bins, v.weight,
                                      v.bins, (float)(1 / all), z);
        }
        pp_train_head_backward(&net->head, &weights, v.x, v.vectors, v.masks, net->logits,
                               d_top + (v.x - top), net->d_vectors + before * net->shape.components,
                               &gradients, net->head_scratch);
        before += v.masks;
    }
    return sum / ((double)masks * net->shape.rows * net->shape.frames);
}

/* Through the sigmoids to the label vectors and the pooled features. */
static void back_vectors(pp_train_net *net, const pp_train_batch *batch)
{
    const int k = net->shape.components;
    const float *vector = net->vectors;
    const float *d = net->d_vectors;
    memset(net->d_pooled, 0, sizeof(float) * (size_t)batch->clips * (size_t)k);
    for (int mix = 0; mix < batch->mixes; mix++) {
        asked list[2 * PP_TRAIN_MOST_SOURCES];
        const int count = list_masks(batch, mix, list);
        for (int m = 0; m < count; m++, vector += k, d += k) {
            float *to = list[m].clip >= 0
                            ? net->d_pooled + (long)list[m].clip * k
                            : pp_train_gradient(net->params, net->labels) + (long)list[m].label * k;
            for (int i = 0; i < k; i++) to[i] += d[i] * vector[i] * (1 - vector[i]);
        }
    }
}

/* Kullback-Leibler divergence of two coins that show heads with these probabilities. */
static double divergence(double wanted, double is)
{
    const double least = 1e-12;
    double heads = wanted > least ? wanted * log(wanted / (is > least ? is : least)) : 0;
    double tails = 1 - wanted > least
                       ? (1 - wanted) * log((1 - wanted) / (1 - is > least ? 1 - is : least))
                       : 0;
    return heads + tails;
}

/* From one pooled feature towards a label's: adds to its gradient; returns the divergence. */
static double draw(float pooled, float wanted, float each, float *gradient)
{
    float is, goal;
    pp_train_sigmoid(&pooled, 1, &is);
    pp_train_sigmoid(&wanted, 1, &goal);
    *gradient += each * (is - goal);
    return divergence(goal, is);
}

/* Adds the gradient for one clip to d_pooled; returns its divergences. */
static double draw_clip(pp_train_net *net, int clip, int label, float each)
{
    const int k = net->shape.components;
    const float *wanted = pp_train_value(net->params, net->labels) + (long)label * k;
    double sum = 0;
    for (long i = 0; i < k; i++) {
        sum += draw(net->pooled[clip * k + i], wanted[i], each, &net->d_pooled[clip * k + i]);
    }
    return sum;
}

/* The largest of feature i in one tile of a clip's pictures: its place among the features. */
static long largest_in_tile(const pp_train_net *net, int clip, const pp_train_tile *tile, int i)
{
    const int grid = pp_train_trunk_grid(net->trunk), k = net->shape.components;
    long best = -1;
    for (int p = 0; p < net->shape.pictures; p++) {
        for (int row = tile->top; row < tile->top + tile->side; row++) {
            for (int column = tile->left; column < tile->left + tile->side; column++) {
                const long picture = (long)clip * net->shape.pictures + p;
                const long at = ((picture * grid + row) * grid + column) * k + i;
                if (best < 0 || net->features[at] > net->features[best]) best = at;
            }
        }
    }
    return best;
}

/* Adds the gradients of all mosaics to d_features; returns their part of the loss. */
static double draw_mosaics(pp_train_net *net, const pp_train_batch *batch, int masks)
{
    const int k = net->shape.components;
    const float each = batch->picture_to_label / (PP_TRAIN_TILES * (float)masks * (float)k);
    double sum = 0;
    for (int e = 0; e < PP_TRAIN_TILES * batch->mosaics; e++) {
        const int clip = batch->clips - batch->mosaics + e / PP_TRAIN_TILES;
        const pp_train_tile *tile = &batch->tiles[e];
        if (tile->label < 0) continue;
        const float *wanted = pp_train_value(net->params, net->labels) + (long)tile->label * k;
        for (int i = 0; i < k; i++) {
            const long at = largest_in_tile(net, clip, tile, i);
            sum += draw(net->features[at], wanted[i], each, &net->d_features[at]);
        }
    }
    return sum * each;
}

/* The term of picture_to_label: added to d_pooled; returns its part of the loss. */
static double draw_to_labels(pp_train_net *net, const pp_train_batch *batch, int masks)
{
    const float each = batch->picture_to_label / ((float)masks * (float)net->shape.components);
    double sum = 0;
    if (!(each > 0)) return 0;
    for (int mix = 0; mix < batch->mixes; mix++) {
        asked list[2 * PP_TRAIN_MOST_SOURCES];
        const int count = list_masks(batch, mix, list);
        for (int m = 0; m + 1 < count; m++) {
            const int both = list[m].clip >= 0 && list[m + 1].source == list[m].source;
            if (both) sum += draw_clip(net, list[m].clip, list[m + 1].label, each);
        }
    }
    const int first = batch->clips - batch->mosaics - batch->extra;
    for (int e = 0; e < batch->extra; e++) {
        sum += draw_clip(net, first + e, batch->extra_label[e], each);
    }
    return sum * each;
}

/* The term of nobody: that mask's logit is the bias in every bin. */
static double silence_nobody(pp_train_net *net, const pp_train_batch *batch)
{
    if (!(batch->nobody > 0)) return 0;
    const float bias = pp_train_value(net->params, net->bias)[0];
    float mask;
    pp_train_sigmoid(&bias, 1, &mask);
    pp_train_gradient(net->params, net->bias)[0] += batch->nobody * mask;
    return batch->nobody * (bias > 0 ? bias + log1p(exp(-(double)bias)) : log1p(exp(bias)));
}

static void report(const pp_train_hooks *hooks, size_t first, size_t end)
{
    if (hooks->gradient_ready != NULL) hooks->gradient_ready(hooks->user, first, end - first);
}

/* Returns what the mosaics add to the loss. */
static double back_trunk(pp_train_net *net, const pp_train_batch *batch, int masks,
                         const pp_train_hooks *hooks)
{
    const int grid = pp_train_trunk_grid(net->trunk);
    pp_train_clip_pool_backward(net->shape.pool_average, batch->clips,
                                net->shape.pictures * grid * grid, net->shape.components,
                                net->d_pooled, net->place, net->d_features);
    const double loss = draw_mosaics(net, batch, masks);
    pp_train_trunk_backward(net->trunk, net->d_features, hooks);
    return loss;
}

pp_status pp_train_net_step(pp_train_net *net, const pp_train_batch *batch, pp_train_loss loss,
                            const pp_train_hooks *hooks, double *mean_loss, pp_error *err)
{
    const pp_train_params *p = net->params;
    int masks;
    pp_status status = count_masks(net, batch, &masks, err);
    if (status != PP_OK) return status;
    memset(p->gradients, 0, sizeof(float) * p->trained);
    const float *top;
    find_vectors(net, batch, 1, hooks);
    pp_train_unet_forward(net->unet, batch->sound, batch->mixes, 1, hooks, &top);
    *mean_loss = step_heads(net, batch, masks, loss, top);
    *mean_loss += silence_nobody(net, batch);
    report(hooks, p->tensors[net->head_weight].offset, p->trained);
    pp_train_unet_backward(net->unet, batch->sound, batch->mixes, hooks);
    back_vectors(net, batch);
    *mean_loss += draw_to_labels(net, batch, masks);
    const pp_train_tensor *labels = net->labels >= 0 ? &p->tensors[net->labels] : NULL;
    if (labels != NULL) report(hooks, labels->offset, labels->offset + labels->count);
    if (runs_trunk(net, batch, hooks)) {
        *mean_loss += back_trunk(net, batch, masks, hooks);
    } else if (net->trunk != NULL) { /* then there are labels; the trunk's gradients are zero */
        report(hooks, 0, labels != NULL ? labels->offset : 0);
    }
    return PP_OK;
}

pp_status pp_train_net_evaluate(pp_train_net *net, const pp_train_batch *batch, pp_train_loss loss,
                                float *masks_out, double *mean_loss, pp_error *err)
{
    const pp_train_hooks none = {0};
    const pp_train_head_weights weights = head_weights(net, pp_train_value);
    int masks;
    pp_status status = count_masks(net, batch, &masks, err);
    if (status != PP_OK) return status;
    const float *top;
    find_vectors(net, batch, 0, &none);
    pp_train_unet_forward(net->unet, batch->sound, batch->mixes, 0, &none, &top);
    double sum = 0;
    long before = 0;
    for (int mix = 0; mix < batch->mixes; mix++) {
        const mix_view v = view_mix(net, batch, mix, top, before);
        pp_train_head_forward(&net->head, &weights, v.x, v.vectors, v.masks, net->logits,
                              net->head_scratch);
        for (int m = 0; m < v.masks; m++) {
            const float *z = net->logits + m * v.bins;
            sum += pp_train_mask_loss(loss, z, v.target + v.list[m].source * v.bins, v.weight,
                                      v.bins, 1, NULL);
            if (masks_out == NULL) continue;
            pp_train_sigmoid(z, v.bins, masks_out + (before + m) * v.bins);
        }
        before += v.masks;
    }
    *mean_loss = sum / ((double)masks * net->shape.rows * net->shape.frames);
    return PP_OK;
}
