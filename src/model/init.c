#include "model/init.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"

/* Mean and deviation of the log magnitudes of ordinary music on the log-frequency grid; bn0's
 * running statistics, so that the first convolution sees about N(0, 1). */
#define INPUT_MEAN (-4.0)
#define INPUT_DEVIATION 3.0

typedef struct maker {
    pp_tensors *list;
    pp_random random;
    pp_error *err;
} maker;

pp_model_options pp_model_published_options(void)
{
    return (pp_model_options){
        .base_width = 64, .levels = 7, .components = 32, .trunk_width = 64, .trunk_blocks = 2};
}

static pp_status add_constant(maker *m, const char *name, int count, double value)
{
    int64_t dims = count;
    pp_tensor *tensor = NULL;
    pp_status status = pp_tensors_add(m->list, name, 1, &dims, 1, &tensor, m->err);
    for (int i = 0; status == PP_OK && i < count; i++) tensor->values[i] = (float)value;
    return status;
}

/* Normal weights of variance gain / fan-in. */
static pp_status add_weight(maker *m, const char *name, int out, int in, int kernel, double gain)
{
    int64_t dims[] = {out, in, kernel, kernel};
    pp_tensor *tensor = NULL;
    pp_status status = pp_tensors_add(m->list, name, 4, dims, 1, &tensor, m->err);
    if (status != PP_OK) return status;
    double deviation = sqrt(gain / ((double)in * kernel * kernel));
    size_t count = pp_tensor_count(tensor);
    for (size_t i = 0; i < count; i++) {
        tensor->values[i] = (float)(deviation * pp_random_normal(&m->random));
    }
    return PP_OK;
}

static pp_status add_norm(maker *m, const char *norm, int channels, double weight, double mean,
                          double variance)
{
    const char *parts[] = {"weight", "bias", "running_mean", "running_var"};
    double values[] = {weight, 0, mean, variance};
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < 4; i++) {
        char name[PP_TENSOR_MOST_NAME];
        snprintf(name, sizeof name, "%.100s.%s", norm, parts[i]);
        status = add_constant(m, name, channels, values[i]);
    }
    return status;
}

/* ---- audio ----------------------------------------------------------------------------------- */

static int unet_width(const pp_model_options *o, int level)
{
    return o->base_width * (level < 3 ? 1 << level : 8);
}

static pp_status add_unet_level(maker *m, const pp_model_options *o, int level)
{
    char prefix[PP_TENSOR_MOST_NAME] = "unet_block.", name[PP_TENSOR_MOST_NAME];
    int outermost = level == 0, innermost = level == o->levels - 1;
    for (int d = 0; d < level; d++) strcat(prefix, d == 0 ? "model.1." : "model.3.");
    int width = unet_width(o, level), in = outermost ? 1 : unet_width(o, level - 1);
    /* Half of the energy passes a ReLU, (1 + 0.2^2) / 2 of it the leaky one. */
    snprintf(name, sizeof name, "%.80smodel.%d.weight", prefix, outermost ? 0 : 1);
    pp_status status = add_weight(m, name, width, in, 4, outermost ? 1 : 2 / 1.04);
    snprintf(name, sizeof name, "%.80smodel.2", prefix);
    if (status == PP_OK && !outermost && !innermost) status = add_norm(m, name, width, 1, 0, 1);
    if (status != PP_OK) return status;

    int child = outermost || innermost ? 4 : 6, out = outermost ? o->components : in;
    snprintf(name, sizeof name, "%.80smodel.%d.weight", prefix, child);
    status = add_weight(m, name, out, innermost ? width : 2 * width, 3, 2);
    if (status == PP_OK && outermost) {
        snprintf(name, sizeof name, "%.80smodel.%d.bias", prefix, child);
        return add_constant(m, name, out, 0);
    }
    snprintf(name, sizeof name, "%.80smodel.%d", prefix, child + 1);
    return status == PP_OK ? add_norm(m, name, out, 1, 0, 1) : status;
}

static pp_status make_unet(maker *m, const pp_model_options *o)
{
    pp_status status = add_norm(m, "bn0", 1, 1, INPUT_MEAN, INPUT_DEVIATION * INPUT_DEVIATION);
    for (int level = 0; status == PP_OK && level < o->levels; level++) {
        status = add_unet_level(m, o, level);
    }
    return status;
}

