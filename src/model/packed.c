#include "model/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "store/commit.h"

enum { VERSION = 1, HEADER_BYTES = 4096 };

typedef struct header {
    char magic[8]; /* "PPPACKED" */
    uint32_t version, header_bytes;
    uint64_t payload_bytes;
    char digest[PP_HASH_HEX], label[64];
} header;

static header header_of(const pp_packed_key *key)
{
    header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, "PPPACKED", sizeof h.magic);
    h.version = VERSION;
    h.header_bytes = HEADER_BYTES;
    h.payload_bytes = key->payload_bytes;
    snprintf(h.digest, sizeof h.digest, "%s", key->digest);
    snprintf(h.label, sizeof h.label, "%s", key->label);
    return h;
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* A folder that nobody else may write into or read from: otherwise another user could hand us
 * weights of theirs. */
static pp_status check_private(const char *folder, pp_error *err)
{
    struct stat info;
    if (lstat(folder, &info) != 0) return pp_fail_errno(err, "%s", folder);
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        pp_fail(err, PP_ERR_USAGE, "%s is not a folder of mode 0700 that belongs to this user",
                folder);
        return pp_advise(err, "remove it, or name another place in PP_LOCAL");
    }
    return PP_OK;
}

static pp_status private_folder(char **out, const char *place, pp_error *err)
{
    const char *variables[] = {"PP_LOCAL", "TMPDIR"};
    for (int i = 0; place == NULL && i < 2; i++) {
        place = getenv(variables[i]);
        if (place != NULL && place[0] == '\0') place = NULL;
    }
    if (place == NULL) place = "/tmp";
    pp_status status = pp_path_make_folders(place, err);
    if (status != PP_OK) return status;
    *out = pp_format("%s/pixelplayer-%u", place, (unsigned)geteuid());
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    if (mkdir(*out, 0700) != 0 && errno != EEXIST) return pp_fail_errno(err, "%s", *out);
    return check_private(*out, err);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Maps the file if it is there, whole, and what the key says; PP_ERR_NOT_FOUND otherwise. */
static pp_status map_file(pp_packed *out, const pp_packed_key *key, const char *path, pp_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return pp_fail_errno(err, "%s", path);
    struct stat info;
    size_t bytes = HEADER_BYTES + key->payload_bytes;
    void *base = MAP_FAILED;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (size_t)info.st_size == bytes) {
        base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (base == MAP_FAILED) return pp_fail(err, PP_ERR_NOT_FOUND, "%s is not complete", path);
    header expected = header_of(key);
    if (memcmp(base, &expected, sizeof expected) != 0) {
        munmap(base, bytes);
        return pp_fail(err, PP_ERR_NOT_FOUND, "%s is not what its name says", path);
    }
    (void)madvise(base, bytes, MADV_HUGEPAGE); /* refused: small pages */
    *out = (pp_packed){(const char *)base + HEADER_BYTES, base, bytes};
    return PP_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct job {
    const pp_packed_key *key;
    pp_packed_fill fill;
    void *user;
    int fill_failed;
} job;

static pp_status write_mapped(job *j, int fd, const char *path, pp_error *err)
{
    size_t bytes = HEADER_BYTES + j->key->payload_bytes;
    /* Room first: writing to a mapping on a full disk would be a SIGBUS. */
    errno = posix_fallocate(fd, 0, (off_t)bytes);
    if (errno != 0) return pp_fail_errno(err, "%s", path);
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) return pp_fail_errno(err, "%s", path);
    header h = header_of(j->key);
    memcpy(base, &h, sizeof h);
    pp_status status = j->fill(j->user, (char *)base + HEADER_BYTES, err);
    j->fill_failed = status != PP_OK;
    if (munmap(base, bytes) != 0 && status == PP_OK) status = pp_fail_errno(err, "%s", path);
    return status;
}

/* Pages written through a mapping are small ones. Once they are on disk they can go: what comes
 * back with the first reading may be huge ones (Linux 6.16 and later on ext4, XFS), and with small
 * ones address translation takes a tenth of the networks' time. Costs one reading, once a node. */
static void forget_pages(int fd)
{
    if (fsync(fd) == 0) (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static pp_status write_file(job *j, const char *path, pp_error *err)
{
    char *temporary = pp_commit_temporary(path);
    if (temporary == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = PP_OK;
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) status = pp_fail_errno(err, "%s", temporary);
    if (status == PP_OK) status = write_mapped(j, fd, temporary, err);
    if (status == PP_OK) forget_pages(fd);
    if (fd >= 0 && close(fd) != 0 && status == PP_OK) status = pp_fail_errno(err, "%s", temporary);
    if (status == PP_OK) {
        status = pp_commit_rename(pp_fileops_system(), temporary, path, err);
    } else if (fd >= 0) {
        unlink(temporary);
    }
    pp_free(temporary);
    return status;
}

/* One rank packs, the others of the node wait for it and then find the file. */
static pp_status find_or_write(pp_packed *out, job *j, const char *path, pp_error *err)
{
    pp_error missing = {0};
    if (map_file(out, j->key, path, &missing) == PP_OK) return PP_OK;
    char *lock = pp_format("%s.lock", path);
    if (lock == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* Without a lock (a file system that has none) every rank packs: slower, as right. */
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR) continue;
    pp_status status = PP_OK;
    if (map_file(out, j->key, path, &missing) != PP_OK) {
        status = write_file(j, path, err);
        if (status == PP_OK) status = map_file(out, j->key, path, err);
    }
    if (fd >= 0) close(fd);
    pp_free(lock);
    return status;
}

static pp_status fill_private(pp_packed *out, job *j, pp_error *err)
{
    void *base = NULL;
    pp_status status = pp_alloc_checked(&base, j->key->payload_bytes, 1, "packed weights", err);
    if (status == PP_OK) status = j->fill(j->user, base, err);
    if (status != PP_OK) {
        pp_free(base);
        return status;
    }
    *out = (pp_packed){base, base, 0};
    return PP_OK;
}

pp_status pp_packed_open(pp_packed *out, const pp_packed_key *key, const char *folder,
                         pp_packed_fill fill, void *user, pp_error *err)
{
    job j = {key, fill, user, 0};
    *out = (pp_packed){0};
    if (folder != NULL && folder[0] == '\0') return fill_private(out, &j, err);
    pp_error trouble = {0};
    char *place = NULL, *path = NULL;
    pp_status status = private_folder(&place, folder, &trouble);
    if (status == PP_OK) {
        path = pp_format("%s/%.32s-%s.weights", place, key->digest, key->label);
        if (path == NULL) status = pp_fail(&trouble, PP_ERR_NOMEM, "no memory for a path");
    }
    if (status == PP_OK) status = find_or_write(out, &j, path, &trouble);
    pp_free(path);
    pp_free(place);
    if (status == PP_OK) return PP_OK;
    if (j.fill_failed) {
        if (err != NULL && err->status == PP_OK) *err = trouble;
        return status;
    }
    pp_log(PP_LOG_WARN, "packed weights stay in this process's own memory: %s%s%s", trouble.message,
           trouble.advice[0] != '\0' ? "; " : "", trouble.advice);
    return fill_private(out, &j, err);
}

void pp_packed_close(pp_packed *packed)
{
    if (packed->bytes > 0) munmap(packed->base, packed->bytes);
    else pp_free(packed->base);
    *packed = (pp_packed){0};
}
