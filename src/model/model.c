#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/file.h"
#include "model/inside.h"
#include "model/packed.h"
#include "nn/blas.h"
#include "nn/sigmoid.h"

enum { SOURCES_AT_ONCE = 196 }; /* rows of coefficients a scratch holds: the pixels of a window */

struct pp_model {
    pp_model_shape shape;
    pp_model_identity identity;
    const pp_kernels *kernels;
    char kernels_text[80];
    pp_network sound, frame;
    pp_plan *sound_plan, *frame_plan;
    pp_packed packed;
    size_t frame_at; /* bytes from the payload's start to the video network's weights */
    float sound_scale, sound_shift;
    float *synthesizer_scale; /* [K] */
    float synthesizer_bias;
    pp_classes classes;
    pp_labeller labeller;
};

struct pp_model_scratch {
    int batch;
    void *work;          /* of whichever network or product runs */
    float *coefficients; /* [SOURCES_AT_ONCE, K] */
    float *constants;    /* [SOURCES_AT_ONCE] */
};

/* ---- opening --------------------------------------------------------------------------------- */

/* What packing needs: the model being built and its open file. */
typedef struct packing {
    pp_model *model;
    pp_model_file *file;
    pp_h5 *h5;
} packing;

static pp_status load_names(const packing *p, pp_network_id id, char names[6][PP_TENSOR_MOST_NAME],
                            int count, pp_error *err)
{
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < count; i++) {
        pp_tensor *tensor = pp_tensors_find(&p->file->networks[id], names[i]);
        if (tensor->values == NULL) status = pp_model_file_load(p->h5, id, tensor, err);
    }
    return status;
}

static pp_status pack_op(const packing *p, pp_network_id id, int op, void *packed, pp_error *err)
{
    const pp_model *m = p->model;
    const pp_network *network = id == PP_NET_SOUND ? &m->sound : &m->frame;
    const pp_plan *plan = id == PP_NET_SOUND ? m->sound_plan : m->frame_plan;
    const pp_op *o = &network->graph->ops[op];
    pp_tensors *tensors = &p->file->networks[id];
    char names[6][PP_TENSOR_MOST_NAME];
    int count = pp_network_names(network, op, names);
    if (count == 0) return PP_OK;
    float *weight = NULL, *bias = NULL;
    pp_status status = load_names(p, id, names, count, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&weight, pp_op_weights(o), sizeof *weight,
                                  "folded weights", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&bias, (size_t)o->out.channels, sizeof *bias,
                                  "folded weights", err);
    }
    if (status == PP_OK) {
        pp_network_fold(network, op, tensors, weight, bias);
        m->kernels->pack(plan, op, weight, bias, packed);
    }
    /* One layer's weights at a time in private memory, whatever the size of the model. */
    for (int i = 0; i < count; i++) PP_FREE(pp_tensors_find(tensors, names[i])->values);
    pp_free(weight);
    pp_free(bias);
    return status;
}

static pp_status pack_all(void *user, void *payload, pp_error *err)
{
    const packing *p = user;
    const pp_model *m = p->model;
    pp_status status = pp_model_file_verify(p->file, p->h5, err);
    for (size_t op = 0; status == PP_OK && op < m->sound.graph->op_count; op++) {
        status = pack_op(p, PP_NET_SOUND, (int)op, payload, err);
    }
    for (size_t op = 0; status == PP_OK && op < m->frame.graph->op_count; op++) {
        status = pack_op(p, PP_NET_FRAME, (int)op, (char *)payload + m->frame_at, err);
    }
    return status;
}

/* Names the packed bytes: both networks' weights, the set and its version. The synthesizer is not
 * in them: models that differ in it alone share the file. */
static void packed_key(const pp_model *m, pp_packed_key *key)
{
    char text[3 * PP_HASH_HEX];
    int length = snprintf(text, sizeof text, "%s\n%s\n%s %d\n", m->identity.sound_digest,
                          m->identity.frame_digest, m->kernels->name, m->kernels->version);
    pp_hash_bytes(text, (size_t)length, key->digest);
    snprintf(key->label, sizeof key->label, "%s-%d", m->kernels->name, m->kernels->version);
    key->payload_bytes = m->frame_at + m->kernels->packed_bytes(m->frame_plan);
}

static pp_status make_plans(pp_model *m, const pp_model_file *file, pp_error *err)
{
    pp_status status = pp_model_file_networks(file, &m->sound, &m->frame, err);
    if (status == PP_OK) status = m->kernels->plan_create(&m->sound_plan, m->sound.graph, err);
    if (status == PP_OK) status = m->kernels->plan_create(&m->frame_plan, m->frame.graph, err);
    if (status == PP_OK) m->frame_at = pp_align_up(m->kernels->packed_bytes(m->sound_plan));
    return status;
}

