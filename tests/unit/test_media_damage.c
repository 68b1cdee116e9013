/* media: damaged copies of videos (tests/jobs/damage.py). Each one is decoded or refused with a
 * reason, in bounded time, and the decoder goes on to the next. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "media/media.h"
#include "tests/lib/media_files.h"

enum { RATE = 11025, SIZE = 32, COPIES = 12 };

static const pp_media_options usual = {PP_MEDIA_BOTH, RATE, SIZE, -1, 0, 0};

/* What a decoded one must still be: finite sound, a full plan, every picture delivered. */
static pp_status decode(pp_decoder *decoder, const char *path, pp_error *err)
{
    pp_media *media = NULL;
    media_scan scan = {0};
    pp_status status = pp_media_open(&media, decoder, path, &usual, err);
    if (status == PP_OK) status = media_scan_all(media, 0.4, &scan, err);
    if (status == PP_OK) {
        for (int64_t i = 0; i < scan.result.samples; i++) assert_true(isfinite(scan.sound[i]));
        assert_true(scan.result.pictures >= 1);
        uint8_t *rgb =
            media_pictures_of(media, scan.result.plan, scan.result.pictures, SIZE, NULL, NULL, err);
        status = rgb != NULL ? PP_OK : err->status;
        pp_free(rgb);
    }
    media_scan_free(&scan);
    pp_media_close(&media);
    return status;
}

static char *damage_script(void)
{
    char *folder = NULL, *path = NULL;
    const char *root = getenv("PP_ROOT");
    pp_error err = {0};
    assert_int_equal(pp_path_program_folder(&folder, &err), PP_OK);
    path = root != NULL ? pp_path_join(root, "tests/jobs/damage.py")
                        : pp_path_join(folder, "../../../tests/jobs/damage.py");
    pp_free(folder);
    return path;
}

static void damaged_videos_are_decoded_or_refused(void **state)
{
    (void)state;
#define CLIP "-f lavfi -i testsrc2=s=96x64:r=25:d=4 -f lavfi -i sine=d=4 "
    static const char *const kinds[][2] = {
        {"d.mp4", CLIP "-c:v libx264 -preset veryfast -g 30 -c:a aac -movflags +faststart"},
        {"d.mkv", CLIP "-c:v mpeg4 -bf 2 -c:a libvorbis"},
        {"d.ts", CLIP "-c:v mpeg2video -c:a mp2"},
        {"d.avi", CLIP "-c:v mpeg4 -c:a libmp3lame"},
    };
    char *program = media_program(), *script = damage_script();
    pp_media_limits limits = {.wall_s = 60, .memory_bytes = UINT64_C(1) << 30};
    pp_decoder *decoder = NULL;
    pp_error err = {0};
    int decoded = 0, refused = 0, died = 0;
    assert_int_equal(pp_decoder_create(&decoder, program, &limits, &err), PP_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char *path = media_make(kinds[k][0], kinds[k][1]), *folder = media_path("damaged");
        media_run("rm -rf '%s'; /usr/bin/python3 '%s' '%s' '%s' %d %zu > /dev/null", folder, script,
                  path, folder, COPIES, k + 1);
        for (int i = 0; i < COPIES; i++) {
            char *name = pp_format("damaged-%03d%s", i, strrchr(path, '.'));
            char *copy = pp_path_join(folder, name);
            double start_s = pp_clock_s();
            pp_error_clear(&err);
            pp_status status = decode(decoder, copy, &err);
            assert_true(pp_clock_s() - start_s < 120);
            decoded += status == PP_OK;
            refused += status == PP_ERR_MEDIA || status == PP_ERR_LIMIT;
            died += status == PP_ERR_CRASH;
            if (status != PP_OK && (!*err.message || !*err.advice)) {
                fail_msg("%s (%s): status %d without words: %s", path, name, status, err.message);
            }
            pp_free(copy);
            pp_free(name);
        }
        pp_error_clear(&err);
        if (decode(decoder, path, &err) != PP_OK) fail_msg("%s", err.message);
        pp_free(folder);
        pp_free(path);
    }
    printf("%d decoded, %d refused, %d killed their decoder\n", decoded, refused, died);
    assert_int_equal(decoded + refused + died, COPIES * sizeof kinds / sizeof *kinds);
    assert_true(decoded > 10 && refused > 5);
    pp_decoder_destroy(&decoder);
    pp_free(script);
    pp_free(program);
}

static int start(void **state)
{
    (void)state;
    media_files_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    media_files_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_videos_are_decoded_or_refused)};
    return cmocka_run_group_tests(tests, start, stop);
}
