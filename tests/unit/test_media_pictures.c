/* media: pictures. The frames that the plan names, equal however the sequence is cut; shapes,
 * rotation, colours, covers, and videos whose parts are missing. */
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
#include "base/text.h"
#include "media/media.h"
#include "tests/lib/media_files.h"

enum { RATE = 11025, SIZE = 48, BYTES = SIZE * SIZE * 3 };

static pp_decoder *decoder;

static const pp_media_options usual = {PP_MEDIA_BOTH, RATE, SIZE, -1, 0, 0};

#define MOVING "-f lavfi -i testsrc2=s=128x96:r=25:d=6 "
#define TONE "-f lavfi -i sine=d=6 "

static pp_media *open_video(const char *path)
{
    pp_error err = {0};
    pp_media *media = NULL;
    if (pp_media_open(&media, decoder, path, &usual, &err) != PP_OK) fail_msg("%s", err.message);
    return media;
}

static media_scan scan_video(pp_media *media, double interval_s)
{
    pp_error err = {0};
    media_scan scan;
    if (media_scan_all(media, interval_s, &scan, &err) != PP_OK) fail_msg("%s", err.message);
    return scan;
}

static uint8_t *take(pp_media *media, const pp_picture_plan *plan, int64_t count, int *missing,
                     int *neighbours)
{
    pp_error err = {0};
    uint8_t *rgb = media_pictures_of(media, plan, count, SIZE, missing, neighbours, &err);
    if (rgb == NULL) fail_msg("%s", err.message);
    return rgb;
}

/* ---- the right frames, however they are fetched ----------------------------------------------*/

typedef struct kind {
    const char *name, *arguments;
    int exact; /* each frame is compared with ffmpeg's; else stamps are too loose for that */
} kind;

static const kind kinds[] = {
    {"b-frames.mp4", MOVING TONE "-c:v libx264 -preset veryfast -bf 3 -g 40 -c:a aac", 1},
    {"open-gop.mkv",
     MOVING TONE "-c:v libx264 -preset veryfast -bf 3 -g 30 -x264-params open-gop=1 -c:a aac", 1},
    /* references so far apart that others have to serve, some in front of their keyframe */
    {"long-b.mkv",
     MOVING TONE "-c:v libx264 -preset veryfast -bf 16 -g 51 -x264-params "
                 "open-gop=1:b-pyramid=none:b-adapt=0:scenecut=0 -c:a aac",
     1},
    {"one-key.mp4", MOVING TONE "-c:v libx264 -preset veryfast -g 1000 -c:a aac", 1},
    {"hevc.mkv",
     MOVING TONE "-c:v libx265 -preset ultrafast -bf 3 -x265-params log-level=none:keyint=50 -c:a "
                 "aac",
     1},
    {"mpeg2.ts", MOVING TONE "-c:v mpeg2video -bf 2 -g 20 -c:a mp2", 1},
    {"h264.ts", MOVING TONE "-c:v libx264 -preset veryfast -bf 2 -g 50 -c:a aac", 1},
    {"intra-refresh.mp4",
     MOVING TONE "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=30 -c:a aac",
     0},
    {"mpeg4-b.avi", MOVING TONE "-c:v mpeg4 -bf 2 -g 30 -c:a libmp3lame", 0},
    {"vp9.webm",
     MOVING TONE "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 "
                 "-g 60 -c:a libopus",
     1},
    {"theora.ogg", MOVING TONE "-c:v libtheora -g 32 -c:a libvorbis", 1},
    {"spliced.ts", "", 0},
};

/* Two recordings one after the other, the second with stamps of two hours later. */
static char *make_spliced(const char *name)
{
    char *first = media_make("part1.ts", MOVING TONE "-c:v mpeg2video -g 20 -c:a mp2");
    char *second = media_make("part2.ts", MOVING TONE
                              "-vf negate -c:v mpeg2video -g 20 -c:a mp2 -output_ts_offset 7200");
    char *path = media_path(name);
    media_run("cat '%s' '%s' '%s' > '%s'", first, second, first, path);
    pp_free(first);
    pp_free(second);
    return path;
}