/* ---- video ----------------------------------------------------------------------------------- */

static pp_status add_conv(maker *m, const char *block, const char *conv, const char *norm, int out,
                          int in, int kernel, double norm_weight)
{
    char name[PP_TENSOR_MOST_NAME];
    snprintf(name, sizeof name, "%.80s%s.weight", block, conv);
    pp_status status = add_weight(m, name, out, in, kernel, 2);
    snprintf(name, sizeof name, "%.80s%s", block, norm);
    return status == PP_OK ? add_norm(m, name, out, norm_weight, 0, 1) : status;
}

static pp_status add_block(maker *m, int layer, int block, int in, int out)
{
    char name[32];
    snprintf(name, sizeof name, "features.%d.%d.", 4 + layer, block);
    pp_status status = add_conv(m, name, "conv1", "bn1", out, in, 3, 1);
    /* The sum with the shortcut would double the energy in every block: half as loud, it grows by
     * a quarter. */
    if (status == PP_OK) status = add_conv(m, name, "conv2", "bn2", out, out, 3, 0.5);
    if (status == PP_OK && block == 0 && layer > 0) {
        status = add_conv(m, name, "downsample.0", "downsample.1", out, in, 1, 0.7);
    }
    return status;
}

static pp_status make_trunk(maker *m, const pp_model_options *o)
{
    int width = o->trunk_width;
    pp_status status = add_weight(m, "features.0.weight", width, 3, 7, 1);
    if (status == PP_OK) status = add_norm(m, "features.1", width, 1, 0, 1);
    for (int layer = 0; layer < 4; layer++) {
        int out = o->trunk_width << layer;
        for (int block = 0; status == PP_OK && block < o->trunk_blocks; block++) {
            status = add_block(m, layer, block, width, out);
            width = out;
        }
    }
    if (status == PP_OK) status = add_weight(m, "fc.weight", o->components, width, 3, 1);
    return status == PP_OK ? add_constant(m, "fc.bias", o->components, 0) : status;
}

/* ---- synthesizer ----------------------------------------------------------------------------- */

static pp_status make_synthesizer(maker *m, const pp_model_options *o)
{
    /* Vectors lie in (0, 1), maps vary by about 1: logits that vary by about 1 all the same. */
    double c = o->constant_mask, scale = c > 0 ? 0 : 2 / sqrt((double)o->components);
    pp_status status = add_constant(m, "bias", 1, c > 0 ? log(c / (1 - c)) : 0);
    if (status == PP_OK && !o->bias_only) status = add_constant(m, "scale", o->components, scale);
    return status;
}

static pp_status check_options(const pp_model_options *o, pp_error *err)
{
    if (o->base_width < 1 || o->base_width > 1024 || o->levels < 2 || o->levels > 8 ||
        o->components < 1 || o->components > 4096 || o->trunk_width < 1 || o->trunk_width > 1024 ||
        o->trunk_blocks < 1 || o->trunk_blocks > 16) {
        return pp_fail(err, PP_ERR_USAGE, "a width, depth or number of components out of range");
    }
    if (o->constant_mask != 0 &&
        (!(o->constant_mask > 0 && o->constant_mask < 1) || o->bias_only)) {
        return pp_fail(err, PP_ERR_USAGE, "a constant mask lies between 0 and 1 and needs `scale`");
    }
    return PP_OK;
}

pp_status pp_model_file_init(pp_model_file *file, const pp_model_options *options, pp_error *err)
{
    pp_status (*const make[PP_NETWORKS])(maker *, const pp_model_options *) = {
        make_unet, make_trunk, make_synthesizer};
    pp_status status = check_options(options, err);
    for (int id = 0; status == PP_OK && id < PP_NETWORKS; id++) {
        maker m = {.list = &file->networks[id], .err = err};
        pp_random_seed(&m.random, options->seed, (uint64_t)id);
        status = make[id](&m, options);
        if (status == PP_OK) status = pp_tensors_sort(m.list, err);
    }
    if (status != PP_OK) return status;
    file->identity.untrained = 1;
    snprintf(file->identity.name, sizeof file->identity.name, "untrained-%llu",
             (unsigned long long)options->seed);
    return pp_model_file_complete(file, err);
}