static pp_status load_small_tensors(pp_model *m, pp_model_file *file, pp_h5 *h5, pp_error *err)
{
    static const char *const norm[] = {"bn0.weight", "bn0.bias", "bn0.running_mean",
                                       "bn0.running_var"};
    pp_tensors *sound = &file->networks[PP_NET_SOUND];
    pp_tensors *synthesizer = &file->networks[PP_NET_SYNTHESIZER];
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < 4; i++) {
        status = pp_model_file_load(h5, PP_NET_SOUND, pp_tensors_find(sound, norm[i]), err);
    }
    for (size_t i = 0; status == PP_OK && i < synthesizer->count; i++) {
        status = pp_model_file_load(h5, PP_NET_SYNTHESIZER, &synthesizer->items[i], err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&m->synthesizer_scale, (size_t)m->shape.components,
                                  sizeof(float), "the synthesizer", err);
    }
    if (status != PP_OK) return status;
    pp_network_norm(sound, "bn0", &m->sound_scale, &m->sound_shift);
    const pp_tensor *scale = pp_tensors_find(synthesizer, "scale");
    for (int k = 0; k < m->shape.components; k++) {
        m->synthesizer_scale[k] = scale != NULL ? scale->values[k] : 1;
    }
    m->synthesizer_bias = pp_tensors_find(synthesizer, "bias")->values[0];
    return PP_OK;
}

static pp_status choose_kernels(pp_model *m, const char *name, pp_error *err)
{
    pp_status status = pp_kernels_find(&m->kernels, name, err);
    if (status != PP_OK) return status;
    if (m->kernels->uses_blas && strcmp(pp_blas_core(), "none") == 0) {
        return pp_fail(err, PP_ERR_INTERNAL, "pp_blas_load comes before pp_model_open");
    }
    snprintf(m->kernels_text, sizeof m->kernels_text, "%s%s%s", m->kernels->name,
             m->kernels->uses_blas ? "/" : "", m->kernels->uses_blas ? pp_blas_core() : "");
    return PP_OK;
}

static pp_status build(pp_model *m, pp_h5 *h5, const char *kernels, const char *local_folder,
                       pp_error *err)
{
    pp_model_file file = {0};
    pp_packed_key key;
    packing p = {m, &file, h5};
    pp_status status = pp_model_file_read(&file, h5, 0, err);
    m->shape = file.shape;
    m->identity = file.identity;
    if (status == PP_OK) status = choose_kernels(m, kernels, err);
    if (status == PP_OK) status = load_small_tensors(m, &file, h5, err);
    if (status == PP_OK) status = make_plans(m, &file, err);
    if (status == PP_OK) {
        packed_key(m, &key);
        status = pp_packed_open(&m->packed, &key, local_folder, pack_all, &p, err);
    }
    if (status == PP_OK && file.classes != NULL) {
        status = pp_classes_parse(&m->classes, file.classes, m->shape.components, err);
    }
    m->labeller = file.labeller;
    file.labeller = (pp_labeller){0};
    pp_model_file_clear(&file);
    return status;
}

pp_status pp_model_open(pp_model **out, const char *path, const char *kernels,
                        const char *local_folder, pp_error *err)
{
    pp_model *model = NULL;
    pp_h5 *h5 = NULL;
    pp_status status = pp_alloc_checked((void **)&model, 1, sizeof *model, "a model", err);
    if (status == PP_OK) status = pp_h5_open(&h5, pp_fileops_system(), path, err);
    if (status == PP_OK) status = build(model, h5, kernels, local_folder, err);
    pp_h5_close(&h5);
    if (status != PP_OK) pp_model_close(&model);
    else *out = model;
    return status;
}

void pp_model_close(pp_model **model)
{
    if (model == NULL || *model == NULL) return;
    pp_model *m = *model;
    if (m->kernels != NULL) {
        m->kernels->plan_destroy(&m->sound_plan);
        m->kernels->plan_destroy(&m->frame_plan);
    }
    pp_packed_close(&m->packed);
    pp_network_clear(&m->sound);
    pp_network_clear(&m->frame);
    pp_free(m->synthesizer_scale);
    pp_classes_free(&m->classes);
    pp_labeller_clear(&m->labeller);
    PP_FREE(*model);
}

const pp_model_shape *pp_model_get_shape(const pp_model *model)
{
    return &model->shape;
}

