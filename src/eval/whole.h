/* The whole pipeline against the truth: one archive of a synthetic video and its truth file.
 *
 *   stems      SDR, SIR, SAR of the best assignment of stems to performers (a performer without a
 *              stem is scored with the mixture: nobody separated it), beside the mixture's own SDR
 *   pointing   is the loudest pixel on a performer who sounds; beside it the centre pixel, the most
 *              moving pixel and chance; and the loudest pixel of each source on its own performer
 *   sources    how many were found, and how many there are
 *   activity   annotated intervals against true ones, segments of 0.1 s
 *   labels     of assigned stems, where the archive has any
 */
#ifndef PP_EVAL_WHOLE_H
#define PP_EVAL_WHOLE_H

#include "eval/bss.h"
#include "eval/clip.h"
#include "eval/truth.h"
#include "store/archive.h"

typedef struct pp_pointing_counts {
    int64_t windows;                 /* judged: somebody sounds in them */
    int64_t loudest, centre, moving; /* of these, the pixel on a sounding performer */
    double chance;                   /* sum of what a random pixel would score */
    int64_t sources, source_hits;    /* windows of assigned performers; own loudest pixel on them */
    double source_chance;
} pp_pointing_counts;

typedef struct pp_whole_score {
    int performers, stems;
    int has_sdr;                        /* 0: no tracks, or one of them is silent all the time */
    int stem[PP_TRUTH_MOST_PERFORMERS]; /* of each performer, -1: none */
    double sdr_db[PP_TRUTH_MOST_PERFORMERS], sir_db[PP_TRUTH_MOST_PERFORMERS];
    double sar_db[PP_TRUTH_MOST_PERFORMERS], mixture_sdr_db[PP_TRUTH_MOST_PERFORMERS];
    pp_pointing_counts pointing;
    pp_activity_counts activity;
    int labels_judged, labels_right;
    char label[PP_TRUTH_MOST_PERFORMERS][64]; /* of the assigned stem; empty: none */
} pp_whole_score;

/* Videos longer than this are refused: everything is held in memory. */
#define PP_WHOLE_MOST_S 1200.0

/* reader: of the archive's rate, for the tracks. filter_taps: of BSS-eval (512). */
pp_status pp_whole_evaluate(pp_archive *archive, const pp_truth *truth, pp_clip_reader *reader,
                            int filter_taps, pp_whole_score *out, pp_error *err) PP_MUST_USE;

#endif
