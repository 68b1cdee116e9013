#include "model/file.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/file_parts.h"

static const char *const network_names[PP_NETWORKS] = {"sound", "frame", "synthesizer"};

const char *pp_model_network_name(pp_network_id id)
{
    return network_names[id];
}

void pp_model_file_defaults(pp_model_file *file)
{
    file->shape = (pp_model_shape){.rate_hz = 11025,
                                   .n_fft = 1022,
                                   .hop_samples = 256,
                                   .window_frames = 256,
                                   .log_rows = 256,
                                   .picture_size = 224,
                                   .binary_masks = 1};
    file->output_stride = 16;
}

void pp_model_file_clear(pp_model_file *file)
{
    for (int i = 0; i < PP_NETWORKS; i++) pp_tensors_clear(&file->networks[i]);
    pp_free(file->provenance);
    pp_free(file->quality);
    pp_free(file->classes);
    pp_labeller_clear(&file->labeller);
    *file = (pp_model_file){0};
}

static pp_status within(int value, int least, int most, const char *what, pp_error *err)
{
    if (value >= least && value <= most) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s is %d, not %d to %d", what, value, least, most);
}

pp_status pp_model_check_shape(const pp_model_shape *s, pp_error *err)
{
    pp_status status = within(s->rate_hz, 1000, 192000, "rate_hz", err);
    if (status == PP_OK) status = within(s->n_fft, 16, 65536, "n_fft", err);
    if (status == PP_OK && s->n_fft % 2 != 0) {
        status = pp_fail(err, PP_ERR_FORMAT, "n_fft is %d, not even", s->n_fft);
    }
    if (status == PP_OK) status = within(s->hop_samples, 1, s->n_fft / 2, "hop_samples", err);
    if (status == PP_OK) status = within(s->window_frames, 4, 4096, "window_frames", err);
    if (status == PP_OK) status = within(s->log_rows, 4, 4096, "log_rows", err);
    if (status == PP_OK) status = within(s->picture_size, 32, 2048, "picture_size", err);
    return status;
}

/* `linear` synthesizers hold scale [K] and bias [1], `bias` ones a bias alone. */
static pp_status check_synthesizer(const pp_tensors *tensors, int components, pp_error *err)
{
    int64_t one = 1, k = components;
    pp_tensor *found;
    int linear = pp_tensors_find(tensors, "scale") != NULL;
    pp_status status = pp_tensors_expect(tensors, "bias", 1, &one, &found, err);
    if (status == PP_OK && linear) status = pp_tensors_expect(tensors, "scale", 1, &k, &found, err);
    if (status == PP_OK && tensors->count != (linear ? 2u : 1u)) {
        status = pp_fail(err, PP_ERR_FORMAT, "it holds more than `scale` and `bias`");
    }
    return status;
}

static pp_status named(pp_status status, pp_network_id id, pp_error *err)
{
    return status == PP_OK ? PP_OK : pp_error_prefix(err, "%s network: ", network_names[id]);
}

pp_status pp_model_file_networks(const pp_model_file *file, pp_network *sound, pp_network *frame,
                                 pp_error *err)
{
    *sound = *frame = (pp_network){0};
    const pp_model_shape *s = &file->shape;
    pp_status status = named(
        pp_network_unet(sound, &file->networks[PP_NET_SOUND], s->log_rows, s->window_frames, err),
        PP_NET_SOUND, err);
    if (status != PP_OK) return status;
    return named(pp_network_trunk(frame, &file->networks[PP_NET_FRAME], s->picture_size,
                                  file->output_stride, err),
                 PP_NET_FRAME, err);
}

/* What the networks' results say about the shape: K and the grid. */
static pp_status fill_shape(pp_model_file *file, pp_extent maps, pp_extent features, pp_error *err)
{
    if (maps.rows != file->shape.log_rows || maps.columns != file->shape.window_frames) {
        return pp_fail(err, PP_ERR_FORMAT, "the audio network gives maps of %d x %d", maps.rows,
                       maps.columns);
    }
    if (maps.channels != features.channels) {
        return pp_fail(err, PP_ERR_FORMAT,
                       "the audio network has %d components, the video network %d: they do not "
                       "belong together",
                       maps.channels, features.channels);
    }
    file->shape.components = maps.channels;
    file->shape.grid = features.rows;
    return named(check_synthesizer(&file->networks[PP_NET_SYNTHESIZER], maps.channels, err),
                 PP_NET_SYNTHESIZER, err);
}

