/* media: decoders that crash, hang, spin, eat memory, lie, or are killed and stopped from outside:
 * the rank lives, says why, and decodes the next video. Reasons for what cannot be decoded. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "media/media.h"
#include "tests/lib/media_files.h"

enum { RATE = 11025, SIZE = 32 };

static const pp_media_options usual = {PP_MEDIA_BOTH, RATE, SIZE, -1, 0, 0};
static char *good; /* a video that can be decoded */

static pp_decoder *start_decoder(const char *program, const pp_media_limits *limits)
{
    pp_decoder *decoder = NULL;
    pp_error err = {0};
    if (pp_decoder_create(&decoder, program, limits, &err) != PP_OK) fail_msg("%s", err.message);
    return decoder;
}

/* Opens, scans and fetches; the first failure. digest, where wanted: of sound and pictures. */
static pp_status decode_into(char *digest, pp_decoder *decoder, const char *path,
                             const pp_media_options *options, pp_error *err)
{
    pp_media *media = NULL;
    media_scan scan = {0};
    pp_error_clear(err);
    pp_status status = pp_media_open(&media, decoder, path, options, err);
    if (status == PP_OK) status = media_scan_all(media, 0.5, &scan, err);
    if (status == PP_OK) {
        size_t pictures = (size_t)scan.result.pictures, samples = (size_t)scan.result.samples;
        uint8_t *rgb =
            media_pictures_of(media, scan.result.plan, scan.result.pictures, SIZE, NULL, NULL, err);
        status = rgb != NULL ? PP_OK : err->status;
        if (rgb != NULL && digest != NULL) {
            pp_hash_bytes(rgb, pictures * SIZE * SIZE * 3, digest);
            pp_hash_bytes(scan.sound, samples * sizeof *scan.sound, digest + PP_HASH_HEX - 1);
        }
        pp_free(rgb);
    }
    media_scan_free(&scan);
    pp_media_close(&media);
    return status;
}

static pp_status decode(pp_decoder *decoder, const char *path, const pp_media_options *options,
                        pp_error *err)
{
    return decode_into(NULL, decoder, path, options, err);
}

static void decodes_well(pp_decoder *decoder)
{
    pp_error err = {0};
    if (decode(decoder, good, &usual, &err) != PP_OK) fail_msg("%s", err.message);
}

/* ---- misbehaviour ----------------------------------------------------------------------------*/

typedef struct misdeed {
    const char *what;
    pp_status status, or_status;
    const char *words;
} misdeed;

static const misdeed misdeeds[] = {
    {"crash@open", PP_ERR_CRASH, PP_ERR_CRASH, "crashed (signal 11"},
    {"crash@scan", PP_ERR_CRASH, PP_ERR_CRASH, "crashed (signal 11"},
    {"crash@pictures", PP_ERR_CRASH, PP_ERR_CRASH, "crashed (signal 11"},
    {"hang@open", PP_ERR_TIMEOUT, PP_ERR_TIMEOUT, "gave no result for"},
    {"hang@pictures", PP_ERR_TIMEOUT, PP_ERR_TIMEOUT, "gave no result for"},
    {"spin@scan", PP_ERR_TIMEOUT, PP_ERR_TIMEOUT, "gave no result for"},
    {"eat@open", PP_ERR_LIMIT, PP_ERR_LIMIT, "memory"},
    {"eat@scan", PP_ERR_LIMIT, PP_ERR_LIMIT, "memory"},
    {"eat@pictures", PP_ERR_LIMIT, PP_ERR_LIMIT, "memory"},
    {"lie@open", PP_ERR_CRASH, PP_ERR_CRASH, "nonsense"},
    {"lie@scan", PP_ERR_CRASH, PP_ERR_CRASH, "nonsense"},
    {"lie@pictures", PP_ERR_CRASH, PP_ERR_CRASH, "nonsense"},
};

static void misbehaving_workers_cost_one_video(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof misdeeds / sizeof *misdeeds; m++) {
        int hangs = misdeeds[m].status == PP_ERR_TIMEOUT;
        pp_media_limits limits = {.wall_s = hangs ? 2 : 60, .memory_bytes = UINT64_C(200) << 20};
        char *program = media_faulty_program(misdeeds[m].what);
        pp_decoder *decoder = start_decoder(program, &limits);
        for (int again = hangs; again < 2; again++) { /* the supervisor goes on after it */
            pp_error err = {0};
            pp_status status = decode(decoder, good, &usual, &err);
            if ((status != misdeeds[m].status && status != misdeeds[m].or_status) ||
                strstr(err.message, misdeeds[m].words) == NULL || !*err.advice ||
                strstr(err.message, "good") == NULL) {
                fail_msg("%s: status %d: %s (%s)", misdeeds[m].what, status, err.message,
                         err.advice);
            }
        }
        pp_decoder_destroy(&decoder);
        pp_free(program);
    }
}

