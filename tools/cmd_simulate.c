/* pp simulate: the scheduler, driven by made-up workers on made-up videos. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "pp.h"
#include "schedule/simulate.h"

static const char usage_head[] =
    "usage: pp simulate [OPTIONS]\n"
    "       pp simulate --histories N [--seed S]\n"
    "       pp simulate --bench [--ranks N] [--leases N]\n"
    "\n"
    "Drives the scheduler of pp-cluster with simulated ranks and prints how long the run would\n"
    "take, beside the least that is possible. The same seed gives the same run. --histories\n"
    "runs small random worlds in which messages are lost, repeated and reordered and ranks die,\n"
    "and fails where a window is not published exactly once. --bench measures the scheduler.\n"
    "docs/scheduling.md says what the figures mean.\n"
    "\n";

/* ---- options: a number each -------------------------------------------------------------------
 */

typedef struct settings {
    pp_simulation_setup sim;
    double ranks, seed, histories, leases, windows, videos, deaths;
    double known, segment_windows, single_windows, copies, latency_ms, jitter_ms, coordinator_us;
    int bench, json;
} settings;

typedef struct number_option {
    const char *name;
    size_t offset; /* of a double in settings */
    double least, most;
    const char *help;
} number_option;

#define PLACE(field) offsetof(settings, field)

static const number_option options[] = {
    {"ranks", PLACE(ranks), 1, 1e6, "workers; rank 0 only coordinates and is not counted"},
    {"windows", PLACE(windows), 0, 1e9, "videos until there are so many windows (4.46 s each) .."},
    {"videos", PLACE(videos), 0, 1e8, ".. or so many videos"},
    {"seed", PLACE(seed), 0, 9e15, "another seed, another run"},
    {"alpha", PLACE(sim.pareto_alpha), 0.1, 100, "durations: of the Pareto distribution .."},
    {"shortest", PLACE(sim.shortest_s), 1, 1e6, ".. between so many seconds .."},
    {"longest", PLACE(sim.longest_s), 1, 1e6, ".. and so many"},
    {"known", PLACE(known), 0, 1, "1: durations are known before (as from an earlier run)"},
    {"size-spread", PLACE(sim.size_spread), 0, 3, "of bytes a window (sigma of the logarithm)"},
    {"cost-spread", PLACE(sim.cost_spread), 0, 3, "of the cost of a window, from video to video"},
    {"noise", PLACE(sim.noise_spread), 0, 3, "of the time of a lease, from lease to lease"},
    {"equal", PLACE(sim.equal_share), 0, 1, "share of videos equal to another one"},
    {"broken", PLACE(sim.broken_share), 0, 1, "share of videos that cannot be decoded"},
    {"flaky", PLACE(sim.flaky_share), 0, 1, "share of videos that fail once or twice"},
    {"probe", PLACE(sim.costs.window_s[PP_STAGE_PROBE]), 0, 1e3, "seconds a window of each stage"},
    {"see", PLACE(sim.costs.window_s[PP_STAGE_SEE]), 0, 1e3, ""},
    {"listen", PLACE(sim.costs.window_s[PP_STAGE_LISTEN]), 0, 1e3, ""},
    {"cast", PLACE(sim.costs.window_s[PP_STAGE_CAST]), 0, 1e3, ""},
    {"separate", PLACE(sim.costs.window_s[PP_STAGE_SEPARATE]), 0, 1e3, ""},
    {"publish", PLACE(sim.costs.window_s[PP_STAGE_PUBLISH]), 0, 1e3, ""},
    {"per-video", PLACE(sim.video_s), 0, 1e3, "seconds a video, whatever its length"},
    {"per-lease", PLACE(sim.costs.lease_s), 0, 1e3, "seconds a lease: not useful work"},
    {"segment-windows", PLACE(segment_windows), 1, 1e6, "of a long video"},
    {"single-lease-windows", PLACE(single_windows), 1, 1e6, "a longer video is cut"},
    {"stragglers", PLACE(sim.straggler_share), 0, 1, "share of leases that are slow .."},
    {"slower", PLACE(sim.straggler_factor), 1, 1e4, ".. so many times slower"},
    {"copies", PLACE(copies), 0, 10, "second leases of a slow one"},
    {"deaths", PLACE(deaths), 0, 1e6, "so many ranks die"},
    {"mute", PLACE(sim.mute_share), 0, 1, "share of ranks that fall silent for a while"},
    {"lost", PLACE(sim.lost_share), 0, 0.5, "share of messages lost .."},
    {"repeated", PLACE(sim.repeated_share), 0, 1, ".. and of those that come twice"},
    {"ask-again", PLACE(sim.ask_again_s), 0, 1e6, "s: a rank asks again (0: never)"},
    {"latency", PLACE(latency_ms), 0, 1e6, "ms a message takes"},
    {"jitter", PLACE(jitter_ms), 0, 1e6, "ms more, at random"},
    {"coordinator", PLACE(coordinator_us), 0, 1e6, "us the coordinator is busy for a message"},
    {"alive-every", PLACE(sim.alive_every_s), 0.01, 1e4, "s between signs of life of a rank"},
    {"time-limit", PLACE(sim.time_limit_s), 1, 1e9, "s"},
    {"histories", PLACE(histories), 0, 1e9, "so many small random worlds, from --seed on"},
    {"leases", PLACE(leases), 1, 1e8, "of --bench"},
};

