/* What lies in an archive: header fields, data sets and their shapes, names. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/archive_internal.h"

#define FIELD(name, kind, member, least, most)                                                     \
    {                                                                                              \
        name, PP_FIELD_##kind, offsetof(pp_archive_header, member), least, most, 0                 \
    }
#define LATER_FIELD(name, kind, member, least, most)                                               \
    {                                                                                              \
        name, PP_FIELD_##kind, offsetof(pp_archive_header, member), least, most, 1                 \
    }

const pp_archive_field *pp_archive_fields(int *count)
{
    static const pp_archive_field fields[] = {
        FIELD("source_id", TEXT, source_id, 0, 0),
        FIELD("source_sha256", HEX, source_sha256, 0, 0),
        FIELD("source_identity", HEX, source_identity, 0, 0),
        FIELD("audio_track", INT, audio_track, -1, 100000),
        FIELD("source_start_s", REAL, source_start_s, 0, 0),
        FIELD("source_end_s", REAL, source_end_s, 0, 0),
        FIELD("duration_s", REAL, duration_s, 0, 0),
        FIELD("model_name", TEXT, model_name, 0, 0),
        FIELD("model_digest", HEX, model_digest, 0, 0),
        FIELD("model_untrained", INT, untrained, 0, 1),
        FIELD("parameters", TEXT, parameters_json, 0, 0),
        FIELD("stage_key_probe", HEX, stage_keys[0], 0, 0),
        FIELD("stage_key_see", HEX, stage_keys[1], 0, 0),
        FIELD("stage_key_listen", HEX, stage_keys[2], 0, 0),
        FIELD("stage_key_cast", HEX, stage_keys[3], 0, 0),
        FIELD("stage_key_separate", HEX, stage_keys[4], 0, 0),
        FIELD("stage_key_publish", HEX, stage_keys[5], 0, 0),
        FIELD("kernels", TEXT, kernels, 0, 0),
        FIELD("tool_version", TEXT, tool_version, 0, 0),
        FIELD("media", TEXT, media_json, 0, 0),
        FIELD("samples", I64, samples, 0, INT64_C(1) << 40),
        FIELD("frames", I64, frames, 0, INT64_C(1) << 32),
        FIELD("windows", I64, windows, 0, INT64_C(1) << 32),
        FIELD("rate_hz", INT, rate_hz, 1, 1000000),
        FIELD("components", INT, components, 1, 65536),
        FIELD("grid", INT, grid, 1, 4096),
        FIELD("log_rows", INT, log_rows, 1, 65536),
        FIELD("window_frames", INT, window_frames, 1, 65536),
        FIELD("sources", INT, sources, 0, PP_ARCHIVE_MOST_SOURCES),
        FIELD("thumbnail_size", INT, thumbnail_size, 1, 4096),
        FIELD("with_maps", INT, with_maps, 0, 1),
        LATER_FIELD("label_features", INT, label_features, 0, 1 << 20),
        LATER_FIELD("label_digest", HEX, label_digest, 0, 0),
    };
    *count = (int)(sizeof fields / sizeof *fields);
    return fields;
}

const pp_h5_column pp_annotation_columns[6] = {
    {"start", "s", offsetof(pp_annotation, start_s), PP_H5_F64, 0},
    {"end", "s", offsetof(pp_annotation, end_s), PP_H5_F64, 0},
    {"source", "1", offsetof(pp_annotation, source), PP_H5_I32, 0},
    {"label", "1", offsetof(pp_annotation, label), PP_H5_U8, sizeof((pp_annotation *)0)->label},
    {"confidence", "1", offsetof(pp_annotation, confidence), PP_H5_F32, 0},
    {"level_db", "dB", offsetof(pp_annotation, level_db), PP_H5_F32, 0},
};

#define TIMES 4096 /* entries of a chunk of one number a frame or window */

