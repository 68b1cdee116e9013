/* Where a lease's time goes: a stop-watch that is always on exactly one part.
 *
 *   pp_part before = pp_part_enter(clock, PP_PART_STFT);
 *   ...                                           everything in here counts as STFT
 *   pp_part_enter(clock, before);
 *
 * So the parts add up to the whole, and a part within a part is counted once. Without a clock
 * (NULL, the normal case) it costs one comparison. One thread.
 */
#ifndef PP_PIPELINE_PARTS_H
#define PP_PIPELINE_PARTS_H

typedef enum pp_part {
    PP_PART_OTHER,    /* between the others */
    PP_PART_HASH,     /* the file's SHA-256 */
    PP_PART_RESAMPLE, /* waiting for the decoder: packets read, sound decoded and resampled */
    PP_PART_DECODE,   /* waiting for the decoder: pictures decoded and scaled */
    PP_PART_STFT,     /* spectra, and the audio network's input */
    PP_PART_SEE,      /* video network */
    PP_PART_LISTEN,   /* audio network */
    PP_PART_QUANTISE, /* maps to 8 bits */
    PP_PART_ENERGY,   /* how much each pixel sounds */
    PP_PART_CAST,     /* who is there */
    PP_PART_SEPARATE, /* masks of the sources, on the linear grid, cross-faded */
    PP_PART_STITCH,   /* inverse STFT, residual, levels, activity */
    PP_PART_WRITE,    /* files written, committed and read back */
    PP_PARTS
} pp_part;

typedef struct pp_part_clock {   /* zeroed: never started */
    double part_s[PP_PARTS];     /* by the wall clock */
    double part_cpu_s[PP_PARTS]; /* of this process: less where the core was given away */
    double since_s, since_cpu_s; /* when `now` began; 0: not started */
    pp_part now;
} pp_part_clock;

const char *pp_part_name(pp_part part);

/* From now on time counts for `part`; gives the one before. */
pp_part pp_part_enter(pp_part_clock *clock, pp_part part);

/* Closes the books: what has run so far counts, what follows does not. */
void pp_part_stop(pp_part_clock *clock);

#endif
