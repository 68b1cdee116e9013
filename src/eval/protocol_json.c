/* The protocol as JSON: docs/formats/eval-protocol.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eval/methods.h"
#include "eval/protocol.h"
#include "store/commit.h"

static const char format_name[] = "pp-eval-protocol";

/* ---- writing ----------------------------------------------------------------------------------
 */

static pp_json *source_json(const pp_protocol_source *s)
{
    pp_json *object = pp_json_object();
    pp_json_set_text(object, "label", s->label);
    pp_json_set_int(object, "sound", s->sound);
    pp_json_set_int(object, "start", s->start);
    pp_json *pictures = pp_json_array();
    for (int i = 0; i < s->picture_count; i++) pp_json_append_real(pictures, s->pictures[i]);
    pp_json_set(object, "pictures", pictures);
    pp_json_set_int(object, "shuffled_mixture", s->shuffled_mixture);
    pp_json_set_int(object, "shuffled_source", s->shuffled_source);
    return object;
}

static pp_json *mixtures_json(const pp_protocol *p)
{
    pp_json *array = pp_json_array();
    for (size_t m = 0; m < p->mixture_count; m++) {
        const pp_protocol_mixture *mixture = &p->mixtures[m];
        pp_json *object = pp_json_object(), *sources = pp_json_array();
        pp_json_set_int(object, "mixture", mixture->mixture);
        pp_json_set_int(object, "samples", mixture->samples);
        for (int i = 0; i < mixture->sources; i++) {
            pp_json_append(sources, source_json(&mixture->source[i]));
        }
        pp_json_set(object, "sources", sources);
        pp_json_append(array, object);
    }
    return array;
}

static pp_json *files_json(const pp_protocol *p)
{
    pp_json *array = pp_json_array();
    for (size_t i = 0; i < p->file_count; i++) {
        pp_json *object = pp_json_object();
        pp_json_set_path(object, "path", p->files[i].path);
        pp_json_set_text(object, "sha256", p->files[i].sha256);
        pp_json_append(array, object);
    }
    return array;
}

static pp_json *refusals_json(const pp_protocol *p)
{
    pp_json *array = pp_json_array();
    for (size_t i = 0; i < p->refusal_count; i++) {
        pp_json *object = pp_json_object();
        pp_json_set_int(object, "file", p->refusals[i].file);
        pp_json_set_int(object, "start", p->refusals[i].start);
        pp_json_set_text(object, "reason", p->refusals[i].reason);
        pp_json_append(array, object);
    }
    return array;
}

static pp_json *nmf_json(const pp_nmf_options *nmf)
{
    pp_json *object = pp_json_object();
    pp_json_set_int(object, "components_per_source", nmf->rank);
    pp_json_set_int(object, "iterations", nmf->iterations);
    pp_json_set_text(object, "divergence", pp_nmf_divergence_name(nmf->divergence));
    pp_json_set_int(object, "seed", (int64_t)nmf->seed);
    return object;
}

static pp_json *protocol_json(const pp_protocol *p)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, p->seed); /* JSON's integers have 63 bits */
    pp_json *root = pp_json_object(), *methods = pp_json_array();
    pp_json_set_text(root, "format", format_name);
    pp_json_set_int(root, "version", PP_PROTOCOL_VERSION);
    pp_json_set_text(root, "seed", seed);
    pp_json_set_int(root, "rate_hz", p->rate_hz);
    pp_json_set_real(root, "silence_db", p->silence_db);
    pp_json_set_int(root, "filter_taps", p->filter_taps);
    for (int m = 0; m < PP_METHODS; m++) {
        if (p->methods & 1U << m) pp_json_append_text(methods, pp_method_name((pp_method)m));
    }
    pp_json_set(root, "methods", methods);
    pp_json_set(root, "nmf", nmf_json(&p->nmf));
    pp_json_set(root, "nmf_blind", nmf_json(&p->nmf_blind));
    pp_json_set(root, "files", files_json(p));
    pp_json_set(root, "mixtures", mixtures_json(p));
    pp_json_set(root, "refused", refusals_json(p));
    return root;
}

pp_status pp_protocol_write(const pp_protocol *protocol, const char *path, pp_error *err)
{
    pp_json *root = protocol_json(protocol);
    char *text = pp_json_dump(root, 1);
    pp_json_free(&root);
    if (text == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a protocol");
    pp_status status = pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), err);
    pp_free(text);
    return status;
}