int pp_archive_sets(const pp_archive_header *h, pp_archive_set sets[PP_ARCHIVE_SETS])
{
    static const char frame[] = "/frames/time", window[] = "/windows/start";
    int64_t F = h->frames, W = h->windows, K = h->components, G = h->grid, S = h->sources;
    int64_t T = h->thumbnail_size, R = h->log_rows, C = h->window_frames;
    const pp_archive_set all[] = {
        {{frame, PP_H5_F64, 1, {F}, {TIMES}, 4, "s", "time of each frame in the video", {0}}, 0},
        {{"/frames/thumbnail",
          PP_H5_U8,
          4,
          {F, T, T, 3},
          {1},
          4,
          "1",
          "small picture of each frame: rows, columns, red green blue",
          {frame}},
         0},
        {{"/pixels/features",
          PP_H5_F32,
          4,
          {F, G, G, K},
          {1},
          1,
          "1",
          "activations of the video network for each pixel of the grid, before the sigmoid",
          {frame}},
         0},
        {{window, PP_H5_F64, 1, {W}, {TIMES}, 4, "s", "start of each window of sound", {0}}, 0},
        {{"/windows/end",
          PP_H5_F64,
          1,
          {W},
          {TIMES},
          4,
          "s",
          "end of each window of sound",
          {window}},
         0},
        {{"/pixels/energy",
          PP_H5_F32,
          3,
          {W, G, G},
          {1},
          1,
          "1",
          "pixel-sound map: energy of the sound of each pixel of the grid",
          {window}},
         0},
        {{"/pixels/source",
          PP_H5_I8,
          3,
          {W, G, G},
          {1},
          1,
          "1",
          "index of the source that each pixel of the grid belongs to, -1 for none",
          {window}},
         0},
        {{"/sources/confidence", PP_H5_F32, 1, {S}, {0}, 4, "1", "confidence of the label", {0}},
         0},
        {{"/sources/vector",
          PP_H5_F32,
          2,
          {S, K},
          {0},
          4,
          "1",
          "what selects the source's sound among the components, after the sigmoid",
          {0}},
         0},
        {{"/sources/box",
          PP_H5_F32,
          3,
          {S, W, 4},
          {1, TIMES},
          4,
          "1",
          "left, top, right, bottom of each source through time, 0..1 of the picture; NaN: unseen",
          {NULL, window}},
         0},
        {{"/sources/level_db",
          PP_H5_F32,
          2,
          {S, W},
          {1, TIMES},
          4,
          "dB",
          "level of each source's sound in each window, relative to full scale",
          {NULL, window}},
         0},
        {{"/sources/label_features",
          PP_H5_F32,
          2,
          {S, h->label_features},
          {0},
          4,
          "1",
          "what the label of each source is guessed from",
          {0}},
         0},
        {{"/components/maps",
          PP_H5_U8,
          4,
          {W, K, R, C},
          {1},
          1,
          "1",
          "component maps of the sound in 8 bits: value = offset + scale * code",
          {window}},
         1},
        {{"/components/scale",
          PP_H5_F32,
          2,
          {W, K},
          {TIMES},
          4,
          "1",
          "value of one step of a component map's codes",
          {window}},
         1},
        {{"/components/offset",
          PP_H5_F32,
          2,
          {W, K},
          {TIMES},
          4,
          "1",
          "value of a component map's code 0",
          {window}},
         1},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].only_with_maps && !h->with_maps) continue;
        if (all[i].spec.rank == 2 && all[i].spec.dims[1] == 0) continue; /* an older archive */
        sets[count++] = all[i];
    }
    return count;
}

void pp_archive_sound_path(int which, char path[32])
{
    if (which == PP_SOUND_MIXTURE) snprintf(path, 32, "/mixture/audio");
    else if (which == PP_SOUND_RESIDUAL) snprintf(path, 32, "/stems/residual/audio");
    else snprintf(path, 32, "/stems/%02d/audio", which);
}

/* One window of the published shape, 256 frames of 256 samples, is a chunk. */
pp_h5_spec pp_archive_sound_spec(const pp_archive_header *header, int which, char path[32])
{
    pp_archive_sound_path(which, path);
    return (pp_h5_spec){.path = path,
                        .type = PP_H5_F32,
                        .rank = 2,
                        .dims = {1, header->samples},
                        .chunk = {1, PP_ARCHIVE_SOUND_CHUNK},
                        .deflate_level = 1,
                        .units = "1",
                        .long_name = which == PP_SOUND_MIXTURE ? "sound of the video, one channel"
                                     : which == PP_SOUND_RESIDUAL ? "mixture minus all stems"
                                                                  : "sound of this source alone"};
}

const char *pp_archive_keep_text(pp_archive *archive, char *owned)
{
    if (owned == NULL) return NULL;
    archive->texts[archive->text_count++] = owned;
    return owned;
}

/* ---- names ---------------------------------------------------------------------------------- */

char *pp_archive_name(const char *source_path, const char *identity)
{
    const char *name = pp_path_name(source_path), *dot = strrchr(name, '.');
    size_t length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    char *stem = pp_format("%.*s", (int)length, name);
    char *safe = stem != NULL ? pp_path_safe_name(stem, 100) : NULL;
    char *path = NULL;
    if (safe != NULL) {
        path = pp_format("archives/%.2s/%s-%.16s.h5", identity, safe, identity);
    }
    pp_free(stem);
    pp_free(safe);
    return path;
}

char *pp_archive_find(const char *out_folder, const char *identity)
{
    char *folder = pp_format("%s/archives/%.2s", out_folder, identity);
    char *ending = pp_format("-%.16s.h5", identity);
    DIR *entries = folder != NULL && ending != NULL ? opendir(folder) : NULL;
    char *found = NULL;
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (!pp_text_ends_with(entry->d_name, ending)) continue;
        /* several: left by runs that knew the file under other names; the first by name counts */
        if (found != NULL && strcmp(pp_path_name(found), entry->d_name) <= 0) continue;
        pp_free(found);
        found = pp_format("archives/%.2s/%s", identity, entry->d_name);
    }
    if (entries != NULL) closedir(entries);
    pp_free(folder);
    pp_free(ending);
    return found;
}