/* All frames as the ffmpeg program decodes them, turned into pictures as ours; their stamps. */
static uint8_t *reference_pictures(const char *path, int64_t *stamps, int64_t *count)
{
    char *raw = media_path("frames.rgb"), *times = media_path("frames.txt");
    media_run("ffmpeg -v error -nostdin -y -i '%s' -an -vsync passthrough -vf "
              "'scale=64:48:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact,"
              "crop=48:48:8:0,format=rgb24' -f rawvideo '%s'",
              path, raw);
    media_run("ffprobe -v error -select_streams v -show_entries frame=best_effort_timestamp -of "
              "csv=p=0 '%s' > '%s'",
              path, times);
    char *rgb = NULL, *text = NULL;
    size_t length = 0, text_length = 0;
    pp_error err = {0};
    assert_int_equal(pp_text_read_file(&rgb, &length, raw, 1 << 26, &err), PP_OK);
    assert_int_equal(pp_text_read_file(&text, &text_length, times, 1 << 20, &err), PP_OK);
    *count = (int64_t)(length / BYTES);
    char *at = text;
    for (int64_t i = 0; i < *count; i++) {
        stamps[i] = strtoll(at, &at, 10);
        while (*at != '\0' && *at != '\n') at++;
    }
    pp_free(text);
    pp_free(raw);
    pp_free(times);
    return (uint8_t *)rgb;
}

static double mean_difference(const uint8_t *a, const uint8_t *b)
{
    double sum = 0;
    for (int i = 0; i < BYTES; i++) sum += abs(a[i] - b[i]);
    return sum / BYTES;
}

static void are_the_planned_frames(const char *path, const pp_picture_plan *plan, int64_t count,
                                   const uint8_t *rgb)
{
    static int64_t stamps[1000];
    int64_t frames = 0;
    uint8_t *reference = reference_pictures(path, stamps, &frames);
    for (int64_t i = 0; i < count; i++) {
        int64_t f = 0;
        while (f < frames && stamps[f] != plan[i].pts) f++;
        if (f == frames) fail_msg("%s: no frame has stamp %ld", path, (long)plan[i].pts);
        double off = mean_difference(rgb + i * BYTES, reference + f * BYTES);
        if (off > 0.5) fail_msg("%s: picture %ld differs by %.2f", path, (long)i, off);
    }
    pp_free(reference);
}

/* One picture at a time, and in threes from every start, out of a worker that never scanned. */
static void are_the_same_in_pieces(const char *path, const pp_picture_plan *plan, int64_t count,
                                   const uint8_t *whole)
{
    pp_media *media = open_video(path);
    int missing, neighbours;
    for (int64_t i = count - 1; i >= 0; i--) {
        int64_t piece = i % 2 ? 1 : count - i < 3 ? count - i : 3;
        uint8_t *rgb = take(media, plan + i, piece, &missing, &neighbours);
        if (memcmp(rgb, whole + i * BYTES, (size_t)piece * BYTES) != 0) {
            fail_msg("%s: pictures %ld.. differ when fetched alone", path, (long)i);
        }
        pp_free(rgb);
    }
    pp_media_close(&media);
}

static void pictures_do_not_depend_on_the_cut(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char *path = *kinds[k].arguments ? media_make(kinds[k].name, kinds[k].arguments)
                                         : make_spliced(kinds[k].name);
        pp_media *media = open_video(path);
        media_scan scan = scan_video(media, 0.3);
        const pp_media_scan_result *r = &scan.result;
        int missing, neighbours;
        uint8_t *rgb = take(media, r->plan, r->pictures, &missing, &neighbours);
        pp_media_close(&media);
        /* where a picture is refreshed bit by bit, some frames behind a "key" are not whole yet */
        int excused = strstr(path, "intra-refresh") != NULL;
        if (missing > 0 || (neighbours > 0 && !excused)) {
            fail_msg("%s: %d missing, %d neighbours", path, missing, neighbours);
        }
        if (kinds[k].exact) are_the_planned_frames(path, r->plan, r->pictures, rgb);
        are_the_same_in_pieces(path, r->plan, r->pictures, rgb);
        pp_free(rgb);
        media_scan_free(&scan);
        pp_free(path);
    }
}

/* ---- shapes and colours ----------------------------------------------------------------------*/

