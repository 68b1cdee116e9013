#include "media/session.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/channel.h"

/* ---- the end ---------------------------------------------------------------------------------*/

static void close_socket(pp_media *media)
{
    if (media->socket >= 0) close(media->socket);
    media->socket = -1;
}

/* Keeps the failure for later calls and hands it to the caller. */
static pp_status keep(pp_media *media, const pp_error *failure, pp_error *err)
{
    media->failure = *failure;
    pp_error_prefix(&media->failure, "%s: ", media->shown);
    return pp_session_check(media, err);
}

pp_status pp_session_check(const pp_media *media, pp_error *err)
{
    if (media->failure.status == PP_OK) return PP_OK;
    pp_fail(err, media->failure.status, "%s", media->failure.message);
    return pp_advise(err, "%s", media->failure.advice);
}

static void explain_signal(int number, const pp_ended *ended, pp_error *failure)
{
    if (number == SIGXCPU) {
        pp_fail(failure, PP_ERR_LIMIT, "decoding took more processor time than allowed (%.0f s)",
                ended->cpu_s);
        pp_advise(failure, "the video is damaged or very costly to decode: convert it to H.264 and "
                           "AAC first, or raise the limit");
    } else if (number == SIGKILL) {
        pp_fail(failure, PP_ERR_CRASH,
                "the decoder was killed (signal 9): by hand, or by a system "
                "that ran out of memory");
        pp_advise(failure, "it will be tried again; give the job more memory or fewer ranks a node "
                           "if this goes on");
    } else if (number == SIGSYS) {
        pp_fail(failure, PP_ERR_CRASH, "the decoder was stopped by its sandbox");
        pp_advise(failure, "the video may be malicious: treat it with care");
    } else {
        pp_fail(failure, PP_ERR_CRASH, "the decoder crashed (signal %d, %s)", number,
                strsignal(number));
        pp_advise(failure,
                  "the video is probably damaged: convert it with 'ffmpeg -i FILE OUT.mp4' "
                  "and use the result");
    }
}

static void explain(const pp_ended *ended, pp_error *failure)
{
    int status = ended->wait_status;
    if (!ended->known) {
        pp_fail(failure, PP_ERR_CRASH, "the decoder and its supervisor are gone");
        pp_advise(failure, "they were killed from outside; it will be tried again");
    } else if (WIFSIGNALED(status)) {
        explain_signal(WTERMSIG(status), ended, failure);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == PP_EXIT_NOMEM) {
        pp_fail(failure, PP_ERR_LIMIT, "decoding it needs more memory than its limit");
        pp_advise(failure, "the video is damaged or has huge pictures: make them smaller first");
    } else {
        pp_fail(failure, PP_ERR_CRASH, "the decoder ended without an answer (status %d)",
                WIFEXITED(status) ? WEXITSTATUS(status) : status);
        pp_advise(failure, "it will be tried again");
    }
}

static pp_status has_died(pp_media *media, pp_error *err)
{
    pp_error failure = {0};
    pp_ended ended;
    close_socket(media);
    pp_client_end(media->decoder, 2, &ended); /* it has ended, or is about to */
    explain(&ended, &failure);
    return keep(media, &failure, err);
}

static pp_status hangs(pp_media *media, double waited_s, pp_error *err)
{
    pp_error failure = {0};
    pp_ended ended;
    close_socket(media);
    pp_client_end(media->decoder, 0, &ended);
    pp_fail(&failure, PP_ERR_TIMEOUT, "the decoder gave no result for %.3g s", waited_s);
    pp_advise(&failure, "the video may be damaged, or its disk too slow: copy it nearer, or raise "
                        "the time limit");
    return keep(media, &failure, err);
}

pp_status pp_session_lie(pp_media *media, const char *what, pp_error *err)
{
    pp_error failure = {0};
    pp_session_end(media);
    pp_fail(&failure, PP_ERR_CRASH, "the decoder answered nonsense (%s)", what);
    pp_advise(&failure, "the video is damaged or malicious: treat it with care");
    return keep(media, &failure, err);
}