const pp_model_identity *pp_model_get_identity(const pp_model *model)
{
    return &model->identity;
}

const char *pp_model_kernels(const pp_model *model)
{
    return model->kernels_text;
}

const float *pp_model_scale(const pp_model *model)
{
    return model->synthesizer_scale;
}

const pp_classes *pp_model_classes(const pp_model *model)
{
    return &model->classes;
}

const pp_labeller *pp_model_labeller(const pp_model *model)
{
    return model->labeller.classes > 0 ? &model->labeller : NULL;
}

pp_model_inside pp_model_look_inside(const pp_model *model)
{
    return (pp_model_inside){model->kernels, model->sound.graph, model->frame.graph,
                             model->sound_plan, model->frame_plan};
}

/* ---- running --------------------------------------------------------------------------------- */

static size_t bins_of(const pp_model *model)
{
    return (size_t)model->shape.log_rows * model->shape.window_frames;
}

static size_t work_bytes(const pp_model *m, int batch)
{
    size_t sizes[] = {m->kernels->scratch_bytes(m->sound_plan, batch),
                      m->kernels->scratch_bytes(m->frame_plan, batch),
                      m->kernels->mix_scratch_bytes(m->shape.components, (int)bins_of(m))};
    size_t most = 0;
    for (int i = 0; i < 3; i++) most = sizes[i] > most ? sizes[i] : most;
    return most;
}

pp_status pp_model_scratch_create(pp_model_scratch **out, const pp_model *model, int batch,
                                  pp_error *err)
{
    if (batch < 1) return pp_fail(err, PP_ERR_INTERNAL, "a batch of %d", batch);
    pp_model_scratch *s = NULL;
    size_t components = (size_t)model->shape.components;
    pp_status status = pp_alloc_checked((void **)&s, 1, sizeof *s, "the networks' workspace", err);
    if (status == PP_OK) {
        status =
            pp_alloc_checked(&s->work, work_bytes(model, batch), 1, "the networks' workspace", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&s->coefficients, SOURCES_AT_ONCE * components,
                                  sizeof(float), "the networks' workspace", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&s->constants, SOURCES_AT_ONCE, sizeof(float),
                                  "the networks' workspace", err);
    }
    if (status != PP_OK) {
        pp_model_scratch_destroy(&s);
        return status;
    }
    s->batch = batch;
    *out = s;
    return PP_OK;
}

void pp_model_scratch_destroy(pp_model_scratch **scratch)
{
    if (scratch == NULL || *scratch == NULL) return;
    pp_free((*scratch)->work);
    pp_free((*scratch)->coefficients);
    pp_free((*scratch)->constants);
    PP_FREE(*scratch);
}

void pp_model_listen_profiled(const pp_model *m, pp_model_scratch *scratch, const float *input,
                              int n, float *maps, pp_profile *profile)
{
    pp_net_input in = {input, NULL, &m->sound_scale, &m->sound_shift};
    m->kernels->run(m->sound_plan, m->packed.payload, scratch->work, &in, n, maps, profile);
}

void pp_model_listen(const pp_model *model, pp_model_scratch *scratch, const float *input, int n,
                     float *maps)
{
    pp_model_listen_profiled(model, scratch, input, n, maps, NULL);
}

static const void *frame_weights(const pp_model *m)
{
    return (const char *)m->packed.payload + m->frame_at;
}

void pp_model_see_profiled(const pp_model *m, pp_model_scratch *scratch, const uint8_t *rgb, int n,
                           float *features, pp_profile *profile)
{
    /* (x / 255 - mean) / deviation, ImageNet's: NETWORKS.md, "The three networks". */
    static const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    float scale[3], shift[3];
    for (int c = 0; c < 3; c++) {
        scale[c] = (float)(1 / (255 * deviation[c]));
        shift[c] = (float)(-mean[c] / deviation[c]);
    }
    pp_net_input in = {NULL, rgb, scale, shift};
    m->kernels->run(m->frame_plan, frame_weights(m), scratch->work, &in, n, features, profile);
}

void pp_model_see(const pp_model *model, pp_model_scratch *scratch, const uint8_t *rgb, int n,
                  float *features)
{
    pp_model_see_profiled(model, scratch, rgb, n, features, NULL);
}

void pp_model_see_normalised(const pp_model *m, pp_model_scratch *scratch, const float *pictures,
                             int n, float *features)
{
    static const float scale[] = {1, 1, 1}, shift[] = {0, 0, 0};
    pp_net_input in = {pictures, NULL, scale, shift};
    m->kernels->run(m->frame_plan, frame_weights(m), scratch->work, &in, n, features, NULL);
}

