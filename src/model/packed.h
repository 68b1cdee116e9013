/* Packed weights once a node: a local file that every rank maps read-only, so that 64 ranks cost
 * the weights once. docs/formats/packed.md specifies it.
 *
 * The file is a cache: named by what is in it, written by one rank (the others wait), committed by
 * rename, never changed. Where it cannot be (full disk, a folder that is not ours alone), the
 * weights are packed into private memory with a warning. Safe between processes; one thread.
 */
#ifndef PP_MODEL_PACKED_H
#define PP_MODEL_PACKED_H

#include "base/hash.h"
#include "base/status.h"

typedef struct pp_packed {
    const void *payload; /* aligned to PP_ALIGNMENT */
    void *base;          /* of the mapping or of the private memory */
    size_t bytes;        /* mapped; 0: private memory */
} pp_packed;

/* What a packed file is called and must say of itself. */
typedef struct pp_packed_key {
    char digest[PP_HASH_HEX]; /* of the weights and of how they are packed */
    char label[64];           /* kernel set and version, for people: "plain-1" */
    size_t payload_bytes;
} pp_packed_key;

/* Writes all payload_bytes of the payload, which are zero before. */
typedef pp_status (*pp_packed_fill)(void *user, void *payload, pp_error *err);

/* folder: NULL for the default ($PP_LOCAL, else $TMPDIR, else /tmp; in it a folder
 * "pixelplayer-<uid>" of mode 0700), "" for private memory. Only the failures of `fill` and of
 * memory are failures. Close in every case. */
pp_status pp_packed_open(pp_packed *out, const pp_packed_key *key, const char *folder,
                         pp_packed_fill fill, void *user, pp_error *err) PP_MUST_USE;
void pp_packed_close(pp_packed *packed);

#endif
