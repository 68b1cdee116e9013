/* One clock for sound and pictures of a file whose time stamps may jump. Pure.
 *
 * Packets are placed in the order they are read. As long as stamps go on, nothing is changed. A
 * stream jumps when its stamp lies far behind or before where its last packet ended (60 s forwards,
 * 10 s backwards; in formats that expect breaks, as MPEG-TS, 10 s and 0.1 s like the ffmpeg
 * program). A jump forwards is a true gap where the other stream has been at work all the while (a
 * pause of the music, a still picture); else the file was spliced or broken, and the stamps are
 * shifted so that the stream goes on where it ended. The other stream, when it jumps to about the
 * same place, takes the same shift, so that both stay in step.
 *
 *   stamps    0 1 2 3 | 7200 7201 ...      jump at both: shift -7196
 *   placed    0 1 2 3   4    5
 */
#ifndef PP_MEDIA_DECODER_TIMELINE_H
#define PP_MEDIA_DECODER_TIMELINE_H

#include <stdint.h>

typedef enum pp_track { PP_TRACK_SOUND, PP_TRACK_PICTURE, PP_TRACKS } pp_track;

typedef struct pp_timeline { /* times in microseconds */
    int64_t start_us;        /* of the container; placed time 0 */
    int strict;              /* the format expects breaks */
    struct {
        int seen;
        int64_t last_us, end_us; /* stamps of the last packet as they stand in the file */
        int64_t shift_us;        /* what is added to this track's stamps now */
    } track[PP_TRACKS];
    int64_t newest_shift_us;
    int shifts; /* how often a new shift had to be found */
} pp_timeline;

void pp_timeline_start(pp_timeline *timeline, int64_t start_us, int strict);

/* What to add to the stamps of this packet (start_us is taken off as well). stamp_us: decoding
 * time in the file; duration_us may be 0. */
int64_t pp_timeline_place(pp_timeline *timeline, pp_track track, int64_t stamp_us,
                          int64_t duration_us);

#endif
