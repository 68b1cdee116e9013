/* The exact protocol of an evaluation: which samples of which files are mixed, whose pictures go
 * with which sound, and how it is scored. Written as JSON (docs/formats/eval-protocol.md), so that
 * a second run from it gives equal numbers, or says which file is no longer the same.
 *
 * A plain value. Order: one of draw, ready-made or read; then run.h; destroy. One thread.
 */
#ifndef PP_EVAL_PROTOCOL_H
#define PP_EVAL_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "eval/bss.h"
#include "eval/nmf.h"

#define PP_PROTOCOL_VERSION 1
#define PP_PROTOCOL_LABEL 64
/* Tuned on validation mixtures of `pp synth` (docs/evaluation.md). */
#define PP_PROTOCOL_NMF ((pp_nmf_options){12, 100, PP_NMF_KL, 1})
#define PP_PROTOCOL_NMF_BLIND ((pp_nmf_options){8, 100, PP_NMF_KL, 1})
#define PP_PROTOCOL_MOST_PICTURES 16 /* at most PP_CLIP_MOST_FILES */

typedef struct pp_protocol_file {
    char *path;               /* owned; absolute */
    char sha256[PP_HASH_HEX]; /* empty until read for the first time */
} pp_protocol_file;

typedef struct pp_protocol_source {
    char label[PP_PROTOCOL_LABEL]; /* instrument; empty where unknown */
    int32_t sound;                 /* index of the file of its sound alone (the reference) */
    int64_t start;                 /* first sample of it; may lie before the file */
    int32_t pictures[PP_PROTOCOL_MOST_PICTURES]; /* files; none: those of `sound` round the window
                                                  */
    int32_t picture_count;
    int32_t shuffled_mixture, shuffled_source; /* whose pictures the shuffled row shows instead; -1
                                                */
} pp_protocol_source;

typedef struct pp_protocol_mixture {
    int32_t
        mixture; /* index of a ready-made mixture's file; -1: references added, each / sources */
    int64_t samples;
    int32_t sources;
    pp_protocol_source source[PP_BSS_MOST_SOURCES];
} pp_protocol_mixture;

typedef struct pp_protocol_refusal { /* drawn, and not usable */
    int32_t file;
    int64_t start;
    char *reason; /* owned */
} pp_protocol_refusal;

typedef struct pp_protocol {
    uint64_t seed;                 /* of everything drawn: mixtures, shuffling, NMF, bootstrap */
    int rate_hz;                   /* of all sounds; start and samples count in it */
    double silence_db;             /* a reference below this level is refused */
    int filter_taps;               /* of BSS-eval */
    unsigned methods;              /* bits of eval/methods.h */
    pp_nmf_options nmf, nmf_blind; /* rank: components a source */
    pp_protocol_file *files;
    size_t file_count, file_room;
    pp_protocol_mixture *mixtures;
    size_t mixture_count, mixture_room;
    pp_protocol_refusal *refusals;
    size_t refusal_count, refusal_room;
} pp_protocol;

/* Defaults of the paper: 11 025 Hz, 512 taps, all methods, NMF as tuned (docs/evaluation.md). */
pp_status pp_protocol_create(pp_protocol **out, pp_error *err) PP_MUST_USE;
void pp_protocol_destroy(pp_protocol **protocol);

/* The index of a path, entered if it is new (made absolute). */
pp_status pp_protocol_add_file(pp_protocol *protocol, const char *path, int32_t *index,
                               pp_error *err) PP_MUST_USE;
pp_status pp_protocol_add_mixture(pp_protocol *protocol, const pp_protocol_mixture *mixture,
                                  pp_error *err) PP_MUST_USE;
pp_status pp_protocol_refuse(pp_protocol *protocol, int32_t file, int64_t start, const char *reason,
                             pp_error *err) PP_MUST_USE;

/* Fills shuffled_mixture and shuffled_source: the pictures of a source drawn from another mixture
 * (by the seed), and -1 where there is only one mixture. */
void pp_protocol_shuffle(pp_protocol *protocol);

/* Hashes the file at its path. The first time it is recorded; later another digest is an error
 * (PP_ERR_FORMAT) that names the file. */
pp_status pp_protocol_check_file(pp_protocol *protocol, int32_t file, pp_error *err) PP_MUST_USE;

pp_status pp_protocol_write(const pp_protocol *protocol, const char *path,
                            pp_error *err) PP_MUST_USE; /* committed atomically */
pp_status pp_protocol_read(pp_protocol **out, const char *path, pp_error *err) PP_MUST_USE;
/* From memory; `name` stands in messages. */
pp_status pp_protocol_parse(pp_protocol **out, const char *text, size_t length, const char *name,
                            pp_error *err) PP_MUST_USE;

#endif
