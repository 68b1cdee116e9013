/* Writing media that this project makes itself: WAV and FLAC sound, PNG pictures, H.264 + AAC MP4.
 * In-process (our own data is trusted). Every file is written to `path` as given: atomic
 * publication is the caller's. One thread an object. */
#ifndef PP_MEDIA_ENCODE_H
#define PP_MEDIA_ENCODE_H

#include <stdint.h>

#include "base/status.h"

/* samples [frames, channels] interleaved. WAV is 32-bit float, or 16-bit where `bits` is 16
 * (rounded, clipped; never dithered). FLAC is 16 or 24 bits. By the ending of path. */
pp_status pp_encode_sound(const char *path, const float *samples, int64_t frames, int channels,
                          int rate_hz, int bits, pp_error *err) PP_MUST_USE;
/* The same from 16-bit samples, bit for bit (WAV or FLAC): exports whose parts must add up. */
pp_status pp_encode_sound_s16(const char *path, const int16_t *samples, int64_t frames,
                              int channels, int rate_hz, pp_error *err) PP_MUST_USE;

/* The same a piece at a time, for tracks of any length: create, add .., finish, destroy (at any
 * point, NULL-safe; what is half written stays half written). */
typedef struct pp_sound_file pp_sound_file;
pp_status pp_sound_file_create(pp_sound_file **out, const char *path, int channels, int rate_hz,
                               int bits, pp_error *err) PP_MUST_USE;
pp_status pp_sound_file_add(pp_sound_file *file, const float *samples, int64_t frames,
                            pp_error *err) PP_MUST_USE;
pp_status pp_sound_file_add_s16(pp_sound_file *file, const int16_t *samples, int64_t frames,
                                pp_error *err) PP_MUST_USE;
pp_status pp_sound_file_finish(pp_sound_file *file, pp_error *err) PP_MUST_USE;
void pp_sound_file_destroy(pp_sound_file **file);

/* rgb [height, width, 3]. */
pp_status pp_encode_png(const char *path, const uint8_t *rgb, int width, int height,
                        pp_error *err) PP_MUST_USE;

typedef struct pp_movie pp_movie;
typedef struct pp_movie_options {
    int width, height; /* even */
    double fps;
    int rate_hz, channels; /* of the sound; rate_hz 0: no sound */
    int crf;               /* x264 quality, 0: 23 */
    const char *preset;    /* x264 preset, NULL: "veryfast" */
} pp_movie_options;

/* MP4 (H.264, AAC), single-threaded and deterministic: the same input gives the same bytes. */
pp_status pp_movie_create(pp_movie **out, const char *path, const pp_movie_options *options,
                          pp_error *err) PP_MUST_USE;
pp_status pp_movie_add_picture(pp_movie *movie, const uint8_t *rgb, pp_error *err) PP_MUST_USE;
pp_status pp_movie_add_sound(pp_movie *movie, const float *interleaved, int64_t frames,
                             pp_error *err) PP_MUST_USE;
pp_status pp_movie_finish(pp_movie *movie, pp_error *err) PP_MUST_USE;
void pp_movie_destroy(pp_movie **movie);

#endif