#ifndef __SANITIZE_ADDRESS__ /* which lifts the limit on memory */
/* FFmpeg gets over many a failed allocation by leaving a picture out: never here. */
static void memory_decides_whether_but_not_what(void **state)
{
    (void)state;
    char *program = media_program();
    char *path = media_make("large.mkv", "-f lavfi -i testsrc2=s=640x360:r=5 -f lavfi -i sine "
                                         "-t 4 -c:v mpeg4 -g 5 -c:a aac");
    char right[2 * PP_HASH_HEX], digest[2 * PP_HASH_HEX];
    int done = 0, short_of_memory = 0;
    pp_error err = {0};
    pp_decoder *decoder = start_decoder(program, NULL);
    assert_int_equal(decode_into(right, decoder, path, &usual, &err), PP_OK);
    pp_decoder_destroy(&decoder);
    for (uint64_t bytes = 256 << 10; bytes <= 5 << 20; bytes += 64 << 10) {
        pp_media_limits limits = {.memory_bytes = bytes};
        decoder = start_decoder(program, &limits);
        pp_status status = decode_into(digest, decoder, path, &usual, &err);
        if (status == PP_OK && strcmp(digest, right) != 0) {
            fail_msg("with %.1f MiB another result", (double)bytes / (1 << 20));
        }
        if (status != PP_OK && status != PP_ERR_LIMIT) fail_msg("%s", err.message);
        if (status == PP_OK) done++;
        else short_of_memory++;
        pp_decoder_destroy(&decoder);
    }
    print_message("decoded %d times, out of memory %d times\n", done, short_of_memory);
    assert_true(done > 0 && short_of_memory > 0);
    pp_free(path);
    pp_free(program);
}
#endif

static void the_sandbox_refuses_files_and_sockets(void **state)
{
    (void)state;
    char *program = media_faulty_program("open@open");
    pp_decoder *decoder = start_decoder(program, NULL);
    decodes_well(decoder);
    pp_decoder_destroy(&decoder);
    pp_free(program);
}

/* ---- killed and stopped from outside ---------------------------------------------------------*/

/* Processes of that name whose parent is `parent` (0: any); their number. */
static int find_processes(const char *name, pid_t parent, pid_t *found, int most)
{
    DIR *proc = opendir("/proc");
    int count = 0;
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        char path[300], text[400] = "", is[64];
        int pid = atoi(entry->d_name), above = 0;
        if (pid <= 0) continue;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        int fd = open(path, O_RDONLY);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
        if (fd >= 0) close(fd);
        char state_of;
        if (got <= 0 || sscanf(text, "%*d (%63[^)]) %c %d", is, &state_of, &above) != 3) continue;
        if (strcmp(is, name) != 0 || state_of == 'Z' || (parent != 0 && above != parent)) continue;
        if (count < most) found[count++] = pid;
    }
    if (proc != NULL) closedir(proc);
    return count;
}

/* The supervisors of this process, of which the first has the other forked. */
static int find_supervisors(pid_t *found)
{
    int count = find_processes("pp-decode", getpid(), found, 1);
    return count + find_processes("pp-decode", found[0], found + count, 1);
}

static pid_t find_worker(void)
{
    pid_t supervisors[2], worker = 0;
    int count = find_supervisors(supervisors);
    for (int i = 0; i < count && worker == 0; i++) {
        find_processes("pp-decode-video", supervisors[i], &worker, 1);
    }
    return worker;
}

typedef struct disturbance {
    int signal_number, at_supervisor;
    int64_t seen;
} disturbance;

/* A sink that does it to the process at work when the first sound comes. */
static pp_status disturb(void *user, const float *samples, int64_t first, int64_t count,
                         pp_error *err)
{
    disturbance *what = user;
    (void)samples, (void)first, (void)err;
    if (what->seen == 0) {
        pid_t supervisors[2] = {0, 0}, worker = find_worker();
        find_supervisors(supervisors);
        pid_t whom = what->at_supervisor ? supervisors[0] : worker;
        if (whom <= 0 || kill(whom, what->signal_number) != 0) fail_msg("no process to disturb");
    }
    what->seen += count;
    return PP_OK;
}

