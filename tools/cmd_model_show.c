/* pp model show: what a model is. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cmd_model.h"

static const char usage_text[] =
    "usage: pp model show MODEL.h5 [--layers] [--json]\n"
    "\n"
    "      --layers   every operation of the two networks, with shapes and multiply-adds\n"
    "      --json     one JSON object\n";

typedef struct view {
    pp_model_file file;
    pp_network networks[2]; /* sound, frame */
} view;

static double total_multiply_adds(const pp_network *network)
{
    double total = 0;
    for (size_t i = 0; i < network->graph->op_count; i++) {
        total += pp_op_multiply_adds(network->graph, &network->graph->ops[i]);
    }
    return total;
}

static size_t parameters(const pp_tensors *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) count += pp_tensor_count(&list->items[i]);
    return count;
}

static void print_layers(const char *title, const pp_network *network)
{
    printf("\n%-60s %16s %16s %8s %10s\n", title, "in", "out", "kernel", "M mul-adds");
    for (size_t i = 0; i < network->graph->op_count; i++) {
        const pp_op *op = &network->graph->ops[i];
        pp_extent in = network->graph->tensors[op->in.tensor];
        pp_extent out = network->graph->tensors[op->out.tensor];
        char from[32], to[32], kernel[32];
        snprintf(from, sizeof from, "%dx%dx%d", op->in.channels, in.rows, in.columns);
        snprintf(to, sizeof to, "%dx%dx%d", op->out.channels, out.rows, out.columns);
        snprintf(kernel, sizeof kernel, "%s%dx%d%s%s",
                 op->kind == PP_OP_UP_CONV    ? "up "
                 : op->kind == PP_OP_MAX_POOL ? "max "
                                              : "",
                 op->kernel, op->kernel, op->stride > 1 ? "/2" : "",
                 op->dilation > 1 ? " dil." : "");
        const char *name = op->name;
        if (strlen(name) > 60) name += strlen(name) - 60;
        printf("%-60s %16s %16s %8s %10.1f\n", name, from, to, kernel,
               pp_op_multiply_adds(network->graph, op) / 1e6);
    }
}

/* One level of an object, lists and objects inside left out (--json has all). */
static void print_facts(const char *title, const char *text)
{
    pp_json *json = NULL;
    pp_error ignored = {0};
    if (text == NULL || pp_json_parse(&json, text, strlen(text), title, &ignored) != PP_OK) return;
    char *flat = pp_json_facts(json);
    printf("%-13s %s\n", title, flat != NULL ? flat : "");
    pp_free(flat);
    pp_json_free(&json);
}

static void print_classes(const char *text)
{
    pp_json *json = NULL;
    pp_error ignored = {0};
    if (text == NULL || pp_json_parse(&json, text, strlen(text), "classes", &ignored) != PP_OK) {
        return;
    }
    const pp_json *names = pp_json_get(json, "names");
    printf("classes       ");
    for (size_t i = 0; i < pp_json_length(names); i++) {
        printf("%s%s", i > 0 ? ", " : "", pp_json_text_at(names, i, "?"));
    }
    printf("%s\n", pp_json_get(json, "vectors") != NULL ? "; can be asked for by name" : "");
    pp_json_free(&json);
}

static void print_text(const view *v, int layers)
{
    const pp_model_shape *s = &v->file.shape;
    const pp_model_identity *id = &v->file.identity;
    const pp_tensors *lists = v->file.networks;
    printf("name          %s%s\n", id->name,
           id->untrained ? "   (untrained: it separates nothing)" : "");
    printf("digest        %s (verified)\n", id->digest);
    printf("components    %d\n", s->components);
    printf("sound         U-Net, %d levels, %d to %d channels; %.2f M parameters, %.2f G "
           "multiply-adds a window\n",
           v->networks[0].levels, v->networks[0].graph->ops[0].out.channels,
           v->networks[0].graph->ops[v->networks[0].levels - 1].out.channels,
           (double)parameters(&lists[PP_NET_SOUND]) / 1e6,
           total_multiply_adds(&v->networks[0]) / 1e9);
    printf("frame         ResNet, %d blocks, %d channels first; %.2f M parameters, %.2f G "
           "multiply-adds a picture\n",
           v->networks[1].blocks, v->networks[1].graph->ops[0].out.channels,
           (double)parameters(&lists[PP_NET_FRAME]) / 1e6,
           total_multiply_adds(&v->networks[1]) / 1e9);
    printf("synthesizer   %s, for %s masks\n",
           pp_tensors_find(&lists[PP_NET_SYNTHESIZER], "scale") != NULL ? "linear" : "bias",
           s->binary_masks ? "binary" : "ratio");
    printf("front end     %d Hz, n_fft %d, hop %d, %d log-frequency rows x %d frames\n", s->rate_hz,
           s->n_fft, s->hop_samples, s->log_rows, s->window_frames);
    printf("pictures      %d x %d, features on a grid of %d x %d, clips pooled by %s\n",
           s->picture_size, s->picture_size, s->grid, s->grid,
           s->pool_average ? "average" : "maximum");
    print_facts("provenance", v->file.provenance);
    print_facts("quality", v->file.quality);
    print_classes(v->file.classes);
    if (v->file.labeller.classes > 0) {
        printf("labels        %d classes, digest %.16s (pp label show)\n", v->file.labeller.classes,
               v->file.labeller.digest);
    }
    if (layers) print_layers("sound", &v->networks[0]);
    if (layers) print_layers("frame", &v->networks[1]);
}

