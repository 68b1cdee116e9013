#include "eval/whole_report.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { SDR, SIR, SAR, GAIN, FIGURES };

static int belongs(const pp_whole_video *video, int group)
{
    if (video->missing != NULL) return 0;
    return group == 0 || video->score.performers == group;
}

static void add_pointing(pp_pointing_counts *to, const pp_pointing_counts *from)
{
    to->windows += from->windows;
    to->loudest += from->loudest;
    to->centre += from->centre;
    to->moving += from->moving;
    to->chance += from->chance;
    to->sources += from->sources;
    to->source_hits += from->source_hits;
    to->source_chance += from->source_chance;
}

/* The means over a video's performers, as one value each of SDR, SIR, SAR and gain. SIR of a solo
 * is infinite and left out by the caller. */
static void figures_of(const pp_whole_score *s, double figures[FIGURES])
{
    memset(figures, 0, FIGURES * sizeof *figures);
    for (int p = 0; p < s->performers; p++) {
        figures[SDR] += s->sdr_db[p] / s->performers;
        figures[SIR] += s->sir_db[p] / s->performers;
        figures[SAR] += s->sar_db[p] / s->performers;
        figures[GAIN] += (s->sdr_db[p] - s->mixture_sdr_db[p]) / s->performers;
    }
}

/* values: [FIGURES, count] */
static void fill_group(pp_whole_group *g, const pp_whole_video *videos, size_t count, int group,
                       double *values, double *resampled, uint64_t seed)
{
    size_t counted[FIGURES] = {0};
    for (size_t i = 0; i < count; i++) {
        const pp_whole_score *s = &videos[i].score;
        if (!belongs(&videos[i], group)) continue;
        g->videos++;
        g->counted_right += s->stems == s->performers;
        add_pointing(&g->pointing, &s->pointing);
        g->activity.both += s->activity.both;
        g->activity.only_found += s->activity.only_found;
        g->activity.only_true += s->activity.only_true;
        g->labels_judged += s->labels_judged;
        g->labels_right += s->labels_right;
        double figures[FIGURES];
        if (!s->has_sdr) continue;
        figures_of(s, figures);
        for (int f = 0; f < FIGURES; f++) {
            if (isfinite(figures[f])) values[(size_t)f * count + counted[f]++] = figures[f];
        }
    }
    pp_mean *const means[FIGURES] = {&g->sdr, &g->sir, &g->sar, &g->gain};
    for (int f = 0; f < FIGURES; f++) {
        *means[f] = pp_mean_of(values + (size_t)f * count, counted[f], seed, resampled);
    }
}

pp_status pp_whole_report_make(pp_whole_report *out, const pp_whole_video *videos, size_t count,
                               uint64_t seed, pp_error *err)
{
    memset(out, 0, sizeof *out);
    double *values = NULL, *resampled = NULL;
    pp_status status =
        pp_alloc_checked((void **)&values, FIGURES * count, sizeof *values, "report", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&resampled, PP_BOOTSTRAP_RESAMPLES, sizeof *resampled,
                                  "report", err);
    }
    if (status == PP_OK) {
        out->videos = count;
        for (size_t i = 0; i < count; i++) out->missing += videos[i].missing != NULL;
        for (int g = 0; g < PP_WHOLE_GROUPS; g++) {
            fill_group(&out->group[g], videos, count, g, values, resampled, seed);
        }
    }
    pp_free(values);
    pp_free(resampled);
    return status;
}

/* ---- for people -------------------------------------------------------------------------------
 */

static double percent(double part, double whole)
{
    return whole > 0.0 ? 100.0 * part / whole : NAN;
}

static void print_mean(FILE *to, const char *name, const pp_mean *mean)
{
    if (mean->count == 0) return;
    fprintf(to, "  %-28s %7.2f dB [%.2f, %.2f] over %zu videos\n", name, mean->mean, mean->low,
            mean->high, mean->count);
}

static void print_share(FILE *to, const char *name, double part, double whole)
{
    if (whole <= 0.0) return;
    fprintf(to, "  %-28s %7.1f %%  (%.0f of %.0f)\n", name, percent(part, whole), part, whole);
}

static void print_group(FILE *to, const char *title, const pp_whole_group *g)
{
    const pp_pointing_counts *p = &g->pointing;
    fprintf(to, "\n%s: %zu videos\n", title, g->videos);
    print_mean(to, "stem SDR", &g->sdr);
    print_mean(to, "stem SIR", &g->sir);
    print_mean(to, "stem SAR", &g->sar);
    print_mean(to, "SDR above the mixture", &g->gain);
    print_share(to, "number of sources right", (double)g->counted_right, (double)g->videos);
    print_share(to, "loudest pixel on a performer", (double)p->loudest, (double)p->windows);
    print_share(to, "  most moving pixel", (double)p->moving, (double)p->windows);
    print_share(to, "  centre pixel", (double)p->centre, (double)p->windows);
    print_share(to, "  any pixel (chance)", p->chance, (double)p->windows);
    print_share(to, "source's loudest on its own", (double)p->source_hits, (double)p->sources);
    print_share(to, "  any pixel (chance)", p->source_chance, (double)p->sources);
    fprintf(to, "  %-28s %7.3f\n", "activity F1 (0.1 s)", pp_activity_f1(&g->activity));
    print_share(to, "label right", (double)g->labels_right, (double)g->labels_judged);
}

