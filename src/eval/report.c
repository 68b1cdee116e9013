#include "eval/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The values of one table line, gathered mixture by mixture or source by source. */
typedef struct column {
    double *values; /* [PP_FIGURES, room] */
    size_t room, count, silent;
    double *resampled;
} column;

static void put(column *c, const double figures[PP_FIGURES])
{
    for (int f = 0; f < PP_FIGURES; f++) c->values[(size_t)f * c->room + c->count] = figures[f];
    c->count++;
}

static pp_summary summarise(const column *c, uint64_t seed)
{
    pp_summary s = {.scored = c->count, .silent = c->silent};
    for (int f = 0; f < PP_FIGURES; f++) {
        s.figure[f] = pp_mean_of(c->values + (size_t)f * c->room, c->count, seed, c->resampled);
    }
    return s;
}

/* The figures of one source; the gain counts from the mixture's own SDR. */
static void figures_of(const pp_eval_result *r, int method, int source, double figures[PP_FIGURES])
{
    const pp_bss_result *b = &r->score[method].figures;
    figures[PP_FIGURE_SDR] = b->sdr_db[source];
    figures[PP_FIGURE_SIR] = b->sir_db[source];
    figures[PP_FIGURE_SAR] = b->sar_db[source];
    figures[PP_FIGURE_GAIN] =
        b->sdr_db[source] - r->score[PP_METHOD_MIXTURE].figures.sdr_db[source];
}

static pp_summary over_mixtures(const pp_protocol *p, const pp_eval_result *results, int method,
                                column *c)
{
    c->count = c->silent = 0;
    for (size_t m = 0; m < p->mixture_count; m++) {
        c->silent += results[m].score[method].state == PP_SCORE_SILENT;
        if (results[m].score[method].state != PP_SCORE_VALID) continue;
        double mean[PP_FIGURES] = {0}, figures[PP_FIGURES];
        for (int i = 0; i < p->mixtures[m].sources; i++) {
            figures_of(&results[m], method, i, figures);
            for (int f = 0; f < PP_FIGURES; f++) mean[f] += figures[f] / p->mixtures[m].sources;
        }
        put(c, mean);
    }
    return summarise(c, p->seed);
}

static pp_summary over_sources(const pp_protocol *p, const pp_eval_result *results, int method,
                               const char *label, column *c)
{
    c->count = c->silent = 0;
    for (size_t m = 0; m < p->mixture_count; m++) {
        for (int i = 0; i < p->mixtures[m].sources; i++) {
            if (strcmp(p->mixtures[m].source[i].label, label) != 0) continue;
            c->silent += results[m].score[method].state == PP_SCORE_SILENT;
            if (results[m].score[method].state != PP_SCORE_VALID) continue;
            double figures[PP_FIGURES];
            figures_of(&results[m], method, i, figures);
            put(c, figures);
        }
    }
    return summarise(c, p->seed);
}

static pp_status count_label(pp_report *report, const char *label, pp_error *err)
{
    for (size_t i = 0; i < report->instrument_count; i++) {
        if (strcmp(report->instruments[i].label, label) != 0) continue;
        report->instruments[i].sources++;
        return PP_OK;
    }
    pp_status status = pp_grow((void **)&report->instruments, &report->instrument_room,
                               report->instrument_count + 1, sizeof *report->instruments, err);
    if (status != PP_OK) return status;
    pp_instrument *entry = &report->instruments[report->instrument_count++];
    snprintf(entry->label, sizeof entry->label, "%s", label);
    entry->sources = 1;
    return PP_OK;
}

static int by_label(const void *a, const void *b)
{
    return strcmp(((const pp_instrument *)a)->label, ((const pp_instrument *)b)->label);
}

static pp_status find_instruments(pp_report *report, const pp_protocol *p, pp_error *err)
{
    for (size_t m = 0; m < p->mixture_count; m++) {
        for (int i = 0; i < p->mixtures[m].sources; i++) {
            const char *label = p->mixtures[m].source[i].label;
            pp_status status = label[0] != '\0' ? count_label(report, label, err) : PP_OK;
            if (status != PP_OK) return status;
        }
    }
    if (report->instrument_count > 0) {
        qsort(report->instruments, report->instrument_count, sizeof *report->instruments, by_label);
    }
    return PP_OK;
}

pp_status pp_report_create(pp_report **out, const pp_protocol *p, const pp_eval_result *results,
                           pp_error *err)
{
    *out = NULL;
    pp_report *report = NULL;
    column c = {.room = p->mixture_count * PP_BSS_MOST_SOURCES};
    pp_status status = pp_alloc_checked((void **)&report, 1, sizeof *report, "report", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&c.values, PP_FIGURES * c.room, sizeof(double), "report",
                                  err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&c.resampled, PP_BOOTSTRAP_RESAMPLES, sizeof(double),
                                  "report", err);
    }
    if (status == PP_OK) status = find_instruments(report, p, err);
    for (int method = 0; method < PP_METHODS && status == PP_OK; method++) {
        report->method[method] = over_mixtures(p, results, method, &c);
        for (size_t i = 0; i < report->instrument_count; i++) {
            pp_instrument *entry = &report->instruments[i];
            entry->method[method] = over_sources(p, results, method, entry->label, &c);
        }
    }
    pp_free(c.values);
    pp_free(c.resampled);
    if (status != PP_OK) pp_report_destroy(&report);
    *out = report;
    return status;
}

void pp_report_destroy(pp_report **report)
{
    if (*report == NULL) return;
    pp_free((*report)->instruments);
    PP_FREE(*report);
}

/* ---- for people -------------------------------------------------------------------------------
 */

