/* Clips of a protocol's files, each read once: a solo stands in many mixtures. A clip costs 262 kB
 * (6 s of sound) and its vector. One thread. */
#ifndef PP_EVAL_CACHE_H
#define PP_EVAL_CACHE_H

#include "eval/clip.h"
#include "eval/protocol.h"

typedef struct pp_clip_cache pp_clip_cache;

/* reader, protocol: borrowed for the object's life. */
pp_status pp_clip_cache_create(pp_clip_cache **out, pp_clip_reader *reader, pp_protocol *protocol,
                               pp_error *err) PP_MUST_USE;
void pp_clip_cache_destroy(pp_clip_cache **cache);

/* As pp_clip_read, of a file of the protocol; its digest is recorded or compared when it is first
 * read. *clip is borrowed. A file that cannot be decoded fails again at once, with the same words.
 */
pp_status pp_clip_cache_get(pp_clip_cache *cache, int32_t file, int64_t start, int64_t samples,
                            const pp_clip **clip, pp_error *err) PP_MUST_USE;

#endif