void pp_model_pool(const pp_model *model, const float *features, int frames, float *pooled)
{
    int components = model->shape.components, pixels = model->shape.grid * model->shape.grid;
    for (int k = 0; k < components; k++) {
        double sum = 0;
        float largest = -INFINITY;
        for (int t = 0; t < frames; t++) {
            const float *plane = features + ((size_t)t * components + k) * pixels;
            for (int i = 0; i < pixels; i++) {
                sum += plane[i];
                largest = plane[i] > largest ? plane[i] : largest;
            }
        }
        pooled[k] = model->shape.pool_average ? (float)(sum / ((double)frames * pixels)) : largest;
    }
}

void pp_model_activate(const float *activations, size_t count, float *vectors)
{
    for (size_t i = 0; i < count; i++) vectors[i] = pp_sigmoid(activations[i]);
}

/* ---- masks ----------------------------------------------------------------------------------- */

void pp_model_quantise(const pp_model *model, const float *maps, pp_quantised_maps *out)
{
    size_t bins = bins_of(model);
    for (int k = 0; k < model->shape.components; k++) {
        pp_quantise(maps + k * bins, bins, out->codes + k * bins, &out->scale[k], &out->offset[k]);
    }
}

/* The mixture for `sources` <= SOURCES_AT_ONCE vectors: the synthesizer's scale and bias, and the
 * 8-bit maps' scales and offsets, become its coefficients and constants. */
static pp_mix mixture(const pp_model *m, pp_model_scratch *scratch, const float *maps,
                      const pp_quantised_maps *codes, const float *vectors, int sources)
{
    int components = m->shape.components;
    for (int p = 0; p < sources; p++) {
        double constant = m->synthesizer_bias;
        for (int k = 0; k < components; k++) {
            double c = (double)vectors[p * components + k] * m->synthesizer_scale[k];
            if (codes != NULL) {
                constant += c * codes->offset[k];
                c *= codes->scale[k];
            }
            scratch->coefficients[p * components + k] = (float)c;
        }
        scratch->constants[p] = (float)constant;
    }
    return (pp_mix){.components = components,
                    .bins = (int)bins_of(m),
                    .sources = sources,
                    .maps = maps,
                    .codes = codes != NULL ? codes->codes : NULL,
                    .coefficients = scratch->coefficients,
                    .constants = scratch->constants};
}

static int at_once(int sources, int first)
{
    return sources - first < SOURCES_AT_ONCE ? sources - first : SOURCES_AT_ONCE;
}

static void all_masks(const pp_model *m, pp_model_scratch *scratch, const float *maps,
                      const pp_quantised_maps *codes, const float *vectors, int sources,
                      float *masks)
{
    for (int first = 0; first < sources; first += SOURCES_AT_ONCE) {
        pp_mix mix = mixture(m, scratch, maps, codes, vectors + (size_t)first * m->shape.components,
                             at_once(sources, first));
        m->kernels->masks(&mix, scratch->work, masks + first * bins_of(m));
    }
}

void pp_model_masks(const pp_model *model, pp_model_scratch *scratch, const pp_quantised_maps *maps,
                    const float *vectors, int sources, float *masks)
{
    all_masks(model, scratch, NULL, maps, vectors, sources, masks);
}

void pp_model_masks_float(const pp_model *model, pp_model_scratch *scratch, const float *maps,
                          const float *vectors, int sources, float *masks)
{
    all_masks(model, scratch, maps, NULL, vectors, sources, masks);
}

static void all_energies(const pp_model *m, pp_model_scratch *scratch, const float *maps,
                         const pp_quantised_maps *codes, const float *magnitude,
                         const float *vectors, int pixels, float *energy)
{
    for (int first = 0; first < pixels; first += SOURCES_AT_ONCE) {
        pp_mix mix = mixture(m, scratch, maps, codes, vectors + (size_t)first * m->shape.components,
                             at_once(pixels, first));
        m->kernels->energies(&mix, magnitude, scratch->work, energy + first);
    }
}

void pp_model_energies(const pp_model *model, pp_model_scratch *scratch,
                       const pp_quantised_maps *maps, const float *magnitude, const float *vectors,
                       int pixels, float *energy)
{
    all_energies(model, scratch, NULL, maps, magnitude, vectors, pixels, energy);
}

void pp_model_energies_float(const pp_model *model, pp_model_scratch *scratch, const float *maps,
                             const float *magnitude, const float *vectors, int pixels,
                             float *energy)
{
    all_energies(model, scratch, maps, NULL, magnitude, vectors, pixels, energy);
}