void pp_whole_report_print(FILE *to, const pp_whole_report *report, const pp_whole_video *videos,
                           size_t count)
{
    static const char *const titles[PP_WHOLE_GROUPS] = {"all", "solos", "duets", "trios"};
    for (int g = 0; g < PP_WHOLE_GROUPS; g++) {
        if (report->group[g].videos > 0) print_group(to, titles[g], &report->group[g]);
    }
    if (report->missing == 0) return;
    fprintf(to, "\n%zu of %zu videos without a score:\n", report->missing, report->videos);
    for (size_t i = 0; i < count; i++) {
        if (videos[i].missing != NULL) fprintf(to, "  %s: %s\n", videos[i].name, videos[i].missing);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void set_mean(pp_json *object, const char *name, const pp_mean *mean)
{
    pp_json *value = pp_json_object();
    pp_json_set_int(value, "videos", (int64_t)mean->count);
    pp_json_set_real(value, "mean", mean->mean);
    pp_json_set_real(value, "low", mean->low);
    pp_json_set_real(value, "high", mean->high);
    pp_json_set(object, name, value);
}

static pp_json *pointing_json(const pp_pointing_counts *p)
{
    pp_json *object = pp_json_object();
    pp_json_set_int(object, "windows", p->windows);
    pp_json_set_int(object, "loudest", p->loudest);
    pp_json_set_int(object, "most_moving", p->moving);
    pp_json_set_int(object, "centre", p->centre);
    pp_json_set_real(object, "chance", p->chance);
    pp_json_set_int(object, "sources", p->sources);
    pp_json_set_int(object, "source_hits", p->source_hits);
    pp_json_set_real(object, "source_chance", p->source_chance);
    return object;
}

static pp_json *activity_json(const pp_activity_counts *a)
{
    pp_json *object = pp_json_object();
    pp_json_set_int(object, "both", a->both);
    pp_json_set_int(object, "only_found", a->only_found);
    pp_json_set_int(object, "only_true", a->only_true);
    pp_json_set_real(object, "f1", pp_activity_f1(a));
    return object;
}

static pp_json *group_json(const pp_whole_group *g, int performers)
{
    pp_json *object = pp_json_object();
    if (performers == 0) pp_json_set_text(object, "performers", NULL);
    else pp_json_set_int(object, "performers", performers);
    pp_json_set_int(object, "videos", (int64_t)g->videos);
    pp_json_set_int(object, "number_of_sources_right", (int64_t)g->counted_right);
    set_mean(object, "sdr_db", &g->sdr);
    set_mean(object, "sir_db", &g->sir);
    set_mean(object, "sar_db", &g->sar);
    set_mean(object, "gain_db", &g->gain);
    pp_json_set(object, "pointing", pointing_json(&g->pointing));
    pp_json_set(object, "activity", activity_json(&g->activity));
    pp_json_set_int(object, "labels_judged", g->labels_judged);
    pp_json_set_int(object, "labels_right", g->labels_right);
    return object;
}

static pp_json *video_json(const pp_whole_video *v)
{
    pp_json *object = pp_json_object(), *performers = pp_json_array();
    const pp_whole_score *s = &v->score;
    pp_json_set_path(object, "video", v->name);
    if (v->missing != NULL) {
        pp_json_set_text(object, "missing", v->missing);
        pp_json_free(&performers);
        return object;
    }
    pp_json_set_int(object, "stems", s->stems);
    for (int p = 0; p < s->performers; p++) {
        pp_json *one = pp_json_object();
        pp_json_set_int(one, "stem", s->stem[p]);
        pp_json_set_text(one, "label", s->label[p]);
        pp_json_set_real(one, "sdr_db", s->has_sdr ? s->sdr_db[p] : NAN);
        pp_json_set_real(one, "sir_db", s->has_sdr ? s->sir_db[p] : NAN);
        pp_json_set_real(one, "sar_db", s->has_sdr ? s->sar_db[p] : NAN);
        pp_json_set_real(one, "mixture_sdr_db", s->has_sdr ? s->mixture_sdr_db[p] : NAN);
        pp_json_append(performers, one);
    }
    pp_json_set(object, "performers", performers);
    pp_json_set(object, "pointing", pointing_json(&s->pointing));
    pp_json_set(object, "activity", activity_json(&s->activity));
    return object;
}

pp_json *pp_whole_report_json(const pp_whole_report *report, const pp_whole_video *videos,
                              size_t count)
{
    pp_json *root = pp_json_object(), *groups = pp_json_array(), *list = pp_json_array();
    pp_json_set_text(root, "format", "pp-eval-whole");
    pp_json_set_int(root, "version", 1);
    pp_json_set_int(root, "videos", (int64_t)report->videos);
    pp_json_set_int(root, "missing", (int64_t)report->missing);
    for (int g = 0; g < PP_WHOLE_GROUPS; g++) {
        if (report->group[g].videos > 0) pp_json_append(groups, group_json(&report->group[g], g));
    }
    for (size_t i = 0; i < count; i++) pp_json_append(list, video_json(&videos[i]));
    pp_json_set(root, "groups", groups);
    pp_json_set(root, "scores", list);
    return root;
}