/* ---- reading: everything is checked, since a protocol may come from anywhere -------------------
 */

typedef struct reader {
    pp_protocol *p;
    const char *name;
    pp_error *err;
} reader;

static pp_status wrong(const reader *r, const char *what)
{
    return pp_fail(r->err, PP_ERR_FORMAT, "%s: not a usable protocol: %s", r->name, what);
}

static int in_files(const reader *r, int64_t index)
{
    return index >= 0 && (uint64_t)index < r->p->file_count;
}

static pp_status read_files(const reader *r, const pp_json *array)
{
    for (size_t i = 0; i < pp_json_length(array); i++) {
        const pp_json *object = pp_json_at(array, i);
        char *path = pp_json_path(object, "path");
        const char *sha256 = pp_json_text(object, "sha256", "");
        int32_t index = -1;
        pp_status status = PP_OK;
        if (path == NULL || path[0] != '/' || strlen(sha256) != PP_HASH_HEX - 1) {
            status = wrong(r, "a file without an absolute path and a SHA-256");
        }
        if (status == PP_OK) status = pp_protocol_add_file(r->p, path, &index, r->err);
        pp_free(path);
        if (status != PP_OK) return status;
        if ((size_t)index != i) return wrong(r, "a file is listed twice");
        memcpy(r->p->files[i].sha256, sha256, PP_HASH_HEX);
    }
    return PP_OK;
}

static pp_status read_source(const reader *r, const pp_json *object, pp_protocol_source *s)
{
    const pp_json *pictures = pp_json_get(object, "pictures");
    const int64_t sound = pp_json_int(object, "sound", -1);
    snprintf(s->label, sizeof s->label, "%s", pp_json_text(object, "label", ""));
    s->start = pp_json_int(object, "start", 0);
    if (!in_files(r, sound) || llabs(s->start) > INT64_C(1) << 40) {
        return wrong(r, "a source without a file");
    }
    s->sound = (int32_t)sound;
    if (pp_json_length(pictures) > PP_PROTOCOL_MOST_PICTURES) return wrong(r, "too many pictures");
    s->picture_count = (int32_t)pp_json_length(pictures);
    for (int i = 0; i < s->picture_count; i++) {
        const double picture = pp_json_real_at(pictures, (size_t)i, -1.0);
        if (!(picture >= 0.0 && picture < (double)r->p->file_count)) {
            return wrong(r, "a picture without a file");
        }
        s->pictures[i] = (int32_t)picture;
    }
    s->shuffled_mixture = (int32_t)pp_json_int(object, "shuffled_mixture", -1);
    s->shuffled_source = (int32_t)pp_json_int(object, "shuffled_source", -1);
    return PP_OK;
}

static pp_status read_mixture(const reader *r, const pp_json *object)
{
    pp_protocol_mixture m = {0};
    const pp_json *sources = pp_json_get(object, "sources");
    const int64_t mixture = pp_json_int(object, "mixture", -2);
    m.samples = pp_json_int(object, "samples", 0);
    m.sources = (int32_t)pp_json_length(sources);
    if (mixture != -1 && !in_files(r, mixture)) return wrong(r, "a mixture without a file");
    m.mixture = (int32_t)mixture;
    if (m.samples < 1 || m.samples > INT64_C(1) << 24) return wrong(r, "samples out of range");
    if (pp_json_length(sources) < 1 || pp_json_length(sources) > PP_BSS_MOST_SOURCES) {
        return wrong(r, "1 to 8 sources a mixture");
    }
    for (int i = 0; i < m.sources; i++) {
        pp_status status = read_source(r, pp_json_at(sources, (size_t)i), &m.source[i]);
        if (status != PP_OK) return status;
    }
    return pp_protocol_add_mixture(r->p, &m, r->err);
}

static pp_status check_shuffled(const reader *r)
{
    for (size_t m = 0; m < r->p->mixture_count; m++) {
        for (int i = 0; i < r->p->mixtures[m].sources; i++) {
            const pp_protocol_source *s = &r->p->mixtures[m].source[i];
            if (s->shuffled_mixture == -1) continue;
            if (s->shuffled_mixture < 0 || (size_t)s->shuffled_mixture >= r->p->mixture_count ||
                s->shuffled_source < 0 ||
                s->shuffled_source >= r->p->mixtures[s->shuffled_mixture].sources) {
                return wrong(r, "shuffled pictures of a source that is not there");
            }
        }
    }
    return PP_OK;
}

