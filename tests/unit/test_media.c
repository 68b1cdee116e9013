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

static media_scan scan_with(const char *path, const pp_media_options *options)
{
    pp_error err = {0};
    pp_media *media = NULL;
    media_scan scan = {0};
    if (pp_media_open(&media, decoder, path, options, &err) != PP_OK ||
        media_scan_all(media, 1, &scan, &err) != PP_OK) {
        fail_msg("%s", err.message);
    }
    pp_media_close(&media);
    return scan;
}

/* What the ffmpeg program does right with time stamps, to the sample. */
static void stamps_of_every_kind(void **state)
{
    (void)state;
    static const kind odd[] = {
        {"late.mp4", PICTURE "-itsoffset 1.2345 " TWO_TONES "-c:v mpeg4 -c:a aac -t 5"},
        {"late.mkv", PICTURE "-itsoffset 2 " TWO_TONES "-c:v mpeg4 -c:a libvorbis -t 6"},
        {"late-picture.mp4", "-itsoffset 1 " PICTURE TWO_TONES "-c:v mpeg4 -c:a aac"},
        {"two-days.mp4", PICTURE TWO_TONES "-c:v mpeg4 -c:a aac -output_ts_offset 172800"},
        {"two-days.mkv", PICTURE TWO_TONES "-c:v mpeg4 -c:a aac -output_ts_offset 172800"},
        {"offset.ts", PICTURE TWO_TONES "-c:v mpeg2video -c:a mp2 -output_ts_offset 50000"},
        {"gaps.mkv",
         PICTURE TWO_TONES "-af \"aselect='not(between(t,1,1.7))'\" -c:v mpeg4 -c:a pcm_s16le"},
        {"one-frame.mp4",
         "-f lavfi -i testsrc2=s=64x64:r=25:d=0.04 " TWO_TONES "-c:v mpeg4 -c:a aac"},
        {"fifth.mp4", "-f lavfi -i testsrc2=s=64x64:r=25:d=0.2 -f lavfi -i sine=d=0.2 -c:v mpeg4 "
                      "-c:a aac"},
    };
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        char *path = media_make(odd[k].name, odd[k].arguments);
        media_scan scan = scan_with(path, &usual);
        sound_is_ffmpegs(path, &scan, -1);
        media_scan_free(&scan);
        pp_free(path);
    }
}

/* Level of the frequency in a part of the sound, 0 dB: a sine of amplitude 1. */
static double level_db(const float *sound, double from_s, double to_s, double hz)
{
    double re = 0, im = 0;
    int64_t first = (int64_t)(from_s * RATE), last = (int64_t)(to_s * RATE);
    for (int64_t i = first; i < last; i++) {
        re += sound[i] * cos(2 * 3.14159265358979 * hz * (double)i / RATE);
        im += sound[i] * sin(2 * 3.14159265358979 * hz * (double)i / RATE);
    }
    return 20 * log10(2 * sqrt(re * re + im * im) / (double)(last - first) + 1e-9);
}

static void tracks_can_be_chosen(void **state)
{
    (void)state;
    char *path = media_make("tracks.mkv",
                            PICTURE "-f lavfi -i sine=f=500:d=3 -f lavfi -i sine=f=1500:d=3 -map 0 "
                                    "-map 1 -map 2 -c:v mpeg4 -c:a flac -disposition:a:0 0 "
                                    "-disposition:a:1 default");
    for (int track = -1; track < 2; track++) {
        pp_media_options options = usual;
        options.audio_track = track;
        media_scan scan = scan_with(path, &options);
        sound_is_ffmpegs(path, &scan, track);
        double low = level_db(scan.sound, 1, 2, 500), high = level_db(scan.sound, 1, 2, 1500);
        assert_true(track == 0 ? low > high + 40 : high > low + 40);
        media_scan_free(&scan);
    }
    pp_error err = {0};
    pp_media *media = NULL;
    pp_media_options options = usual;
    options.audio_track = 2;
    assert_int_equal(pp_media_open(&media, decoder, path, &options, &err), PP_ERR_MEDIA);
    assert_non_null(strstr(err.message, "has no audio track 2: it has 2"));
    pp_free(path);
}

/* A part gives the very samples of the whole, and its own grid. */
static void parts_are_cut_to_the_sample(void **state)
{
    (void)state;
    char *path = media_make("part.mp4", PICTURE TWO_TONES "-c:v mpeg4 -g 10 -c:a aac");
    media_scan whole = scan_with(path, &usual);
    pp_media_options options = usual;
    options.start_s = 0.7;
    options.end_s = 2.3;
    media_scan part = scan_with(path, &options);
    int64_t first = llrint(0.7 * RATE), last = llrint(2.3 * RATE);
    assert_int_equal(part.result.samples, last - first);
    assert_memory_equal(part.sound, whole.sound + first, (size_t)(last - first) * sizeof(float));
    assert_int_equal(part.result.pictures, 2);
    assert_true(fabs(part.result.plan[1].shown_s - 1) <= 0.25);
    assert_true(part.result.plan[1].pts > whole.result.plan[1].pts);
    media_scan_free(&part);
    options.start_s = 100;
    options.end_s = 0;
    pp_error err = {0};
    pp_media *media = NULL;
    assert_int_equal(pp_media_open(&media, decoder, path, &options, &err), PP_OK);
    assert_int_equal(media_scan_all(media, 1, &part, &err), PP_ERR_MEDIA);
    assert_non_null(strstr(err.message, "no sound in the wanted part"));
    pp_media_close(&media);
    media_scan_free(&whole);
    pp_free(path);
}