void pp_session_end(pp_media *media)
{
    if (media->socket < 0) return;
    pp_ended ended;
    close_socket(media);
    pp_client_end(media->decoder, 0, &ended);
    if (media->failure.status != PP_OK) return;
    pp_fail(&media->failure, PP_ERR_USAGE, "%s: is closed", media->shown);
}

/* ---- reports ---------------------------------------------------------------------------------*/

/* The worker's words, made safe to print. */
static void clean_text(char *to, size_t room, const char *from, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length && from[i] != '\0' && n + 1 < room; i++) {
        unsigned char c = (unsigned char)from[i];
        to[n++] = (char)(isprint(c) ? c : '?');
    }
    to[n] = '\0';
}

static pp_status has_failed(pp_media *media, const pp_failure *said, pp_error *err)
{
    char message[sizeof said->message + 1], advice[sizeof said->advice + 1];
    clean_text(message, sizeof message, said->message, sizeof said->message);
    clean_text(advice, sizeof advice, said->advice, sizeof said->advice);
    pp_status status = PP_ERR_MEDIA;
    if (said->status == PP_ERR_LIMIT || said->status == PP_ERR_NOMEM) status = PP_ERR_LIMIT;
    if (said->status == PP_ERR_IO) status = PP_ERR_IO;
    pp_error failure = {0};
    pp_fail(&failure, status, "%s", message);
    pp_advise(&failure, "%s", advice);
    if (advice[0] == '\0' && status == PP_ERR_LIMIT) {
        pp_advise(&failure, "the video is damaged or very large: make it smaller first, or raise "
                            "the decoder's memory limit");
    }
    pp_ended ended;
    close_socket(media);
    pp_client_end(media->decoder, 0, &ended);
    return keep(media, &failure, err);
}

pp_status pp_session_next(pp_media *media, double patience_s, pp_report *report, pp_error *err)
{
    pp_status status = pp_session_check(media, err);
    if (status != PP_OK) return status;
    double wall_s = media->job.limits.wall_s, start_s = pp_clock_s();
    for (;;) {
        switch (pp_channel_receive(media->socket, report, sizeof *report, NULL, 0, NULL, wall_s)) {
        case PP_HEARD_NOTHING:
            return hangs(media, wall_s, err);
        case PP_HEARD_END:
            return has_died(media, err);
        case PP_HEARD_NONSENSE:
            return pp_session_lie(media, "a message of the wrong size", err);
        case PP_HEARD_MESSAGE:
            break;
        }
        if (report->kind == PP_REPORT_FAILED) return has_failed(media, &report->as.failure, err);
        if (report->kind != PP_REPORT_ALIVE) return PP_OK;
        double waited_s = pp_clock_s() - start_s;
        if (waited_s > wall_s + patience_s) return hangs(media, waited_s, err);
    }
}

pp_status pp_session_ask(pp_media *media, const pp_ask *ask, pp_error *err)
{
    pp_status status = pp_session_check(media, err);
    if (status != PP_OK) return status;
    if (pp_channel_send(media->socket, ask, sizeof *ask, NULL, 0, 0) == 0) return PP_OK;
    /* a worker that reads nothing has a full socket: it hangs */
    if (errno == EAGAIN) return hangs(media, 0, err);
    return has_died(media, err);
}

pp_status pp_session_take(pp_media *media, const pp_report *report, size_t bytes, pp_error *err)
{
    if (report->slot >= PP_SLOTS || bytes > media->job.slot_bytes) {
        return pp_session_lie(media, "a slot that is not there", err);
    }
    memcpy(media->copy, media->slots + report->slot * media->job.slot_bytes, bytes);
    pp_ask ask = {.kind = PP_ASK_FREE, .slot = report->slot};
    return pp_session_ask(media, &ask, err);
}
