/* SHA-256 (OpenSSL) of memory, of streams of bytes, and of whole files. Thread-safe per state. */
#ifndef PP_BASE_HASH_H
#define PP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PP_HASH_BYTES 32
#define PP_HASH_HEX 65 /* characters, with the NUL */

typedef struct pp_hash pp_hash;

pp_status pp_hash_create(pp_hash **out, pp_error *err) PP_MUST_USE;
void pp_hash_destroy(pp_hash **hash);
void pp_hash_add(pp_hash *hash, const void *bytes, size_t length);
void pp_hash_add_text(pp_hash *hash, const char *text);    /* with its NUL, so that a|bc != ab|c */
void pp_hash_finish(pp_hash *hash, char hex[PP_HASH_HEX]); /* once; then only destroy */

/* Of a file read from its start through `fd` (its offset is left alone); *size in bytes. */
pp_status pp_hash_fd(int fd, const char *name, char hex[PP_HASH_HEX], uint64_t *size,
                     pp_error *err) PP_MUST_USE;

void pp_hash_bytes(const void *bytes, size_t length, char hex[PP_HASH_HEX]);

#endif
