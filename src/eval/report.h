/* What an evaluation found: means with 95 % intervals for every method, over all mixtures and for
 * every instrument; as a table for people and as JSON (docs/formats/eval-report.md). */
#ifndef PP_EVAL_REPORT_H
#define PP_EVAL_REPORT_H

#include <stdio.h>

#include "base/json.h"
#include "eval/confidence.h"
#include "eval/run.h"

enum { PP_FIGURE_SDR, PP_FIGURE_SIR, PP_FIGURE_SAR, PP_FIGURE_GAIN, PP_FIGURES };

typedef struct pp_summary {
    size_t scored, silent;      /* mixtures with figures; mixtures that the method made silent */
    pp_mean figure[PP_FIGURES]; /* dB; gain: SDR above the mixture's own */
} pp_summary;

typedef struct pp_instrument {
    char label[PP_PROTOCOL_LABEL];
    size_t sources;
    pp_summary method[PP_METHODS]; /* over its sources */
} pp_instrument;

typedef struct pp_report {
    pp_summary method[PP_METHODS]; /* over mixtures, each the mean of its sources */
    pp_instrument *instruments;    /* owned; by label */
    size_t instrument_count, instrument_room;
} pp_report;

pp_status pp_report_create(pp_report **out, const pp_protocol *protocol,
                           const pp_eval_result *results, pp_error *err) PP_MUST_USE;
void pp_report_destroy(pp_report **report);

/* instruments: with one table for each of them. */
void pp_report_print(FILE *to, const pp_report *report, const pp_protocol *protocol);

/* Owned by the caller. Everything: summaries, and the score of every source of every mixture. */
pp_json *pp_report_json(const pp_report *report, const pp_protocol *protocol,
                        const pp_eval_result *results);

#endif
