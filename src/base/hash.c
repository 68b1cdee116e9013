#include "base/hash.h"

#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

struct pp_hash {
    EVP_MD_CTX *context;
};

pp_status pp_hash_create(pp_hash **out, pp_error *err)
{
    pp_hash *hash = pp_alloc(1, sizeof *hash);
    if (hash != NULL) hash->context = EVP_MD_CTX_new();
    *out = hash;
    if (hash == NULL || hash->context == NULL ||
        EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        pp_hash_destroy(out);
        return pp_fail(err, PP_ERR_NOMEM, "cannot start a SHA-256 digest");
    }
    return PP_OK;
}

void pp_hash_destroy(pp_hash **hash)
{
    if (hash == NULL || *hash == NULL) return;
    EVP_MD_CTX_free((*hash)->context);
    PP_FREE(*hash);
}

void pp_hash_add(pp_hash *hash, const void *bytes, size_t length)
{
    EVP_DigestUpdate(hash->context, bytes, length);
}

void pp_hash_add_text(pp_hash *hash, const char *text)
{
    pp_hash_add(hash, text, strlen(text) + 1);
}

void pp_hash_finish(pp_hash *hash, char hex[PP_HASH_HEX])
{
    unsigned char digest[PP_HASH_BYTES] = {0};
    EVP_DigestFinal_ex(hash->context, digest, NULL);
    pp_text_hex(digest, sizeof digest, hex);
}

static pp_status add_file(pp_hash *hash, int fd, const char *name, uint64_t *size, pp_error *err)
{
    enum { BLOCK = 1 << 18 };
    unsigned char *block = pp_alloc(BLOCK, 1);
    if (block == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory to read %s", name);
    *size = 0;
    ssize_t got;
    while ((got = pread(fd, block, BLOCK, (off_t)*size)) > 0) {
        pp_hash_add(hash, block, (size_t)got);
        *size += (uint64_t)got;
    }
    pp_status status = got < 0 ? pp_fail_errno(err, "cannot read %s", name) : PP_OK;
    pp_free(block);
    return status;
}

pp_status pp_hash_fd(int fd, const char *name, char hex[PP_HASH_HEX], uint64_t *size, pp_error *err)
{
    pp_hash *hash = NULL;
    pp_status status = pp_hash_create(&hash, err);
    if (status == PP_OK) status = add_file(hash, fd, name, size, err);
    if (status == PP_OK) pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
    return status;
}

void pp_hash_bytes(const void *bytes, size_t length, char hex[PP_HASH_HEX])
{
    unsigned char digest[PP_HASH_BYTES] = {0};
    EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL);
    pp_text_hex(digest, sizeof digest, hex);
}