/* The first picture of a video of `arguments`, and its info. */
static uint8_t *first_picture(const char *name, const char *arguments, pp_media_info *info)
{
    char *path = media_make(name, arguments);
    pp_media *media = open_video(path);
    media_scan scan = scan_video(media, 2);
    int missing, neighbours;
    uint8_t *rgb = take(media, scan.result.plan, 1, &missing, &neighbours);
    assert_int_equal(missing + neighbours, 0);
    if (info != NULL) *info = *pp_media_get_info(media);
    media_scan_free(&scan);
    pp_media_close(&media);
    pp_free(path);
    return rgb;
}

static void is_coloured(const uint8_t *rgb, int red, int green, int blue, int tolerance)
{
    for (int i = 0; i < BYTES; i += 3) {
        if (abs(rgb[i] - red) > tolerance || abs(rgb[i + 1] - green) > tolerance ||
            abs(rgb[i + 2] - blue) > tolerance) {
            fail_msg("pixel %d is %d %d %d, not %d %d %d", i / 3, rgb[i], rgb[i + 1], rgb[i + 2],
                     red, green, blue);
        }
    }
}

static void shapes_of_every_kind(void **state)
{
    (void)state;
    static const int shapes[][2] = {{1, 1}, {4097, 3}, {3, 4097}, {161, 119}, {2, 1}, {500, 100}};
    static const char *const formats[] = {"yuv420p", "gbrp", "yuv422p10le", "gray"};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        char arguments[400];
        pp_media_info info;
        int width = shapes[s][0], height = shapes[s][1];
        snprintf(arguments, sizeof arguments,
                 "-f lavfi -i color=0x969696:s=%dx%d:r=5:d=0.4 -f lavfi -i sine=d=0.4 -vf "
                 "format=%s,crop=%d:%d:0:0:exact=1 -c:v ffv1 -c:a flac",
                 (width + 2) / 2 * 2, (height + 2) / 2 * 2, formats[s % 4], width, height);
        uint8_t *rgb = first_picture("shape.mkv", arguments, &info);
        assert_int_equal(info.width, width);
        assert_int_equal(info.height, height);
        is_coloured(rgb, 0x96, 0x96, 0x96, 2);
        pp_free(rgb);
    }
}

static void ranges_and_matrices_are_honoured(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p -colorspace bt709 -color_range "
        "tv",
        "scale=out_color_matrix=bt709:out_range=pc,format=yuv444p -colorspace bt709 -color_range "
        "pc",
        "scale=out_color_matrix=bt601:out_range=tv,format=yuv444p -colorspace smpte170m",
        "scale=out_color_matrix=bt601:out_range=pc,format=yuvj444p -color_range pc",
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        char arguments[600];
        snprintf(arguments, sizeof arguments,
                 "-f lavfi -i color=0x20c040:s=96x96:r=5:d=0.4,format=rgb24 -f lavfi -i sine=d=0.4 "
                 "-vf %s -c:v libx264 -qp 1 -c:a flac",
                 forms[f]);
        uint8_t *rgb = first_picture("colour.mkv", arguments, NULL);
        is_coloured(rgb, 0x20, 0xc0, 0x40, 4);
        pp_free(rgb);
    }
}

