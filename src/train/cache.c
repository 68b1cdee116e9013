#include "train/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/commit.h"

#define MAGIC "PPTRCLIP"
#define VERSION 1
#define DIGEST_AT 72
#define MOST_SAMPLES ((int64_t)1 << 36)
#define MOST_PICTURES (1 << 24)
#define MOST_PICTURE_SIZE 4096

/* The header as it lies in the file. The project runs on little-endian machines; the reader would
 * refuse a file of the other kind by its version. */
typedef struct header {
    char magic[8];
    uint32_t version, state, rate_hz;
    float full_scale;
    uint64_t samples, sound_at;
    uint32_t pictures, picture_size;
    double interval_s;
    uint64_t pictures_at;
    float rms;
    uint32_t zero;
    unsigned char digest[PP_HASH_BYTES];
    char reason[PP_TRAIN_CLIP_REASON];
} header;

_Static_assert(sizeof(header) == 512, "the header is 512 bytes");
_Static_assert(offsetof(header, digest) == DIGEST_AT, "the digest is at 72");

const char *pp_train_clip_state_name(pp_train_clip_state state)
{
    static const char *const names[] = {"usable", "silent", "broken", "too short"};
    return state < PP_TRAIN_CLIP_STATES ? names[state] : "unknown";
}

void pp_train_clip_set_sound(pp_train_clip *clip, const float *sound, int64_t samples,
                             float least_peak, int64_t least_samples, int16_t *codes)
{
    float peak = 0;
    double square = 0;
    for (int64_t i = 0; i < samples; i++) {
        const float x = isfinite(sound[i]) ? sound[i] : 0;
        peak = fabsf(x) > peak ? fabsf(x) : peak;
        square += (double)x * x;
    }
    clip->full_scale = peak > 0 ? peak : 1;
    clip->rms = samples > 0 ? (float)sqrt(square / (double)samples) : 0;
    clip->samples = samples;
    clip->sound = codes;
    clip->state = samples < least_samples ? PP_TRAIN_CLIP_SHORT
                  : !(peak >= least_peak) ? PP_TRAIN_CLIP_SILENT
                                          : PP_TRAIN_CLIP_USABLE;
    if (clip->state == PP_TRAIN_CLIP_SHORT) {
        snprintf(clip->reason, sizeof clip->reason, "%lld samples where %lld are needed",
                 (long long)samples, (long long)least_samples);
    } else if (clip->state == PP_TRAIN_CLIP_SILENT) {
        snprintf(clip->reason, sizeof clip->reason, "no sample above %g", (double)least_peak);
    }
    for (int64_t i = 0; i < samples; i++) {
        const float x = isfinite(sound[i]) ? sound[i] : 0;
        codes[i] = (int16_t)lrintf(x / clip->full_scale * 32767);
    }
}

static void digest_of(const header *h, unsigned char digest[PP_HASH_BYTES])
{
    header copy = *h;
    char hex[PP_HASH_HEX];
    memset(copy.digest, 0, sizeof copy.digest);
    pp_hash_bytes(&copy, sizeof copy, hex);
    if (pp_text_unhex(hex, digest, PP_HASH_BYTES) < 0) memset(digest, 0, PP_HASH_BYTES);
}

static header make_header(const pp_train_clip *clip)
{
    const int usable = clip->state == PP_TRAIN_CLIP_USABLE;
    header h = {.version = VERSION,
                .state = clip->state,
                .rate_hz = (uint32_t)clip->rate_hz,
                .full_scale = clip->full_scale,
                .samples = usable ? (uint64_t)clip->samples : 0,
                .sound_at = sizeof h,
                .pictures = usable ? (uint32_t)clip->pictures : 0,
                .picture_size = (uint32_t)clip->picture_size,
                .interval_s = clip->interval_s,
                .rms = clip->rms};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.pictures_at = pp_align_up(h.sound_at + 2 * h.samples);
    memcpy(h.reason, clip->reason, sizeof h.reason);
    h.reason[sizeof h.reason - 1] = 0;
    digest_of(&h, h.digest);
    return h;
}

static uint64_t picture_bytes(const header *h)
{
    return (uint64_t)h->pictures * h->picture_size * h->picture_size * 3;
}

