/* What a job works on: files, folders, list files and manifests, made into one list of videos.
 *
 *   file            a video, whatever its ending (the decoder finds out)
 *   folder          every file below it with a known ending (of videos; of sounds too where
 *                   with_sounds is set), by name; links are followed,
 *                   hidden names are not
 *   *.txt, *.lst    a list: one path a line, or NUL-separated where there is a NUL byte; relative
 *                   paths are relative to the list's folder
 *   *.csv           a manifest: a header line, then id,path,start,end,track,split,labels in any
 *                   order, of which path alone is needed; RFC 4180 quoting; paths as in lists
 *
 * What cannot be used (a missing path, a folder without videos, a row without sense) stays in the
 * list as an entry with its reason, so that it is recorded and the rest goes on. The order is that
 * of the arguments, folders by byte order of names: the same call gives the same list. Names may
 * hold any bytes. Not thread-safe.
 */
#ifndef PP_CLUSTER_INPUTS_H
#define PP_CLUSTER_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct pp_input {  /* everything in it is owned by the list */
    char *path;            /* absolute, without "//" and "/./" */
    char *id;              /* of the manifest, "" for none */
    char *split, *labels;  /* of the manifest, "" for none */
    double start_s, end_s; /* 0, 0: all of it */
    int audio_track;       /* -1: the default */
    int64_t size_bytes, mtime_ns;
    pp_error *problem; /* NULL: it can be tried */
} pp_input;

typedef struct pp_inputs {
    pp_input *items;
    size_t count, capacity;
    int audio_track; /* for entries that name none; set before adding */
    int with_sounds; /* folders are searched for sound files too; set before adding */
} pp_inputs;         /* zero-initialised but for audio_track (-1) is empty */

/* Adds what `argument` stands for. folder: what a relative argument is relative to, NULL for the
 * working folder. Fails only for lack of memory. */
pp_status pp_inputs_add(pp_inputs *inputs, const char *argument, const char *folder,
                        pp_error *err) PP_MUST_USE;
/* After the last one: entries that say the very same (path, part and id) are dropped; an id that
 * stands for two different things makes the second a problem. */
pp_status pp_inputs_settle(pp_inputs *inputs, pp_error *err) PP_MUST_USE;
/* Leaves those of part 1 <= part <= parts: by a hash of the size, so that copies of one file are
 * in the same part, and what else there is does not matter. */
void pp_inputs_keep_part(pp_inputs *inputs, int part, int parts);
void pp_inputs_free(pp_inputs *inputs);

/* True for the endings that a folder is searched for: of videos, and of sounds. */
int pp_inputs_is_video_name(const char *name);
int pp_inputs_is_sound_name(const char *name);

/* 16 hex digits that name this input in OUT/failed: a hash of path, track and part. */
void pp_input_key(const pp_input *input, char key[17]);

#endif