/* Writes a display matrix into the header of the first track. */
static void set_matrix(const char *path, const int32_t m[4])
{
    char *bytes = NULL;
    size_t length = 0;
    pp_error err = {0};
    assert_int_equal(pp_text_read_file(&bytes, &length, path, 1 << 24, &err), PP_OK);
    char *at = memmem(bytes, length, "tkhd", 4);
    assert_non_null(at);
    static const int places[4] = {0, 1, 3, 4};
    for (int i = 0; i < 4; i++) {
        uint32_t value = (uint32_t)m[i] << 16;
        uint8_t *to = (uint8_t *)at + 44 + 4 * places[i];
        for (int b = 0; b < 4; b++) to[b] = (uint8_t)(value >> (24 - 8 * b));
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    pp_free(bytes);
}

static void pictures_are_turned_upright(void **state)
{
    (void)state;
    static const struct {
        int32_t matrix[4];
        const char *filter; /* what the ffmpeg program calls it */
        int degrees;
    } turns[] = {
        {{0, 1, -1, 0}, "transpose=clock", 90},
        {{-1, 0, 0, -1}, "hflip,vflip", 180},
        {{0, -1, 1, 0}, "transpose=cclock", 270},
        {{-1, 0, 0, 1}, "hflip", 0},
    };
    char *path = media_make("turned.mp4", "-f lavfi -i testsrc2=s=128x96:r=5:d=0.4 -f lavfi -i "
                                          "sine=d=0.4 -c:v libx264 -qp 1 -c:a aac");
    char *still = media_make("upright.mp4", "-f lavfi -i testsrc2=s=128x96:r=5:d=0.4 -f lavfi -i "
                                            "sine=d=0.4 -c:v libx264 -qp 1 -c:a aac");
    for (size_t t = 0; t < sizeof turns / sizeof *turns; t++) {
        char arguments[600];
        int missing, neighbours;
        set_matrix(path, turns[t].matrix);
        pp_media *media = open_video(path);
        assert_int_equal(pp_media_get_info(media)->rotation_degrees, turns[t].degrees);
        assert_int_equal(pp_media_get_info(media)->width, turns[t].degrees % 180 ? 96 : 128);
        media_scan scan = scan_video(media, 2);
        uint8_t *rgb = take(media, scan.result.plan, 1, &missing, &neighbours);
        pp_media_close(&media);
        snprintf(arguments, sizeof arguments, "-i '%s' -vf %s -c:v ffv1 -c:a copy", still,
                 turns[t].filter);
        uint8_t *reference = first_picture("reference.mkv", arguments, NULL);
        double off = mean_difference(rgb, reference);
        if (off > 0.5) fail_msg("%s: off by %.2f", turns[t].filter, off);
        pp_free(reference);
        pp_free(rgb);
        media_scan_free(&scan);
    }
    pp_free(path);
    pp_free(still);
}

/* ---- few pictures ----------------------------------------------------------------------------*/

static void covers_and_single_frames_serve_throughout(void **state)
{
    (void)state;
    static const kind stills[] = {
        {"cover.mp3",
         TONE "-f lavfi -i color=0x3050d0:s=90x90:d=0.04 -map 0 -map 1 -c:a libmp3lame "
              "-c:v png -disposition:v attached_pic",
         1},
        {"cover.m4a",
         TONE "-f lavfi -i color=0x3050d0:s=90x90:d=0.04 -map 0 -map 1 -c:a aac "
              "-c:v png -disposition:v attached_pic",
         1},
        {"cover.flac",
         TONE "-f lavfi -i color=0x3050d0:s=90x90:d=0.04 -map 0 -map 1 -c:a flac "
              "-c:v png -disposition:v attached_pic",
         1},
        {"one-frame.mkv",
         TONE "-f lavfi -i color=0x3050d0:s=90x90:d=0.04,format=gbrp -map 0 -map 1 "
              "-c:a flac -c:v ffv1",
         0},
    };
    for (size_t k = 0; k < sizeof stills / sizeof *stills; k++) {
        char *path = media_make(stills[k].name, stills[k].arguments);
        pp_media *media = open_video(path);
        media_scan scan = scan_video(media, 2);
        int missing, neighbours;
        assert_int_equal(pp_media_get_info(media)->is_cover_picture, stills[k].exact);
        assert_in_range(scan.result.pictures, 3, 4);
        assert_int_equal(scan.result.plan[2].same_as_before, 1);
        uint8_t *rgb = take(media, scan.result.plan, 3, &missing, &neighbours);
        assert_int_equal(missing + neighbours, 0);
        for (int i = 0; i < 3; i++) is_coloured(rgb + i * BYTES, 0x30, 0x50, 0xd0, 2);
        pp_free(rgb);
        media_scan_free(&scan);
        pp_media_close(&media);
        pp_free(path);
    }
}

/* Sound alone, pictures alone and still images, where that is all that is asked for. */
static void one_kind_may_be_enough(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_media *media = NULL;
    media_scan scan;
    int missing, neighbours;
    pp_media_options options = usual;
    char *wav = media_make("tone.wav", TONE);
    options.need = PP_MEDIA_SOUND;
    assert_int_equal(pp_media_open(&media, decoder, wav, &options, &err), PP_OK);
    scan = scan_video(media, 2);
    assert_int_equal(scan.result.samples, 6 * RATE);
    assert_int_equal(scan.result.pictures, 0);
    assert_int_equal(pp_media_get_info(media)->width, 0);
    media_scan_free(&scan);
    pp_media_close(&media);
    options.need = PP_MEDIA_PICTURES;
    assert_int_equal(pp_media_open(&media, decoder, wav, &options, &err), PP_ERR_MEDIA);
    static const kind silent[] = {{"p.png", "-f lavfi -i color=0x3050d0:s=90x90:d=0.04", 1},
                                  {"p.jpg", "-f lavfi -i color=0x3050d0:s=90x90:d=0.04", 1},
                                  {"p.mkv", "-f lavfi -i color=0x3050d0:s=90x90:d=7 -c:v ffv1", 4}};
    for (size_t k = 0; k < sizeof silent / sizeof *silent; k++) {
        char *path = media_make(silent[k].name, silent[k].arguments);
        pp_error_clear(&err);
        if (pp_media_open(&media, decoder, path, &options, &err) != PP_OK) {
            fail_msg("%s", err.message);
        }
        scan = scan_video(media, 2);
        assert_int_equal(scan.result.samples, 0);
        assert_int_equal(scan.result.pictures, silent[k].exact);
        uint8_t *rgb = take(media, scan.result.plan, scan.result.pictures, &missing, &neighbours);
        assert_int_equal(missing + neighbours, 0);
        is_coloured(rgb, 0x30, 0x50, 0xd0, 4);
        pp_free(rgb);
        media_scan_free(&scan);
        pp_media_close(&media);
        pp_free(path);
    }
    pp_free(wav);
}

/* ---- missing parts ---------------------------------------------------------------------------*/

/* Cut in the middle, with its index in front: used up to the cut, which is told. */
static void files_cut_off_serve_up_to_the_cut(void **state)
{
    (void)state;
    char *whole =
        media_make("whole.mp4", MOVING TONE "-c:v libx264 -preset veryfast -g 25 -c:a aac "
                                            "-movflags +faststart");
    char *cut = media_path("cut.mp4");
    media_run("head -c $(($(stat -c %%s '%s') * 6 / 10)) '%s' > '%s'", whole, whole, cut);
    pp_media *media = open_video(cut);
    media_scan scan = scan_video(media, 0.5);
    int missing, neighbours;
    assert_true(scan.result.truncated);
    if (!(scan.result.truncated_at_s > 2 && scan.result.truncated_at_s < 5)) {
        fail_msg("cut at %f", scan.result.truncated_at_s);
    }
    assert_in_range(scan.result.samples, 2 * RATE, 5 * RATE);
    pp_free(take(media, scan.result.plan, scan.result.pictures, &missing, &neighbours));
    assert_int_equal(missing, 0);
    media_scan_free(&scan);
    pp_media_close(&media);
    pp_free(cut);
    pp_free(whole);
}

/* Pictures zeroed in the middle of the file: neighbours or black serve, the same in every piece. */
static void damaged_pictures_are_replaced_alike(void **state)
{
    (void)state;
    char *path = media_make("holes.mp4", MOVING TONE "-c:v libx264 -preset veryfast -g 50 -bf 2 "
                                                     "-c:a aac -movflags +faststart");
    media_run("size=$(stat -c %%s '%s'); dd if=/dev/zero of='%s' bs=1 seek=$((size / 2)) "
              "count=$((size / 4)) conv=notrunc 2>/dev/null",
              path, path);
    pp_media *media = open_video(path);
    media_scan scan = scan_video(media, 0.3);
    int missing, neighbours;
    uint8_t *rgb = take(media, scan.result.plan, scan.result.pictures, &missing, &neighbours);
    assert_true(missing + neighbours > 0);
    pp_media_close(&media);
    are_the_same_in_pieces(path, scan.result.plan, scan.result.pictures, rgb);
    pp_free(rgb);
    media_scan_free(&scan);
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
        cmocka_unit_test(pictures_do_not_depend_on_the_cut),
        cmocka_unit_test(shapes_of_every_kind),
        cmocka_unit_test(ranges_and_matrices_are_honoured),
        cmocka_unit_test(pictures_are_turned_upright),
        cmocka_unit_test(covers_and_single_frames_serve_throughout),
        cmocka_unit_test(one_kind_may_be_enough),
        cmocka_unit_test(files_cut_off_serve_up_to_the_cut),
        cmocka_unit_test(damaged_pictures_are_replaced_alike),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