/* Above 100 dB a figure is rounding noise: the mixture has no artefacts. */
static void print_mean(FILE *to, const pp_mean *mean)
{
    if (mean->count == 0 || isnan(mean->mean)) fprintf(to, "  %6s %-15s", "-", "");
    else if (mean->mean > 100.0) fprintf(to, "  %6s %-15s", ">100", "");
    else {
        char interval[32];
        snprintf(interval, sizeof interval, "[%.2f, %.2f]", mean->low, mean->high);
        fprintf(to, "  %6.2f %-15s", mean->mean, interval);
    }
}

static void print_line(FILE *to, const char *title, const pp_summary *s)
{
    fprintf(to, "%-25s %5zu", title, s->scored);
    for (int f = 0; f < PP_FIGURES; f++) print_mean(to, &s->figure[f]);
    if (s->silent > 0) fprintf(to, "  (%zu without figures: silence)", s->silent);
    fputc('\n', to);
}

static void print_table(FILE *to, const char *counted, const pp_summary *methods)
{
    fprintf(to, "%-25s %5s  %-22s  %-22s  %-22s  %s\n", "", counted, "SDR [95 %], dB", "SIR", "SAR",
            "SDR above the mixture");
    for (int m = 0; m < PP_METHODS; m++) {
        if (methods[m].scored + methods[m].silent == 0) continue;
        print_line(to, pp_method_title((pp_method)m), &methods[m]);
    }
}

static void print_refusals(FILE *to, const pp_protocol *p)
{
    if (p->refusal_count == 0) return;
    fprintf(to, "\n%zu references refused (others were drawn instead):\n", p->refusal_count);
    for (size_t i = 0; i < p->refusal_count; i++) {
        fprintf(to, "  %s: %s\n", p->files[p->refusals[i].file].path, p->refusals[i].reason);
    }
}

void pp_report_print(FILE *to, const pp_report *report, const pp_protocol *p)
{
    fprintf(to, "%zu mixtures, seed %llu, BSS-eval v3 with %d taps\n\n", p->mixture_count,
            (unsigned long long)p->seed, p->filter_taps);
    print_table(to, "mixt.", report->method);
    for (size_t i = 0; i < report->instrument_count; i++) {
        fprintf(to, "\n%s\n", report->instruments[i].label);
        print_table(to, "src.", report->instruments[i].method);
    }
    print_refusals(to, p);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static const char *const figure_names[PP_FIGURES] = {"sdr_db", "sir_db", "sar_db", "gain_db"};

static pp_json *summaries_json(const pp_summary *methods)
{
    pp_json *array = pp_json_array();
    for (int m = 0; m < PP_METHODS; m++) {
        if (methods[m].scored + methods[m].silent == 0) continue;
        pp_json *object = pp_json_object();
        pp_json_set_text(object, "method", pp_method_name((pp_method)m));
        pp_json_set_int(object, "scored", (int64_t)methods[m].scored);
        pp_json_set_int(object, "silent", (int64_t)methods[m].silent);
        for (int f = 0; f < PP_FIGURES; f++) {
            const pp_mean *mean = &methods[m].figure[f];
            pp_json *figure = pp_json_object();
            pp_json_set_real(figure, "mean", mean->mean);
            pp_json_set_real(figure, "low", mean->low);
            pp_json_set_real(figure, "high", mean->high);
            pp_json_set(object, figure_names[f], figure);
        }
        pp_json_append(array, object);
    }
    return array;
}

static pp_json *scores_json(const pp_protocol *p, const pp_eval_result *results)
{
    pp_json *array = pp_json_array();
    for (size_t m = 0; m < p->mixture_count; m++) {
        for (int method = 0; method < PP_METHODS; method++) {
            if (results[m].score[method].state == PP_SCORE_NONE) continue;
            const int valid = results[m].score[method].state == PP_SCORE_VALID;
            for (int i = 0; i < p->mixtures[m].sources; i++) {
                pp_json *object = pp_json_object();
                double figures[PP_FIGURES] = {NAN, NAN, NAN, NAN};
                if (valid) figures_of(&results[m], method, i, figures);
                pp_json_set_int(object, "mixture", (int64_t)m);
                pp_json_set_int(object, "source", i);
                pp_json_set_text(object, "label", p->mixtures[m].source[i].label);
                pp_json_set_text(object, "method", pp_method_name((pp_method)method));
                for (int f = 0; f < PP_FIGURES; f++) {
                    pp_json_set_real(object, figure_names[f], figures[f]);
                }
                pp_json_append(array, object);
            }
        }
    }
    return array;
}

pp_json *pp_report_json(const pp_report *report, const pp_protocol *p,
                        const pp_eval_result *results)
{
    pp_json *root = pp_json_object(), *instruments = pp_json_array(), *refused = pp_json_array();
    pp_json_set_text(root, "format", "pp-eval-report");
    pp_json_set_int(root, "version", 1);
    pp_json_set_int(root, "mixtures", (int64_t)p->mixture_count);
    pp_json_set(root, "methods", summaries_json(report->method));
    for (size_t i = 0; i < report->instrument_count; i++) {
        pp_json *object = pp_json_object();
        pp_json_set_text(object, "label", report->instruments[i].label);
        pp_json_set_int(object, "sources", (int64_t)report->instruments[i].sources);
        pp_json_set(object, "methods", summaries_json(report->instruments[i].method));
        pp_json_append(instruments, object);
    }
    pp_json_set(root, "instruments", instruments);
    for (size_t i = 0; i < p->refusal_count; i++) {
        pp_json *object = pp_json_object();
        pp_json_set_path(object, "path", p->files[p->refusals[i].file].path);
        pp_json_set_text(object, "reason", p->refusals[i].reason);
        pp_json_append(refused, object);
    }
    pp_json_set(root, "refused", refused);
    pp_json_set(root, "scores", scores_json(p, results));
    return root;
}