static void killed_and_stopped_while_at_work(void **state)
{
    (void)state;
    static const struct {
        int signal_number, at_supervisor;
        pp_status status;
    } cases[] = {{SIGKILL, 0, PP_ERR_CRASH},
                 {SIGSTOP, 0, PP_ERR_TIMEOUT},
                 {SIGKILL, 1, PP_ERR_CRASH},
                 {SIGSTOP, 1, PP_OK},
                 {SIGABRT, 0, PP_ERR_CRASH}};
    pp_media_limits limits = {.wall_s = 2};
    char *program = media_program();
    char *long_video = media_make("long.mkv", "-f lavfi -i testsrc2=s=32x32:r=2:d=400 -f lavfi -i "
                                              "sine=d=400 -c:v mpeg4 -c:a pcm_s16le");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        pp_decoder *decoder = start_decoder(program, &limits);
        disturbance what = {cases[c].signal_number, cases[c].at_supervisor, 0};
        pp_media *media = NULL;
        pp_media_scan_result result;
        pp_error err = {0};
        assert_int_equal(pp_media_open(&media, decoder, long_video, &usual, &err), PP_OK);
        pp_status status = pp_media_scan(media, 2, disturb, &what, &result, &err);
        if (status != cases[c].status) {
            fail_msg("case %zu: status %d: %s", c, status, err.message);
        }
        if (status == PP_OK) pp_free(result.plan);
        /* later calls say the same */
        pp_error later = {0};
        assert_int_equal(pp_media_scan(media, 2, disturb, &what, &result, &later), status);
        if (status == PP_OK) pp_free(result.plan);
        else assert_string_equal(err.message, later.message);
        pp_media_close(&media);
        decodes_well(decoder); /* the next video, on what is left or was replaced */
        decodes_well(decoder);
        pp_decoder_destroy(&decoder);
    }
    pp_free(long_video);
    pp_free(program);
}

/* Either supervisor dies or stops between videos, again and again. */
static void supervisors_replace_each_other(void **state)
{
    (void)state;
    pp_media_limits limits = {.wall_s = 2};
    char *program = media_program();
    pp_decoder *decoder = start_decoder(program, &limits);
    for (int turn = 0; turn < 4; turn++) {
        pid_t found[8];
        int count = find_supervisors(found);
        if (count < 1) count = find_processes("pp-decode", 0, found, 8);
        assert_true(count >= 1);
        kill(found[turn % count], turn < 2 ? SIGKILL : SIGSTOP);
        pp_clock_sleep_s(0.05);
        decodes_well(decoder);
    }
    pp_decoder_destroy(&decoder);
    pp_free(program);
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    pid_t found[8];
    char *program = media_program();
    int fds_before = 0, fds_after = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) fds_before++;
    closedir(folder);
    pp_decoder *decoder = start_decoder(program, NULL);
    for (int i = 0; i < 3; i++) decodes_well(decoder);
    pp_error err = {0};
    pp_media *media = NULL, *second = NULL;
    assert_int_equal(pp_media_open(&media, decoder, good, &usual, &err), PP_OK);
    assert_int_equal(pp_media_open(&second, decoder, good, &usual, &err), PP_ERR_USAGE);
    assert_true(find_worker() > 0);
    pp_media_close(&media);
    assert_int_equal(find_worker(), 0);
    pp_decoder_destroy(&decoder);
    assert_int_equal(find_processes("pp-decode", getpid(), found, 8), 0);
    folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) fds_after++;
    closedir(folder);
    assert_int_equal(fds_before, fds_after);
    pp_free(program);
}

/* ---- reasons ---------------------------------------------------------------------------------*/

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void replace_bytes(const char *path, const char *from, const char *to)
{
    char *bytes = NULL;
    size_t length = 0;
    pp_error err = {0};
    assert_int_equal(pp_text_read_file(&bytes, &length, path, 1 << 24, &err), PP_OK);
    for (char *at = bytes; (at = memmem(at, length - (size_t)(at - bytes), from, 4)) != NULL;) {
        memcpy(at, to, 4);
    }
    write_file(path, bytes, length);
    pp_free(bytes);
}

static void is_refused(pp_decoder *decoder, const char *path, pp_status status, const char *words)
{
    pp_error err = {0};
    pp_status is = decode(decoder, path, &usual, &err);
    const char *name = pp_path_name(path);
    if (is != status || strstr(err.message, words) == NULL || !*err.advice ||
        strstr(err.message, name) == NULL) {
        fail_msg("%s: status %d, '%s' (advice '%s'), not '%s'", path, is, err.message, err.advice,
                 words);
    }
}