static pp_status write_all(const pp_fileops *ops, int fd, const void *bytes, size_t length,
                           uint64_t at, const char *path, pp_error *err)
{
    const char *from = bytes;
    while (length > 0) {
        const ssize_t done = ops->pwrite(ops->user, fd, from, length, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return pp_fail_errno(err, "cannot write %s", path);
        from += done;
        at += (uint64_t)done;
        length -= (size_t)done;
    }
    return PP_OK;
}

static pp_status write_parts(const pp_train_clip *clip, const header *h, const pp_fileops *ops,
                             int fd, const char *path, pp_error *err)
{
    const size_t rgb = (size_t)picture_bytes(h);
    pp_status status = write_all(ops, fd, h, sizeof *h, 0, path, err);
    if (status == PP_OK) {
        status = write_all(ops, fd, clip->sound, 2 * (size_t)h->samples, h->sound_at, path, err);
    }
    if (status == PP_OK) status = write_all(ops, fd, clip->rgb, rgb, h->pictures_at, path, err);
    /* without pictures the padding behind the sound would be missing */
    if (status == PP_OK && rgb == 0 && ops->truncate(ops->user, fd, (off_t)h->pictures_at) != 0) {
        status = pp_fail_errno(err, "cannot write %s", path);
    }
    return status;
}

static pp_status write_file(const pp_train_clip *clip, const pp_fileops *ops, const char *temporary,
                            const char *path, pp_error *err)
{
    const header h = make_header(clip);
    const int fd = ops->open(ops->user, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return pp_fail_errno(err, "cannot create %s", temporary);
    pp_status status = write_parts(clip, &h, ops, fd, path, err);
    if (ops->close(ops->user, fd) != 0 && status == PP_OK) {
        status = pp_fail_errno(err, "cannot close %s", path);
    }
    if (status != PP_OK) {
        ops->unlink(ops->user, temporary);
        return status;
    }
    return pp_commit_rename(ops, temporary, path, err);
}

pp_status pp_train_clip_write(const pp_train_clip *clip, const pp_fileops *ops, const char *path,
                              pp_error *err)
{
    char *folder = pp_path_folder(path), *temporary = pp_commit_temporary(path);
    pp_status status = folder != NULL && temporary != NULL
                           ? pp_path_make_folders(folder, err)
                           : pp_fail(err, PP_ERR_NOMEM, "no memory to write %s", path);
    if (status == PP_OK) status = write_file(clip, ops, temporary, path, err);
    pp_free(folder), pp_free(temporary);
    return status;
}

static pp_status check_header(const header *h, uint64_t size, const char *path, pp_error *err)
{
    unsigned char digest[PP_HASH_BYTES];
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: not a clip of a training cache", path);
    }
    if (h->version != VERSION) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: version %u of a cached clip, %d is read", path,
                       h->version, VERSION);
    }
    digest_of(h, digest);
    const int sane =
        memcmp(digest, h->digest, sizeof digest) == 0 && h->state < PP_TRAIN_CLIP_STATES &&
        h->samples <= MOST_SAMPLES && h->pictures <= MOST_PICTURES &&
        h->picture_size <= MOST_PICTURE_SIZE && h->sound_at == sizeof *h &&
        h->pictures_at == pp_align_up(h->sound_at + 2 * (size_t)h->samples) &&
        size == h->pictures_at + picture_bytes(h) && h->rate_hz >= 1 && h->rate_hz <= 1000000 &&
        isfinite(h->full_scale) && (h->pictures == 0 || h->interval_s > 0) &&
        memchr(h->reason, 0, sizeof h->reason) != NULL;
    if (sane) return PP_OK;
    pp_fail(err, PP_ERR_FORMAT, "%s: a damaged clip of a training cache", path);
    return pp_advise(err, "delete it: the next start decodes the video again");
}

static void borrow(pp_train_clip *clip, const header *h)
{
    clip->state = (pp_train_clip_state)h->state;
    clip->rate_hz = (int)h->rate_hz;
    clip->full_scale = h->full_scale;
    clip->rms = h->rms;
    clip->samples = (int64_t)h->samples;
    clip->sound = (const int16_t *)((const char *)clip->mapping + h->sound_at);
    clip->pictures = (int)h->pictures;
    clip->picture_size = (int)h->picture_size;
    clip->interval_s = h->interval_s;
    clip->rgb = (const uint8_t *)clip->mapping + h->pictures_at;
    memcpy(clip->reason, h->reason, sizeof clip->reason);
}

pp_status pp_train_clip_open(pp_train_clip *clip, const char *path, pp_error *err)
{
    struct stat facts;
    memset(clip, 0, sizeof *clip);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pp_fail_errno(err, "cannot open %s", path);
    pp_status status = PP_OK;
    if (fstat(fd, &facts) != 0) {
        status = pp_fail_errno(err, "cannot read %s", path);
    } else if (facts.st_size < (off_t)sizeof(header)) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: too short for a cached clip", path);
    } else {
        void *mapping = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (mapping == MAP_FAILED) {
            status = pp_fail_errno(err, "cannot map %s", path);
        } else {
            clip->mapping = mapping;
            clip->mapped_bytes = (size_t)facts.st_size;
        }
    }
    close(fd);
    if (status != PP_OK) return status;
    header h;
    memcpy(&h, clip->mapping, sizeof h);
    status = check_header(&h, clip->mapped_bytes, path, err);
    if (status == PP_OK) borrow(clip, &h);
    return status;
}

void pp_train_clip_close(pp_train_clip *clip)
{
    if (clip->mapping != NULL) munmap(clip->mapping, clip->mapped_bytes);
    memset(clip, 0, sizeof *clip);
}

char *pp_train_clip_path(const char *folder, const char *const *depends_on, int count)
{
    pp_hash *hash;
    char hex[PP_HASH_HEX];
    pp_error err = {0};
    if (pp_hash_create(&hash, &err) != PP_OK) return NULL;
    for (int i = 0; i < count; i++) pp_hash_add_text(hash, depends_on[i]);
    pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
    return pp_format("%s/%.2s/%.32s.ppclip", folder, hex, hex);
}