enum { OPTIONS = sizeof options / sizeof *options, OPT_BENCH = 1000, OPT_JSON, OPT_HELP };

static double *number_of(settings *s, const number_option *option)
{
    return (double *)(void *)((char *)s + option->offset);
}

static void set_defaults(settings *s)
{
    *s = (settings){.ranks = 64, .seed = 1, .videos = 1000, .leases = 1e6};
    pp_simulation_setup_default(&s->sim, 64);
    s->segment_windows = s->sim.segment_windows;
    s->single_windows = s->sim.single_lease_windows;
    s->copies = s->sim.schedule.most_copies;
    s->latency_ms = 1e3 * s->sim.latency_s;
    s->coordinator_us = 1e6 * s->sim.coordinator_s;
}

static void usage(FILE *to)
{
    settings s;
    set_defaults(&s);
    fputs(usage_head, to);
    for (int i = 0; i < OPTIONS; i++) {
        fprintf(to, "  --%-21s %s", options[i].name, options[i].help);
        double value = *number_of(&s, &options[i]);
        if (value < HUGE_VAL) fprintf(to, " (%g)", value);
        fputc('\n', to);
    }
    fprintf(to, "  --%-21s %s\n", "bench", "leases a second through the scheduler");
    fprintf(to, "  --%-21s %s\n", "json", "for programs");
}

static pp_status take_number(settings *s, const number_option *option, pp_error *err)
{
    double value;
    pp_status status =
        pp_text_to_real(&value, optarg, option->least, option->most, option->name, err);
    if (status == PP_OK) *number_of(s, option) = value;
    return status;
}

static void apply(settings *s)
{
    pp_simulation_setup *sim = &s->sim;
    sim->workers = (int)s->ranks;
    sim->seed = (uint64_t)s->seed;
    sim->windows = s->windows;
    sim->videos = s->windows > 0 ? 0 : (int64_t)s->videos;
    sim->durations_known = s->known > 0;
    sim->segment_windows = (int)s->segment_windows;
    sim->single_lease_windows = (int)s->single_windows;
    sim->deaths = (int)s->deaths;
    sim->latency_s = 1e-3 * s->latency_ms;
    sim->jitter_s = 1e-3 * s->jitter_ms;
    sim->coordinator_s = 1e-6 * s->coordinator_us;
    sim->schedule.most_copies = (int)s->copies;
    sim->clock_s = pp_clock_cpu_s;
}

/* -1: go on; otherwise the exit status. */
static int parse(settings *s, int argc, char **argv)
{
    struct option table[OPTIONS + 4] = {{0}};
    for (int i = 0; i < OPTIONS; i++) {
        table[i] = (struct option){options[i].name, required_argument, NULL, i};
    }
    table[OPTIONS] = (struct option){"bench", no_argument, NULL, OPT_BENCH};
    table[OPTIONS + 1] = (struct option){"json", no_argument, NULL, OPT_JSON};
    table[OPTIONS + 2] = (struct option){"help", no_argument, NULL, OPT_HELP};
    pp_error err = {0};
    set_defaults(s);
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c >= 0 && c < OPTIONS) {
            if (take_number(s, &options[c], &err) == PP_OK) continue;
            pp_log_failure(PP_LOG_ERROR, "pp simulate", &err);
            return 2;
        }
        if (c == OPT_BENCH) s->bench = 1;
        else if (c == OPT_JSON) s->json = 1;
        else {
            usage(c == OPT_HELP ? stdout : stderr);
            return c == OPT_HELP ? 0 : 2;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    apply(s);
    return -1;
}

/* ---- what came out ----------------------------------------------------------------------------
 */