static pp_status read_nmf(const reader *r, const pp_json *object, pp_nmf_options *nmf)
{
    nmf->rank = (int)pp_json_int(object, "components_per_source", 0);
    nmf->iterations = (int)pp_json_int(object, "iterations", 0);
    nmf->seed = (uint64_t)pp_json_int(object, "seed", 0);
    if (nmf->rank < 1 || nmf->rank > 128 || nmf->iterations < 1 || nmf->iterations > 100000) {
        return wrong(r, "nmf out of range");
    }
    return pp_nmf_divergence_parse(&nmf->divergence, pp_json_text(object, "divergence", ""),
                                   r->err);
}

static pp_status read_settings(const reader *r, const pp_json *root)
{
    pp_protocol *p = r->p;
    char *end = NULL;
    const char *seed = pp_json_text(root, "seed", "");
    p->seed = strtoull(seed, &end, 10);
    if (seed[0] < '0' || seed[0] > '9' || *end != '\0') return wrong(r, "no seed");
    p->rate_hz = (int)pp_json_int(root, "rate_hz", 0);
    p->filter_taps = (int)pp_json_int(root, "filter_taps", 0);
    p->silence_db = pp_json_real(root, "silence_db", p->silence_db);
    if (p->rate_hz < 1000 || p->rate_hz > 192000) return wrong(r, "rate_hz out of range");
    if (p->filter_taps < 1 || p->filter_taps > 4096) return wrong(r, "filter_taps out of range");
    const pp_json *methods = pp_json_get(root, "methods");
    p->methods = 0;
    for (size_t i = 0; i < pp_json_length(methods); i++) {
        unsigned one = 0;
        pp_status status = pp_methods_parse(&one, pp_json_text_at(methods, i, ""), r->err);
        if (status != PP_OK) return status;
        p->methods |= one;
    }
    if (p->methods == 0) return wrong(r, "no methods");
    pp_status status = read_nmf(r, pp_json_get(root, "nmf"), &p->nmf);
    return status == PP_OK ? read_nmf(r, pp_json_get(root, "nmf_blind"), &p->nmf_blind) : status;
}

static pp_status read_root(const reader *r, const pp_json *root)
{
    if (strcmp(pp_json_text(root, "format", ""), format_name) != 0) {
        return wrong(r, "its format is not pp-eval-protocol");
    }
    if (pp_json_int(root, "version", 0) != PP_PROTOCOL_VERSION) {
        return wrong(r, "its version is not 1");
    }
    pp_status status = read_settings(r, root);
    if (status == PP_OK) status = read_files(r, pp_json_get(root, "files"));
    const pp_json *mixtures = pp_json_get(root, "mixtures");
    for (size_t i = 0; i < pp_json_length(mixtures) && status == PP_OK; i++) {
        status = read_mixture(r, pp_json_at(mixtures, i));
    }
    const pp_json *refused = pp_json_get(root, "refused");
    for (size_t i = 0; i < pp_json_length(refused) && status == PP_OK; i++) {
        const pp_json *object = pp_json_at(refused, i);
        const int64_t file = pp_json_int(object, "file", -1);
        if (!in_files(r, file)) return wrong(r, "a refusal without a file");
        status = pp_protocol_refuse(r->p, (int32_t)file, pp_json_int(object, "start", 0),
                                    pp_json_text(object, "reason", ""), r->err);
    }
    if (status == PP_OK && r->p->mixture_count == 0) return wrong(r, "no mixtures");
    return status == PP_OK ? check_shuffled(r) : status;
}

static pp_status from_json(pp_protocol **out, pp_json **root, const char *name, pp_error *err)
{
    pp_status status = pp_protocol_create(out, err);
    if (status == PP_OK) {
        const reader r = {*out, name, err};
        status = read_root(&r, *root);
    }
    pp_json_free(root);
    if (status != PP_OK) pp_protocol_destroy(out);
    return status;
}

pp_status pp_protocol_read(pp_protocol **out, const char *path, pp_error *err)
{
    *out = NULL;
    pp_json *root = NULL;
    pp_status status = pp_json_read_file(&root, path, err);
    return status != PP_OK ? status : from_json(out, &root, path, err);
}

pp_status pp_protocol_parse(pp_protocol **out, const char *text, size_t length, const char *name,
                            pp_error *err)
{
    *out = NULL;
    pp_json *root = NULL;
    pp_status status = pp_json_parse(&root, text, length, name, err);
    return status != PP_OK ? status : from_json(out, &root, name, err);
}
