/* What an allocation that fails means for a worker: its end.
 *
 * FFmpeg gets over many failed allocations by itself: a picture is left out, a block concealed, and
 * no error comes back. The result would depend on how much memory there was. So the program
 * pp-decode puts functions before malloc and its kin (shortage_malloc.c) that end a worker with
 * PP_EXIT_NOMEM where memory has run out, whoever asked for it; the rank reads that as a limit and
 * tries again. Sizes that av_max_alloc refuses never get here: those depend on the video alone.
 */
#ifndef PP_MEDIA_DECODER_SHORTAGE_H
#define PP_MEDIA_DECODER_SHORTAGE_H

/* From now on (1), or no longer (0; at the start), for the whole process. */
void pp_shortage_is_fatal(int fatal);

/* Called where an allocation has failed: does not return where that is fatal. */
void pp_shortage_met(void);

#endif