static pp_json *to_json(const pp_simulation_setup *setup, const pp_simulation_report *r)
{
    pp_json *out = pp_json_object(), *measured = pp_json_object();
    char fingerprint[32];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)r->fingerprint);
    pp_json_set_int(out, "seed", (int64_t)setup->seed);
    pp_json_set_int(out, "ranks", setup->workers);
    pp_json_set_int(out, "videos", r->videos);
    pp_json_set_int(out, "windows", r->windows);
    pp_json_set_int(out, "cut_videos", r->cut_videos);
    pp_json_set_int(out, "done", r->done);
    pp_json_set_int(out, "failed", r->failed);
    pp_json_set_int(out, "shared", r->shared);
    pp_json_set_int(out, "windows_published", r->windows_published);
    pp_json_set_real(out, "makespan_s", r->makespan_s);
    pp_json_set_real(out, "bound_s", r->bound_s);
    pp_json_set_real(out, "share_bound_s", r->share_s);
    pp_json_set_real(out, "chain_bound_s", r->chain_s);
    pp_json_set_real(out, "chain_windows", r->chain_windows);
    pp_json_set_real(out, "work_s", r->work_s);
    pp_json_set_real(out, "useful_s", r->useful_s);
    pp_json_set_real(out, "useful_share", r->useful_share);
    pp_json_set_real(out, "straggling_s", r->straggling_s);
    pp_json_set_real(out, "again_s", r->again_s);
    pp_json_set_real(out, "idle_s", r->idle_s);
    pp_json_set_int(out, "leases", r->leases);
    pp_json_set_int(out, "copies", r->copies);
    pp_json_set_int(out, "lost_leases", r->lost);
    pp_json_set_int(out, "cancelled", r->cancelled);
    pp_json_set_int(out, "messages", r->messages);
    pp_json_set_int(out, "messages_to_coordinator", r->to_coordinator);
    pp_json_set_int(out, "messages_lost", r->messages_lost);
    pp_json_set_int(out, "messages_repeated", r->messages_repeated);
    pp_json_set_int(out, "events", r->events);
    pp_json_set_int(out, "ranks_dead", r->workers_dead);
    pp_json_set_bool(out, "out_of_time", r->out_of_time);
    pp_json_set_real(out, "coordinator_busy_share", r->coordinator_busy_share);
    pp_json_set_int(out, "scheduler_bytes", (int64_t)r->schedule_bytes);
    pp_json_set_text(out, "fingerprint", fingerprint);
    pp_json_set_real(measured, "scheduler_s", r->scheduler_s);
    pp_json_set_real(measured, "share_of_makespan",
                     r->makespan_s > 0 ? r->scheduler_s / r->makespan_s : 0);
    pp_json_set_real(measured, "slowest_event_s", r->slowest_event_s);
    pp_json_set(out, "measured", measured);
    return out;
}

static int print_json(pp_json *value)
{
    char *text = pp_json_dump(value, 2);
    pp_json_free(&value);
    if (text == NULL) return 1;
    printf("%s\n", text);
    pp_free(text);
    return 0;
}

static void print_waste(const pp_simulation_setup *setup, const pp_simulation_report *r)
{
    double all_s = r->makespan_s * setup->workers;
    if (!(all_s > 0)) return;
    double other_s = all_s - r->useful_s - r->straggling_s - r->again_s - r->idle_s;
    printf("  useful       %8.3f %%  first copies only, of ranks x makespan\n",
           100 * r->useful_share);
    printf("  slow leases  %8.3f %%\n", 100 * r->straggling_s / all_s);
    printf("  done twice   %8.3f %%  copies that came second, dropped leases\n",
           100 * r->again_s / all_s);
    printf("  waiting      %8.3f %%\n", 100 * r->idle_s / all_s);
    printf("  other        %8.3f %%  fixed costs of leases, noise, the dead\n",
           100 * other_s / all_s);
}