pp_status pp_model_file_check(pp_model_file *file, pp_error *err)
{
    pp_network sound = {0}, frame = {0};
    pp_status status = pp_model_check_shape(&file->shape, err);
    if (status == PP_OK) status = pp_model_file_networks(file, &sound, &frame, err);
    if (status == PP_OK) {
        status = fill_shape(file, pp_graph_result(sound.graph), pp_graph_result(frame.graph), err);
    }
    pp_network_clear(&sound);
    pp_network_clear(&frame);
    return status;
}

/* ---- digests --------------------------------------------------------------------------------- */

/* The shape parameters that a network's results depend on, as text in front of its tensors. */
static void digest_parameters(const pp_model_file *file, pp_network_id id, char *text, size_t room)
{
    const pp_model_shape *s = &file->shape;
    if (id == PP_NET_SOUND) {
        snprintf(text, room,
                 "sound rate_hz=%d n_fft=%d hop_samples=%d window_frames=%d log_rows=%d",
                 s->rate_hz, s->n_fft, s->hop_samples, s->window_frames, s->log_rows);
    } else if (id == PP_NET_FRAME) {
        snprintf(text, room, "frame picture_size=%d output_stride=%d", s->picture_size,
                 file->output_stride);
    } else {
        snprintf(text, room, "synthesizer binary_masks=%d pool_average=%d", s->binary_masks,
                 s->pool_average);
    }
}

/* h5 NULL: the values are there; otherwise each is loaded for as long as it is needed. */
static pp_status digest_network(const pp_model_file *file, pp_h5 *h5, pp_network_id id,
                                char hex[PP_HASH_HEX], pp_error *err)
{
    pp_hash *hash = NULL;
    char parameters[256];
    pp_status status = pp_hash_create(&hash, err);
    if (status != PP_OK) return status;
    digest_parameters(file, id, parameters, sizeof parameters);
    pp_hash_add_text(hash, parameters);
    for (size_t i = 0; status == PP_OK && i < file->networks[id].count; i++) {
        pp_tensor tensor = file->networks[id].items[i];
        if (h5 != NULL) {
            tensor.values = NULL;
            status = pp_model_file_load(h5, id, &tensor, err);
        }
        if (status == PP_OK) pp_tensor_digest(&tensor, hash);
        if (h5 != NULL) pp_free(tensor.values);
    }
    if (status == PP_OK) pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
    return status;
}

static pp_status digest_all(const pp_model_file *file, pp_h5 *h5, pp_model_identity *identity,
                            pp_error *err)
{
    char *hex[PP_NETWORKS] = {identity->sound_digest, identity->frame_digest,
                              identity->synthesizer_digest};
    char together[PP_NETWORKS * PP_HASH_HEX + 1]; /* and a NUL */
    size_t used = 0;
    for (int id = 0; id < PP_NETWORKS; id++) {
        pp_status status = digest_network(file, h5, (pp_network_id)id, hex[id], err);
        if (status != PP_OK) return status;
        used += (size_t)snprintf(together + used, sizeof together - used, "%s\n", hex[id]);
    }
    pp_hash_bytes(together, used, identity->digest);
    return PP_OK;
}

pp_status pp_model_file_complete(pp_model_file *file, pp_error *err)
{
    pp_status status = pp_model_file_check(file, err);
    if (status == PP_OK) status = digest_all(file, NULL, &file->identity, err);
    if (status == PP_OK) status = pp_labeller_complete(&file->labeller, err);
    if (status == PP_OK) {
        memcpy(file->identity.label_digest, file->labeller.digest, PP_HASH_HEX);
    }
    return status;
}

pp_status pp_model_compare_digests(const pp_model_file *file, pp_h5 *h5, pp_error *err)
{
    pp_model_identity computed = {0};
    const pp_model_identity *stated = &file->identity;
    pp_status status = digest_all(file, h5, &computed, err);
    if (status != PP_OK) return status;
    if (strcmp(computed.digest, stated->digest) != 0 ||
        strcmp(computed.sound_digest, stated->sound_digest) != 0 ||
        strcmp(computed.frame_digest, stated->frame_digest) != 0 ||
        strcmp(computed.synthesizer_digest, stated->synthesizer_digest) != 0) {
        pp_fail(err, PP_ERR_FORMAT, "the weights are not those that its digest names");
        return pp_advise(err, "the file was changed after it was written; write it again with "
                              "`pp model import` or the trainer");
    }
    return PP_OK;
}

pp_status pp_model_file_verify(const pp_model_file *file, pp_h5 *h5, pp_error *err)
{
    return pp_model_compare_digests(file, h5, err);
}