static void every_refusal_says_why_and_what_to_do(void **state)
{
    (void)state;
    char *program = media_program();
    pp_media_limits limits = {.most_pixels = 1000000, .most_streams = 5};
    pp_decoder *decoder = start_decoder(program, &limits);
    char *path = media_path("missing.mp4");
    is_refused(decoder, path, PP_ERR_NOT_FOUND, "there is no such file");
    pp_free(path);
    path = media_path("folder");
    assert_int_equal(mkdir(path, 0755), 0);
    is_refused(decoder, path, PP_ERR_MEDIA, "is a folder");
    pp_free(path);
    path = media_path("pipe.mp4");
    assert_int_equal(mkfifo(path, 0644), 0);
    is_refused(decoder, path, PP_ERR_MEDIA, "is not a regular file");
    pp_free(path);
    path = media_path("empty.mp4");
    write_file(path, "", 0);
    is_refused(decoder, path, PP_ERR_MEDIA, "is empty");
    pp_free(path);
    path = media_path("text.mp4");
    write_file(path, "This is not a video.\n", 21);
    is_refused(decoder, path, PP_ERR_MEDIA, "it looks like text");
    pp_free(path);
    static const char *const playlists[] = {
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/passwd\n",
        "ffconcat version 1.0\nfile "
        "/etc/passwd\n"};
    for (int i = 0; i < 2; i++) {
        path = media_path("list.mp4");
        write_file(path, playlists[i], strlen(playlists[i]));
        is_refused(decoder, path, PP_ERR_MEDIA, "is not a video");
        pp_free(path);
    }
    uint32_t random[20000], seed = 1;
    for (int i = 0; i < 20000; i++) random[i] = seed = seed * 1664525 + 1013904223;
    path = media_path("random.mkv");
    write_file(path, random, sizeof random);
    is_refused(decoder, path, PP_ERR_MEDIA, "is not a video");
    pp_free(path);
    path = media_make("silent.mp4", "-f lavfi -i testsrc2=s=64x64:d=1 -c:v mpeg4");
    is_refused(decoder, path, PP_ERR_MEDIA, "has no sound");
    pp_free(path);
    path = media_make("sound.mp3", "-f lavfi -i sine=d=1 -c:a libmp3lame");
    is_refused(decoder, path, PP_ERR_MEDIA, "has no picture");
    pp_free(path);
    path = media_make("big.mkv", "-f lavfi -i color=s=1200x1000:d=0.2 -f lavfi -i sine=d=0.2 -c:v "
                                 "mpeg4 -c:a flac");
    is_refused(decoder, path, PP_ERR_LIMIT, "larger than the limit of 1000000 pixels");
    pp_free(path);
    path = media_make("streams.mkv", "-f lavfi -i testsrc2=s=64x64:d=0.2 -f lavfi -i sine=d=0.2 "
                                     "-map 0 -map 1 -map 1 -map 1 -map 1 -map 1 -map 1 -c:v mpeg4");
    is_refused(decoder, path, PP_ERR_LIMIT, "streams");
    pp_free(path);
    static const struct {
        const char *from, *to, *words;
    } boxes[] = {{"avc1", "encv", "encrypted"},
                 {"mp4a", "enca", "encrypted"},
                 {"avc1", "zq7x", "unknown codec"},
                 {"moov", "mxxv", "cannot be opened as a video"}};
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++) {
        path = media_make("boxes.mp4",
                          "-f lavfi -i testsrc2=s=64x64:d=1 -f lavfi -i sine -c:v libx264 "
                          "-c:a aac -shortest");
        replace_bytes(path, boxes[b].from, boxes[b].to);
        is_refused(decoder, path, PP_ERR_MEDIA, boxes[b].words);
        pp_free(path);
    }
    if (getuid() != 0) {
        path = media_path("secret.mp4");
        write_file(path, "x", 1);
        chmod(path, 0);
        is_refused(decoder, path, PP_ERR_IO, "Permission denied");
        pp_free(path);
    }
    decodes_well(decoder);
    pp_decoder_destroy(&decoder);
    pp_free(program);
}