static void print_report(const pp_simulation_setup *setup, const pp_simulation_report *r)
{
    char bytes[32], took[32], bound[32];
    pp_text_bytes(r->schedule_bytes, bytes, sizeof bytes);
    pp_clock_duration_text(r->makespan_s, took, sizeof took);
    pp_clock_duration_text(r->bound_s, bound, sizeof bound);
    printf("%lld videos (%lld cut), %lld windows, %d ranks, seed %llu\n", (long long)r->videos,
           (long long)r->cut_videos, (long long)r->windows, setup->workers,
           (unsigned long long)setup->seed);
    printf("makespan %s (%.3f s); no run can be shorter than %s (%.3f s):\n", took, r->makespan_s,
           bound, r->bound_s);
    printf("  all work / ranks %.3f s; longest chain of one video %.3f s (%.0f windows)\n",
           r->share_s, r->chain_s, r->chain_windows);
    if (r->chain_s > r->share_s) {
        printf("  bound by that chain: at most %.3f %% can be useful\n",
               100 * r->share_s / r->chain_s);
    }
    print_waste(setup, r);
    printf("done %lld, failed %lld, equal to others %lld%s\n", (long long)r->done,
           (long long)r->failed, (long long)r->shared, r->out_of_time ? "; out of time" : "");
    printf("leases %lld, copies %lld, lost %lld, dropped %lld; ranks that died %d\n",
           (long long)r->leases, (long long)r->copies, (long long)r->lost, (long long)r->cancelled,
           r->workers_dead);
    printf("messages %lld (lost %lld, repeated %lld); scheduler's memory %s\n",
           (long long)r->messages, (long long)r->messages_lost, (long long)r->messages_repeated,
           bytes);
    printf("fingerprint %016llx\n", (unsigned long long)r->fingerprint);
    double makespan_s = r->makespan_s > 0 ? r->makespan_s : 1;
    printf("measured: %.3f processor seconds in the scheduler = %.4f %% of its core; %.2f us an "
           "event (%.0f of "
           "them a second), slowest %.0f us\n",
           r->scheduler_s, 100 * r->scheduler_s / makespan_s,
           1e6 * r->scheduler_s / (double)(r->events > 0 ? r->events : 1),
           (double)r->events / makespan_s, 1e6 * r->slowest_event_s);
}

/* ---- the three things it does -----------------------------------------------------------------
 */

static int failed(pp_error *err)
{
    pp_log_failure(PP_LOG_ERROR, "pp simulate", err);
    return err->status == PP_ERR_USAGE ? 2 : 1;
}

static int run_one(const settings *s)
{
    pp_error err = {0};
    pp_simulation_report report;
    if (pp_simulate(&s->sim, &report, &err) != PP_OK) return failed(&err);
    if (s->json) return print_json(to_json(&s->sim, &report));
    print_report(&s->sim, &report);
    return 0;
}

static int run_histories(const settings *s)
{
    pp_error err = {0};
    int64_t leases = 0, windows = 0, lost = 0, repeated = 0, dead = 0;
    for (int64_t i = 0; i < (int64_t)s->histories; i++) {
        pp_simulation_setup setup;
        pp_simulation_report report;
        pp_simulation_setup_random(&setup, s->sim.seed + (uint64_t)i);
        if (pp_simulate(&setup, &report, &err) != PP_OK) return failed(&err);
        leases += report.leases;
        windows += report.windows_published;
        lost += report.messages_lost;
        repeated += report.messages_repeated;
        dead += report.workers_dead;
    }
    printf("%lld histories from seed %llu: every window published exactly once\n",
           (long long)s->histories, (unsigned long long)s->sim.seed);
    printf("windows %lld, leases %lld; messages lost %lld, repeated %lld; ranks presumed dead "
           "%lld\n",
           (long long)windows, (long long)leases, (long long)lost, (long long)repeated,
           (long long)dead);
    return 0;
}

static int run_bench(const settings *s)
{
    pp_error err = {0};
    pp_simulation_speed speed;
    if (pp_simulate_speed((int)s->ranks, (int64_t)s->leases, pp_clock_cpu_s, &speed, &err) !=
        PP_OK) {
        return failed(&err);
    }
    if (s->json) {
        pp_json *out = pp_json_object();
        pp_json_set_int(out, "ranks", s->sim.workers);
        pp_json_set_int(out, "leases", speed.leases);
        pp_json_set_real(out, "processor_s", speed.seconds);
        pp_json_set_real(out, "leases_per_s", speed.leases_per_s);
        return print_json(out);
    }
    printf("scheduler: %lld leases to %d ranks in %.3f processor seconds: %.0f leases/s\n",
           (long long)speed.leases, s->sim.workers, speed.seconds, speed.leases_per_s);
    return 0;
}

static int run_simulate(int argc, char **argv)
{
    settings s;
    int code = parse(&s, argc, argv);
    if (code >= 0) return code;
    if (s.bench) return run_bench(&s);
    return s.histories > 0 ? run_histories(&s) : run_one(&s);
}

const pp_verb pp_verb_simulate = {"simulate", "how the scheduler would run a corpus on many ranks",
                                  run_simulate};
