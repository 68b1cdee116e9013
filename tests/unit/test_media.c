/* media: containers, codecs, rates and layouts through the decoder processes; the sound against the
 * ffmpeg program, to the sample. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "media/media.h"
#include "tests/lib/media_files.h"

enum { RATE = 11025, SIZE = 64 };

static pp_decoder *decoder;

static const pp_media_options usual = {PP_MEDIA_BOTH, RATE, SIZE, -1, 0, 0};

#define PICTURE "-f lavfi -i testsrc2=s=160x120:r=25:d=3 "
#define TWO_TONES                                                                                  \
    "-f lavfi -i "                                                                                 \
    "'aevalsrc=0.4*sin(2*PI*440*t)*(1+sin(3*t))/2|0.3*sin(2*PI*(300+200*t)*t):s=44100:d=3' "

typedef struct kind {
    const char *name, *arguments;
} kind;

static const kind kinds[] = {
    {"h264-aac.mp4", PICTURE TWO_TONES "-c:v libx264 -preset veryfast -bf 2 -c:a aac"},
    {"vp8-vorbis.webm", PICTURE TWO_TONES "-c:v libvpx -deadline realtime -c:a libvorbis"},
    {"mpeg4-flac.mkv", PICTURE TWO_TONES "-c:v mpeg4 -bf 2 -c:a flac"},
    {"prores-pcm.mov", PICTURE TWO_TONES "-c:v prores_ks -c:a pcm_s16le"},
    {"mpeg2-mp2.ts", PICTURE TWO_TONES "-c:v mpeg2video -bf 2 -c:a mp2"},
    {"h264-aac.ts", PICTURE TWO_TONES "-c:v libx264 -preset veryfast -c:a aac"},
    {"mpeg2-mp2.mpg", PICTURE TWO_TONES "-c:v mpeg2video -c:a mp2"},
    {"mpeg4-mp3.avi", PICTURE TWO_TONES "-c:v mpeg4 -bf 2 -c:a libmp3lame"},
    {"theora-vorbis.ogg", PICTURE TWO_TONES "-c:v libtheora -c:a libvorbis"},
    {"flv1-mp3.flv", PICTURE TWO_TONES "-c:v flv -c:a libmp3lame -ar 44100"},
    {"ffv1-opus.mkv", PICTURE TWO_TONES "-c:v ffv1 -c:a libopus -ar 48000"},
    {"wmv.wmv", PICTURE TWO_TONES "-c:v wmv2 -c:a wmav2"},
    {"mjpeg-u8-mono-8k.avi", PICTURE TWO_TONES "-c:v mjpeg -c:a pcm_u8 -ar 8000 -ac 1"},
    {"x265-ac3-5.1.mp4", PICTURE TWO_TONES
     "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a ac3 -ac 6 -ar 48000"},
    {"vp9-96k-s24.mkv",
     PICTURE TWO_TONES "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a pcm_s24le -ar 96000"},
    {"mpeg2-pcm.mxf", PICTURE TWO_TONES "-c:v mpeg2video -c:a pcm_s16le -ar 48000"},
};

/* As long as ffmpeg's, and nowhere different by more than -60 dB of it. */
static void sound_is_ffmpegs(const char *path, const media_scan *scan, int track)
{
    int64_t samples = 0;
    float *reference = media_reference_sound(path, RATE, track, &samples);
    double db = media_difference_db(
        scan->sound, reference, samples < scan->result.samples ? samples : scan->result.samples);
    if (samples != scan->result.samples || !(db < -60)) {
        fail_msg("%s: %ld samples, ffmpeg has %ld; difference %.1f dB", path,
                 (long)scan->result.samples, (long)samples, db);
    }
    pp_free(reference);
}

static void every_container_and_codec(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char *path = media_make(kinds[k].name, kinds[k].arguments);
        pp_error err = {0};
        pp_media *media = NULL;
        media_scan scan = {0};
        int missing = 0, neighbours = 0;
        if (pp_media_open(&media, decoder, path, &usual, &err) != PP_OK ||
            media_scan_all(media, 0.5, &scan, &err) != PP_OK) {
            fail_msg("%s", err.message);
        }
        sound_is_ffmpegs(path, &scan, -1);
        const pp_media_info *info = pp_media_get_info(media);
        assert_int_equal(info->width, 160);
        assert_int_equal(info->height, 120);
        assert_false(scan.result.truncated);
        assert_in_range(scan.result.pictures, 6, 7);
        uint8_t *rgb = media_pictures_of(media, scan.result.plan, scan.result.pictures, SIZE,
                                         &missing, &neighbours, &err);
        if (rgb == NULL) fail_msg("%s", err.message);
        if (missing + neighbours != 0) {
            fail_msg("%s: %d pictures missing, %d by a neighbour", path, missing, neighbours);
        }
        pp_free(rgb);
        media_scan_free(&scan);
        pp_media_close(&media);
        pp_free(path);
    }
}

static void the_real_video(void **state)
{
    (void)state;
    const char *shared = getenv("PP_SHARED");
    char *path =
        pp_path_join(shared != NULL ? shared : "../shared", "samples/big-buck-bunny-480p-30s.mp4");
    if (!pp_path_exists(path)) {
        printf("%s is not here: not compared\n", path);
        pp_free(path);
        skip();
    }
    pp_error err = {0};
    pp_media *media = NULL;
    media_scan scan = {0};
    assert_int_equal(pp_media_open(&media, decoder, path, &usual, &err), PP_OK);
    assert_int_equal(media_scan_all(media, 2, &scan, &err), PP_OK);
    sound_is_ffmpegs(path, &scan, -1);
    assert_int_equal(scan.result.pictures, 16);
    media_scan_free(&scan);
    pp_media_close(&media);
    pp_free(path);
}

static int start(void **state)
{
    (void)state;
    pp_error err = {0};
    char *program = media_program();
    media_files_start();
    pp_status status = pp_decoder_create(&decoder, program, NULL, &err);
    if (status != PP_OK) fprintf(stderr, "%s\n", err.message);
    pp_free(program);
    return status;
}

static int stop(void **state)
{
    (void)state;
    pp_decoder_destroy(&decoder);
    media_files_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_container_and_codec),
        cmocka_unit_test(the_real_video),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