/* Channels and rate change on the way: the sound goes on, in step. */
static void changes_on_the_way(void **state)
{
    (void)state;
    char *one = media_make("one.ts", "-f lavfi -i testsrc2=s=64x64:d=2 -f lavfi -i "
                                     "sine=f=700:d=2:r=44100 -c:v mpeg2video -c:a mp2");
    char *two = media_make("two.ts", "-f lavfi -i testsrc2=s=64x64:d=2 -f lavfi -i "
                                     "sine=f=1100:d=2:r=48000 -c:v mpeg2video -c:a mp2 -ac 2 "
                                     "-output_ts_offset 2");
    char *path = media_path("changes.ts");
    media_run("cat '%s' '%s' '%s' > '%s'", one, two, one, path);
    media_scan scan = scan_with(path, &usual);
    double seconds = (double)scan.result.samples / RATE;
    if (!(seconds > 5.9 && seconds < 6.3)) fail_msg("%.3f s", seconds);
    static const double tones[3] = {700, 1100, 700};
    for (int part = 0; part < 3; part++) {
        double at = 2.04 * part + 0.3;
        assert_true(level_db(scan.sound, at, at + 1.4, tones[part]) > -25);
        assert_true(level_db(scan.sound, at, at + 1.4, 1800 - tones[part]) < -45);
    }
    media_scan_free(&scan);
    pp_free(one);
    pp_free(two);
    pp_free(path);
}

/* Stamps that jump by hours, both ways: nothing is filled, nothing is lost. */
static void jumps_do_not_explode(void **state)
{
    (void)state;
    char *one = media_make("now.ts", "-f lavfi -i testsrc2=s=64x64:d=2 -f lavfi -i sine=d=2 -c:v "
                                     "mpeg2video -c:a mp2");
    char *two = media_make("later.ts", "-f lavfi -i testsrc2=s=64x64:d=2 -f lavfi -i sine=d=2 -c:v "
                                       "mpeg2video -c:a mp2 -output_ts_offset 36000");
    char *path = media_path("jumps.ts");
    media_run("cat '%s' '%s' '%s' > '%s'", one, two, one, path);
    media_scan scan = scan_with(path, &usual);
    double seconds = (double)scan.result.samples / RATE;
    if (!(seconds > 5.9 && seconds < 6.3)) fail_msg("%.3f s", seconds);
    assert_int_equal(scan.result.plan[0].only_reference & 2, 2);
    media_scan_free(&scan);
    /* sound that begins hours behind pictures that are over by then */
    char *late =
        media_make("hours.mkv", "-f lavfi -i testsrc2=s=64x64:d=2 -itsoffset 36000 -f lavfi "
                                "-i sine=d=2 -c:v mpeg4 -c:a flac");
    scan = scan_with(late, &usual);
    assert_in_range(scan.result.samples, 2 * RATE - 500, 2 * RATE + 500);
    media_scan_free(&scan);
    pp_free(late);
    pp_free(one);
    pp_free(two);
    pp_free(path);
}

/* Samples that are no numbers become silence; layouts that nothing can mix are averaged. */
static void odd_samples_and_layouts(void **state)
{
    (void)state;
    char *raw = media_path("odd.raw");
    FILE *file = fopen(raw, "wb");
    assert_non_null(file);
    for (int i = 0; i < 48000; i++) {
        float sample = i >= 20000 && i < 20010 ? NAN : i == 30000 ? INFINITY : 0.25F;
        fwrite(&sample, sizeof sample, 1, file);
    }
    fclose(file);
    char *arguments = pp_format("-f lavfi -i testsrc2=s=64x64:d=1 -f f32le -ar 48000 -ac 1 -i '%s' "
                                "-c:v mpeg4 -c:a pcm_f32le",
                                raw);
    char *path = media_make("odd.mkv", arguments);
    media_scan scan = scan_with(path, &usual);
    assert_in_range(scan.result.bad_samples, 2, 200);
    for (int64_t i = 0; i < scan.result.samples; i++) assert_true(fabsf(scan.sound[i]) < 1);
    media_scan_free(&scan);
    pp_free(arguments);
    arguments = pp_format("-f lavfi -i testsrc2=s=64x64:d=1 -f f32le -ar 4800 -ac 10 -i '%s' "
                          "-c:v mpeg4 -c:a pcm_f32le -f matroska",
                          raw);
    pp_free(path);
    path = media_make("ten.mkv", arguments);
    scan = scan_with(path, &usual);
    assert_in_range(scan.result.samples, RATE - 50, RATE + 50);
    assert_true(fabsf(scan.sound[2000] - 0.25F) < 0.01F);
    media_scan_free(&scan);
    pp_free(arguments);
    pp_free(path);
    pp_free(raw);
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
        cmocka_unit_test(every_container_and_codec), cmocka_unit_test(stamps_of_every_kind),
        cmocka_unit_test(tracks_can_be_chosen),      cmocka_unit_test(parts_are_cut_to_the_sample),
        cmocka_unit_test(changes_on_the_way),        cmocka_unit_test(jumps_do_not_explode),
        cmocka_unit_test(odd_samples_and_layouts),   cmocka_unit_test(the_real_video),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
