#include "cluster/messages.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"

enum { HEADER_BYTES = 16, MOST_TEXT = PATH_MAX + 1024 };
static const unsigned char magic[4] = {'P', 'P', 'm', '1'};

/* ---- bytes in and out: one cursor for both directions ------------------------------------------
 *
 * The same function lists the fields of a message for writing and for reading, so that the two
 * cannot disagree. */

typedef struct cursor {
    unsigned char *at, *end; /* at NULL: only counting */
    size_t used;
    int reading, failed;
} cursor;

static void bytes_field(cursor *c, void *value, size_t length)
{
    if (c->at != NULL && (size_t)(c->end - c->at) < length) c->failed = 1;
    if (c->failed) return;
    c->used += length;
    if (c->at == NULL) return;
    if (c->reading) memcpy(value, c->at, length);
    else memcpy(c->at, value, length);
    c->at += length;
}

static void u32_field(cursor *c, uint32_t *value)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(*value >> 8 * i);
    bytes_field(c, bytes, sizeof bytes);
    if (!c->reading || c->failed) return;
    *value = 0;
    for (int i = 0; i < 4; i++) *value |= (uint32_t)bytes[i] << 8 * i;
}

static void u64_field(cursor *c, uint64_t *value)
{
    uint32_t low = (uint32_t)*value, high = (uint32_t)(*value >> 32);
    u32_field(c, &low);
    u32_field(c, &high);
    *value = (uint64_t)high << 32 | low;
}

static void i64_field(cursor *c, int64_t *value)
{
    uint64_t bits = (uint64_t)*value;
    u64_field(c, &bits);
    *value = (int64_t)bits;
}

static void int_field(cursor *c, int *value, int least, int most)
{
    uint32_t bits = (uint32_t)*value;
    u32_field(c, &bits);
    if (!c->reading) return;
    int64_t number = (int32_t)bits;
    if (number < least || number > most) c->failed = 1;
    else *value = (int)number;
}

static void real_field(cursor *c, double *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    u64_field(c, &bits);
    memcpy(value, &bits, sizeof bits);
}

/* A text in a fixed array of `room` bytes. */
static void array_field(cursor *c, char *text, size_t room)
{
    uint32_t length = c->reading ? 0 : (uint32_t)strnlen(text, room - 1);
    u32_field(c, &length);
    if (length >= room) c->failed = 1;
    if (c->failed) return;
    bytes_field(c, text, length);
    if (c->reading && !c->failed) text[length] = '\0';
}

/* A text of any length: borrowed when writing, made (into *owned) when reading. */
static void text_field(cursor *c, const char **text, char **owned)
{
    uint32_t length = c->reading || *text == NULL ? 0 : (uint32_t)strlen(*text);
    u32_field(c, &length);
    if (length > MOST_TEXT) c->failed = 1;
    if (c->failed) return;
    if (!c->reading) {
        bytes_field(c, (void *)(uintptr_t)*text, length);
        return;
    }
    if ((size_t)(c->end - c->at) < length) {
        c->failed = 1;
        return;
    }
    *owned = pp_alloc((size_t)length + 1, 1);
    if (*owned == NULL) c->failed = 1;
    else bytes_field(c, *owned, length);
    *text = *owned;
}

/* ---- the fields of each kind ------------------------------------------------------------------
 */

static void stage_field(cursor *c, pp_stage *stage)
{
    int number = (int)*stage;
    int_field(c, &number, 0, PP_STAGES - 1);
    *stage = (pp_stage)number;
}

static void work_fields(cursor *c, pp_message *m)
{
    pp_lease *work = &m->work;
    int task = (int)m->task;
    int_field(c, &task, PP_TASK_IDENTIFY, PP_TASK_STAGE);
    m->task = (pp_task_kind)task;
    text_field(c, &work->source.path, &m->texts[0]);
    text_field(c, &work->source.id, &m->texts[1]);
    int_field(c, &work->source.audio_track, -1, INT_MAX);
    real_field(c, &work->source.start_s);
    real_field(c, &work->source.end_s);
    array_field(c, work->sha256, sizeof work->sha256);
    stage_field(c, &work->first_stage);
    stage_field(c, &work->last_stage);
    i64_field(c, &work->first_segment);
    i64_field(c, &work->segments);
    int_field(c, &work->force, 0, 1);
    if (c->reading && (work->first_segment < 0 || work->segments < 0)) c->failed = 1;
}

