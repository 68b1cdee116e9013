#include "eval/protocol.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/random.h"
#include "eval/methods.h"

enum { STREAM_SHUFFLE = 1 << 20 }; /* apart from the streams that draw the mixtures */

pp_status pp_protocol_create(pp_protocol **out, pp_error *err)
{
    pp_status status = pp_alloc_checked((void **)out, 1, sizeof **out, "protocol", err);
    if (status != PP_OK) return status;
    pp_protocol *p = *out;
    p->seed = 1;
    p->rate_hz = 11025;
    p->silence_db = -60.0;
    p->filter_taps = 512;
    p->methods = PP_METHODS_ALL;
    p->nmf = PP_PROTOCOL_NMF;
    p->nmf_blind = PP_PROTOCOL_NMF_BLIND;
    return PP_OK;
}

void pp_protocol_destroy(pp_protocol **protocol)
{
    pp_protocol *p = *protocol;
    if (p == NULL) return;
    for (size_t i = 0; i < p->file_count; i++) pp_free(p->files[i].path);
    for (size_t i = 0; i < p->refusal_count; i++) pp_free(p->refusals[i].reason);
    pp_free(p->files);
    pp_free(p->mixtures);
    pp_free(p->refusals);
    PP_FREE(*protocol);
}

pp_status pp_protocol_add_file(pp_protocol *p, const char *path, int32_t *index, pp_error *err)
{
    char *absolute = pp_path_absolute(path);
    if (absolute == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    for (size_t i = 0; i < p->file_count; i++) {
        if (strcmp(p->files[i].path, absolute) != 0) continue;
        *index = (int32_t)i;
        pp_free(absolute);
        return PP_OK;
    }
    pp_status status =
        pp_grow((void **)&p->files, &p->file_room, p->file_count + 1, sizeof *p->files, err);
    if (status != PP_OK) {
        pp_free(absolute);
        return status;
    }
    p->files[p->file_count].path = absolute;
    *index = (int32_t)p->file_count++;
    return PP_OK;
}

pp_status pp_protocol_add_mixture(pp_protocol *p, const pp_protocol_mixture *mixture, pp_error *err)
{
    pp_status status = pp_grow((void **)&p->mixtures, &p->mixture_room, p->mixture_count + 1,
                               sizeof *p->mixtures, err);
    if (status == PP_OK) p->mixtures[p->mixture_count++] = *mixture;
    return status;
}

pp_status pp_protocol_refuse(pp_protocol *p, int32_t file, int64_t start, const char *reason,
                             pp_error *err)
{
    pp_status status = pp_grow((void **)&p->refusals, &p->refusal_room, p->refusal_count + 1,
                               sizeof *p->refusals, err);
    if (status != PP_OK) return status;
    char *words = pp_strdup(reason);
    if (words == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a protocol");
    p->refusals[p->refusal_count++] = (pp_protocol_refusal){file, start, words};
    return PP_OK;
}

void pp_protocol_shuffle(pp_protocol *p)
{
    for (size_t m = 0; m < p->mixture_count; m++) {
        pp_random random;
        pp_random_seed(&random, p->seed, STREAM_SHUFFLE + m);
        for (int i = 0; i < p->mixtures[m].sources; i++) {
            pp_protocol_source *s = &p->mixtures[m].source[i];
            s->shuffled_mixture = s->shuffled_source = -1;
            if (p->mixture_count < 2) continue;
            size_t other = (size_t)pp_random_below(&random, p->mixture_count - 1);
            if (other >= m) other++;
            s->shuffled_mixture = (int32_t)other;
            s->shuffled_source =
                (int32_t)pp_random_below(&random, (uint64_t)p->mixtures[other].sources);
        }
    }
}

pp_status pp_protocol_check_file(pp_protocol *p, int32_t file, pp_error *err)
{
    pp_protocol_file *f = &p->files[file];
    const int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pp_fail_errno(err, "%s: cannot open", f->path);
    char hex[PP_HASH_HEX];
    uint64_t size = 0;
    pp_status status = pp_hash_fd(fd, f->path, hex, &size, err);
    close(fd);
    if (status != PP_OK) return status;
    if (f->sha256[0] == '\0') memcpy(f->sha256, hex, sizeof hex);
    if (strcmp(f->sha256, hex) == 0) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT,
                   "%s: not the file of the protocol (SHA-256 %.16s..., expected %.16s...)",
                   f->path, hex, f->sha256);
}