static void odd_names_work(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a b 'c' \"d\".mp4", "new\nline.mp4", "caf\xe9 \xff.mp4", "concat:x|y.mp4", "-i", "%d.mp4"};
    char *program = media_program();
    pp_decoder *decoder = start_decoder(program, NULL);
    char longest[256];
    memset(longest, 'x', 255);
    longest[255] = '\0';
    for (size_t n = 0; n <= sizeof names / sizeof *names; n++) {
        char *path = media_path(n < sizeof names / sizeof *names ? names[n] : longest);
        assert_int_equal(link(good, path), 0);
        pp_error err = {0};
        if (decode(decoder, path, &usual, &err) != PP_OK) fail_msg("%s", err.message);
        char *command = pp_media_reproducer(path, &usual);
        assert_non_null(strstr(command, " --try "));
        /* the shell gives the name back byte for byte */
        const char *word = strstr(command, "--try ") + 6;
        char *script = media_path("script.sh"), *echoed = NULL;
        size_t length = 0;
        FILE *file = fopen(script, "w");
        assert_non_null(file);
        fprintf(file, "printf %%s %s > '%s.out'\n", word, script);
        fclose(file);
        media_run("bash '%s' && mv '%s.out' '%s'", script, script, script);
        assert_int_equal(pp_text_read_file(&echoed, &length, script, 1 << 16, &err), PP_OK);
        assert_string_equal(echoed, path);
        pp_free(echoed);
        pp_free(script);
        pp_free(command);
        unlink(path);
        pp_free(path);
    }
    pp_decoder_destroy(&decoder);
    pp_free(program);
}

/* pp-decode --try, the command in OUT/failed. */
static void the_reproducer_shows_it_again(void **state)
{
    (void)state;
    char *program = media_program(), *text = NULL, *log = media_path("try.txt");
    size_t length = 0;
    pp_error err = {0};
    media_run("'%s' --try '%s' > '%s'", program, good, log);
    assert_int_equal(pp_text_read_file(&text, &length, log, 1 << 16, &err), PP_OK);
    assert_non_null(strstr(text, "\nok\n"));
    pp_free(text);
    media_run("'%s' --try /nonexistent > '%s'; test $? = 1", program, log);
    assert_int_equal(pp_text_read_file(&text, &length, log, 1 << 16, &err), PP_OK);
    assert_non_null(strstr(text, "there is no such file"));
    pp_free(text);
    media_run("'%s' --try 2> /dev/null; test $? = 2", program);
    pp_free(log);
    pp_free(program);
}

/* Every system call of a worker, from its sandbox on: none that opens, connects or executes. */
static void workers_open_nothing_and_connect_nowhere(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the leak check does not work under strace */
#endif
    if (system("command -v strace > /dev/null") != 0) {
        printf("strace is not installed: not traced\n");
        skip();
    }
    char *program = media_program(), *log = media_path("calls.txt");
    static const char *const names[] = {"list.m3u8", "good.mp4"};
    char *playlist = media_path(names[0]);
    FILE *file = fopen(playlist, "w");
    assert_non_null(file);
    fprintf(file, "#EXTM3U\n#EXTINF:1,\nfile://%s\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n", good);
    fclose(file);
    for (int n = 0; n < 2; n++) {
        media_run("strace -f -o '%s' '%s' --try '%s' > /dev/null; true", log, program,
                  n == 0 ? playlist : good);
        /* a filter is set: that process is in its sandbox */
        media_run("awk '/SECCOMP_SET_MODE_FILTER.*len=/ { in_it[$1] = 1; next } "
                  "in_it[$1] { calls++ } "
                  "in_it[$1] && /^[0-9]+ +(open|creat|socket|connect|bind|exec|fork|vfork|clone|"
                  "unlink|rename|mkdir|link|symlink|kill)/ { print; bad++ } "
                  "END { exit bad > 0 || calls < 5 }' '%s'",
                  log);
    }
    pp_free(playlist);
    pp_free(log);
    pp_free(program);
}

static void a_missing_program_is_told(void **state)
{
    (void)state;
    pp_decoder *decoder = NULL;
    pp_error err = {0};
    assert_int_equal(pp_decoder_create(&decoder, "/nonexistent/pp-decode", NULL, &err),
                     PP_ERR_NOT_FOUND);
    assert_null(decoder);
    pp_error_clear(&err);
    assert_int_equal(pp_decoder_create(&decoder, "/bin/true", NULL, &err), PP_ERR_CRASH);
    assert_null(decoder);
}

static int start(void **state)
{
    (void)state;
    media_files_start();
    good = media_make("good.mp4", "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 "
                                  "-c:v mpeg4 -c:a aac");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pp_free(good);
    media_files_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misbehaving_workers_cost_one_video),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(memory_decides_whether_but_not_what),
#endif
        cmocka_unit_test(the_sandbox_refuses_files_and_sockets),
        cmocka_unit_test(killed_and_stopped_while_at_work),
        cmocka_unit_test(supervisors_replace_each_other),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(every_refusal_says_why_and_what_to_do),
        cmocka_unit_test(odd_names_work),
        cmocka_unit_test(the_reproducer_shows_it_again),
        cmocka_unit_test(workers_open_nothing_and_connect_nowhere),
        cmocka_unit_test(a_missing_program_is_told),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