static void set_json_text(pp_json *root, const char *key, const char *text)
{
    pp_json *value = NULL;
    if (text == NULL) return;
    if (pp_json_parse(&value, text, strlen(text), key, NULL) == PP_OK)
        pp_json_set(root, key, value);
    else pp_json_set_text(root, key, text);
}

static pp_json *network_json(const view *v, int index, pp_network_id id, const char *digest)
{
    const pp_network *network = &v->networks[index];
    pp_json *object = pp_json_object();
    pp_json_set_text(object, "digest", digest);
    pp_json_set_int(object, "parameters", (int64_t)parameters(&v->file.networks[id]));
    pp_json_set_real(object, "multiply_adds", total_multiply_adds(network));
    pp_json_set_int(object, "width", network->graph->ops[0].out.channels);
    if (network->levels > 0) pp_json_set_int(object, "levels", network->levels);
    if (network->blocks > 0) pp_json_set_int(object, "blocks", network->blocks);
    return object;
}

static pp_status print_json(const view *v, pp_error *err)
{
    const pp_model_shape *s = &v->file.shape;
    const pp_model_identity *id = &v->file.identity;
    pp_json *root = pp_json_object();
    pp_json_set_text(root, "name", id->name);
    pp_json_set_text(root, "digest", id->digest);
    pp_json_set_bool(root, "untrained", id->untrained);
    pp_json_set_int(root, "components", s->components);
    pp_json_set_int(root, "rate_hz", s->rate_hz);
    pp_json_set_int(root, "n_fft", s->n_fft);
    pp_json_set_int(root, "hop_samples", s->hop_samples);
    pp_json_set_int(root, "window_frames", s->window_frames);
    pp_json_set_int(root, "log_rows", s->log_rows);
    pp_json_set_int(root, "picture_size", s->picture_size);
    pp_json_set_int(root, "grid", s->grid);
    pp_json_set_int(root, "output_stride", v->file.output_stride);
    pp_json_set_bool(root, "binary_masks", s->binary_masks);
    pp_json_set_text(root, "pooling", s->pool_average ? "average" : "maximum");
    pp_json_set(root, "sound", network_json(v, 0, PP_NET_SOUND, id->sound_digest));
    pp_json_set(root, "frame", network_json(v, 1, PP_NET_FRAME, id->frame_digest));
    pp_json_set_text(root, "synthesizer_digest", id->synthesizer_digest);
    set_json_text(root, "provenance", v->file.provenance);
    set_json_text(root, "quality", v->file.quality);
    set_json_text(root, "classes", v->file.classes);
    pp_json_set_text(root, "label_digest", id->label_digest);
    char *text = pp_json_dump(root, 2);
    pp_json_free(&root);
    if (text == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the JSON text");
    puts(text);
    pp_free(text);
    return PP_OK;
}

static pp_status load(view *v, const char *path, pp_error *err)
{
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), path, err);
    if (status == PP_OK) status = pp_model_file_read(&v->file, h5, 0, err);
    if (status == PP_OK) status = pp_model_file_verify(&v->file, h5, err);
    if (status == PP_OK) {
        status = pp_model_file_networks(&v->file, &v->networks[0], &v->networks[1], err);
    }
    pp_h5_close(&h5);
    return status;
}

int pp_model_command_show(int argc, char **argv)
{
    static const struct option options[] = {{"layers", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option, layers = 0, json = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'l') layers = 1;
        else if (option == 'j') json = 1;
        else if (option == 'h') return fputs(usage_text, stdout) < 0;
        else return 2;
    }
    if (optind != argc - 1) {
        fputs(usage_text, stderr);
        return 2;
    }
    view v = {0};
    pp_error err = {0};
    pp_status status = load(&v, argv[optind], &err);
    if (status == PP_OK && json) status = print_json(&v, &err);
    else if (status == PP_OK) print_text(&v, layers);
    pp_network_clear(&v.networks[0]);
    pp_network_clear(&v.networks[1]);
    pp_model_file_clear(&v.file);
    return status == PP_OK ? 0 : pp_model_command_failed(&err);
}