static void result_fields(cursor *c, pp_lease_result *r)
{
    array_field(c, r->sha256, sizeof r->sha256);
    array_field(c, r->identity, sizeof r->identity);
    i64_field(c, &r->size_bytes);
    i64_field(c, &r->mtime_ns);
    real_field(c, &r->duration_s);
    i64_field(c, &r->cut.samples);
    i64_field(c, &r->cut.stft_frames);
    i64_field(c, &r->cut.windows);
    i64_field(c, &r->cut.pictures);
    i64_field(c, &r->cut.segments);
    int_field(c, &r->already_done, 0, 1);
    int_field(c, &r->stopped_after_probe, 0, 1);
    int_field(c, &r->sources, 0, PP_MOST_SOURCES);
    for (int i = 0; i < PP_MOST_SOURCES; i++) {
        real_field(c, &r->source_level_db[i]);
        for (int axis = 0; axis < 2; axis++) {
            double place = (double)r->source_center[i][axis];
            real_field(c, &place);
            r->source_center[i][axis] = (float)place;
        }
    }
    array_field(c, r->archive, sizeof r->archive);
    for (int stage = 0; stage < PP_STAGES; stage++) real_field(c, &r->stage_s[stage]);
}

static void error_fields(cursor *c, pp_error *e)
{
    int status = (int)e->status;
    int_field(c, &status, PP_ERR_INTERNAL, PP_OK);
    e->status = (pp_status)status;
    array_field(c, e->message, sizeof e->message);
    array_field(c, e->advice, sizeof e->advice);
}

static void fields(cursor *c, pp_message *m)
{
    u64_field(c, &m->lease);
    switch (m->kind) {
    case PP_MESSAGE_ALIVE:
        stage_field(c, &m->stage);
        int_field(c, &m->windows, 0, INT_MAX);
        int_field(c, &m->seen, 0, INT_MAX);
        int_field(c, &m->listened, 0, INT_MAX);
        int_field(c, &m->wants_stop, 0, INT_MAX);
        return;
    case PP_MESSAGE_FINISHED:
        real_field(c, &m->seconds);
        result_fields(c, &m->result);
        return;
    case PP_MESSAGE_FAILED:
        real_field(c, &m->seconds);
        stage_field(c, &m->stage);
        error_fields(c, &m->error);
        return;
    case PP_MESSAGE_LEASE:
        work_fields(c, m);
        return;
    case PP_MESSAGE_ASKS:
    case PP_MESSAGE_CANCEL:
    case PP_MESSAGE_WAIT:
        return;
    case PP_MESSAGE_STOP:
        int_field(c, &m->closing_s, 0, INT_MAX);
        return;
    }
    c->failed = 1;
}

/* ---- whole messages ---------------------------------------------------------------------------
 */

static uint32_t fnv1a(const unsigned char *bytes, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

pp_status pp_message_write(void **bytes, size_t *length, const pp_message *message, pp_error *err)
{
    pp_message copy = *message;
    cursor count = {0};
    fields(&count, &copy);
    *bytes = NULL;
    if (count.failed || count.used + HEADER_BYTES > PP_MESSAGE_MOST) {
        return pp_fail(err, PP_ERR_INTERNAL, "a message of kind %d that cannot be sent",
                       (int)message->kind);
    }
    unsigned char *out = pp_alloc(HEADER_BYTES + count.used, 1);
    if (out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a message");
    cursor body = {.at = out + HEADER_BYTES, .end = out + HEADER_BYTES + count.used};
    fields(&body, &copy);
    memcpy(out, magic, sizeof magic);
    cursor header = {.at = out + 4, .end = out + HEADER_BYTES};
    uint32_t kind = (uint32_t)message->kind, size = (uint32_t)count.used;
    uint32_t check = fnv1a(out + HEADER_BYTES, count.used);
    u32_field(&header, &kind);
    u32_field(&header, &size);
    u32_field(&header, &check);
    *bytes = out;
    *length = HEADER_BYTES + count.used;
    return PP_OK;
}

pp_status pp_message_read(pp_message *message, const void *bytes, size_t length, pp_error *err)
{
    *message = (pp_message){0};
    unsigned char *in = (unsigned char *)(uintptr_t)bytes; /* only read */
    uint32_t kind = 0, size = 0, check = 0;
    if (length < HEADER_BYTES || length > PP_MESSAGE_MOST || memcmp(in, magic, 4) != 0) {
        return pp_fail(err, PP_ERR_FORMAT, "a message of %zu bytes that is none of ours", length);
    }
    cursor header = {.at = in + 4, .end = in + HEADER_BYTES, .reading = 1};
    u32_field(&header, &kind);
    u32_field(&header, &size);
    u32_field(&header, &check);
    if (size != length - HEADER_BYTES || check != fnv1a(in + HEADER_BYTES, size)) {
        return pp_fail(err, PP_ERR_FORMAT, "a damaged message of %zu bytes", length);
    }
    message->kind = (pp_message_kind)kind;
    cursor body = {.at = in + HEADER_BYTES, .end = in + length, .reading = 1};
    fields(&body, message);
    if (!body.failed && body.used == size) return PP_OK;
    pp_message_free(message);
    return pp_fail(err, PP_ERR_FORMAT, "a message of kind %u that makes no sense", kind);
}

void pp_message_free(pp_message *message)
{
    if (message == NULL) return;
    for (size_t i = 0; i < 2; i++) PP_FREE(message->texts[i]);
    message->work.source.path = message->work.source.id = NULL;
}
