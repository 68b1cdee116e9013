/* pp-decode: FFmpeg, kept apart from the rest of the program.
 *
 *   pp-decode --serve          started by a rank, orders on descriptor 3
 *   pp-decode --try FILE ...   decodes one video under the same limits, and says what happened
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/text.h"
#include "media/decoder/fault.h"
#include "media/decoder/supervisor.h"
#include "media/decoder/try.h"

static const char usage_text[] =
    "usage: pp-decode --try FILE [options]\n"
    "decodes FILE as a job does, in a sandbox and under the same limits, and says what happened.\n"
    "  --audio-track N   the N-th audio track, from 0 (default: as FFmpeg chooses)\n"
    "  --start S --end E a part of the video, in seconds\n"
    "  --interval S      one picture every S seconds (2)\n"
    "  --rate HZ         of the sound (11025)\n"
    "  --size PIXELS     of the pictures (224)\n"
    "  --memory MIB      limit on the decoder's address space (3072)\n"
    "  --wall S          limit on waiting for an answer (60)\n"
    "exit status: 0 decoded, 1 failed, 2 usage\n";

typedef struct arguments {
    const char *try_path;
    int serve;
    double interval_s, memory_mib;
    pp_media_options options;
    pp_media_limits limits;
    pp_faults faults;
} arguments;

static pp_status set_number(arguments *a, int option, const char *text, pp_error *err)
{
    int64_t whole = 0;
    pp_status status;
    switch (option) {
    case 'a':
        status = pp_text_to_int(&whole, text, 0, 1000, "--audio-track", err);
        a->options.audio_track = (int)whole;
        return status;
    case 'r':
        status = pp_text_to_int(&whole, text, 1000, 192000, "--rate", err);
        a->options.rate_hz = (int)whole;
        return status;
    case 'z':
        status = pp_text_to_int(&whole, text, 1, 4096, "--size", err);
        a->options.picture_size = (int)whole;
        return status;
    case 'b':
        return pp_text_to_real(&a->options.start_s, text, 0, 1e6, "--start", err);
    case 'e':
        return pp_text_to_real(&a->options.end_s, text, 0, 1e6, "--end", err);
    case 'i':
        return pp_text_to_real(&a->interval_s, text, 0.02, 1e5, "--interval", err);
    case 'm':
        return pp_text_to_real(&a->memory_mib, text, 64, 1e7, "--memory", err);
    default:
        return pp_text_to_real(&a->limits.wall_s, text, 0.1, 1e6, "--wall", err);
    }
}

/* 0, or the exit status + 1 where the program is to end. */
static int parse(int argc, char **argv, arguments *a)
{
    static const struct option options[] = {
        {"serve", no_argument, NULL, 's'},
        {"try", required_argument, NULL, 't'},
        {"fault", required_argument, NULL, 'f'}, /* for tests: see fault.h */
        {"audio-track", required_argument, NULL, 'a'},
        {"start", required_argument, NULL, 'b'},
        {"end", required_argument, NULL, 'e'},
        {"interval", required_argument, NULL, 'i'},
        {"rate", required_argument, NULL, 'r'},
        {"size", required_argument, NULL, 'z'},
        {"memory", required_argument, NULL, 'm'},
        {"wall", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    pp_error err = {0};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == '?') return 3;
        if (option == 's') a->serve = 1;
        else if (option == 't') a->try_path = optarg;
        else if (option == 'h') return fputs(usage_text, stdout) < 0 ? 2 : 1;
        else if (option == 'v') return printf("pp-decode %s\n", PP_VERSION) < 0 ? 2 : 1;
        else if (option == 'f') {
            if (pp_fault_parse(optarg, &a->faults) != 0) return 3;
        } else if (set_number(a, option, optarg, &err) != PP_OK) {
            fprintf(stderr, "pp-decode: %s\n", err.message);
            return 3;
        }
    }
    if (a->serve != (a->try_path == NULL) || optind != argc) {
        fputs(usage_text, stderr);
        return 3;
    }
    a->limits.memory_bytes = (uint64_t)(a->memory_mib * (1 << 20));
    return 0;
}

/* Where memory runs out the kernel is to take a decoder rather than a rank. Workers inherit it. */
static void offer_to_die_first(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file == NULL) return;
    fputs("1000", file);
    fclose(file);
}

int main(int argc, char **argv)
{
    arguments a = {.interval_s = 2, .options = {PP_MEDIA_BOTH, 11025, 224, -1, 0, 0}};
    int end = parse(argc, argv, &a);
    if (end != 0) return end - 1;
    if (a.try_path != NULL) return pp_try(a.try_path, &a.options, &a.limits, a.interval_s);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    offer_to_die_first();
    return pp_supervise(PP_CONTROL_FD, &a.faults);
}
