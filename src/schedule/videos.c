/* Videos: added, found to be equal, final. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/internal.h"

static uint64_t hash_text(const char *text) /* FNV-1a */
{
    uint64_t hash = 14695981039346656037u;
    for (; text != NULL && *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

pp_status pp_schedule_add(pp_schedule *schedule, const pp_schedule_video *spec, pp_error *err)
{
    if (schedule->started) return pp_fail(err, PP_ERR_INTERNAL, "a video added after the start");
    pp_status status = pp_grow((void **)&schedule->videos, &schedule->video_capacity,
                               schedule->video_count + 1, sizeof *schedule->videos, err);
    if (status != PP_OK) return status;
    video *v = &schedule->videos[schedule->video_count++];
    *v = (video){
        .size_bytes = spec->size_bytes > 0 ? spec->size_bytes : 0,
        .windows = spec->windows,
        .known = spec->windows > 0,
        .variant = hash_text(spec->variant),
        .leader = -1,
        .first_sharing = -1,
        .next_sharing = -1,
        .identity = -1,
        .group = -1,
        .next_in_group = -1,
        .first_lease = NO_LEASE,
    };
    pp_sched_video_account(schedule, v, 1);
    return PP_OK;
}

double pp_sched_video_windows(const pp_schedule *schedule, const video *v)
{
    if (v->known) return v->windows;
    return (double)v->size_bytes / pp_costs_window_bytes(&schedule->costs);
}

void pp_sched_video_account(pp_schedule *schedule, const video *v, int sign)
{
    if (v->known) schedule->whole_windows += sign * v->windows;
    else schedule->whole_bytes += sign * (double)v->size_bytes;
}

double pp_sched_video_chain_s(const pp_schedule *schedule, const video *v)
{
    const pp_costs *costs = &schedule->costs;
    if (v->state == VIDEO_CUT) return pp_sched_cut_chain_s(schedule, v->cut);
    double windows = pp_sched_video_windows(schedule, v);
    if (windows <= schedule->setup.single_lease_windows) {
        return costs->lease_s + windows * pp_costs_all_window_s(costs);
    }
    double serial = pp_costs_window_s(costs, PP_STAGE_PROBE) +
                    pp_costs_window_s(costs, PP_STAGE_CAST) +
                    pp_costs_window_s(costs, PP_STAGE_PUBLISH);
    double parallel = pp_costs_all_window_s(costs) - serial;
    /* One segment is about half a single lease: the parallel stages cost that at least. */
    return 6 * costs->lease_s + windows * serial +
           0.5 * schedule->setup.single_lease_windows * parallel;
}

pp_status pp_sched_video_make_ready(pp_schedule *schedule, int64_t index, pp_error *err)
{
    video *v = &schedule->videos[index];
    v->state = VIDEO_READY;
    double windows = v->known ? v->windows : (double)v->size_bytes / schedule->costs.window_bytes;
    return pp_heap_put(&schedule->ready, index, windows, err);
}

/* ---- start: whose size is not the only one of its kind? ---------------------------------------
 */

typedef struct sized {
    int64_t size_bytes, index;
    uint64_t variant;
} sized;

static int compare_sized(const void *left, const void *right)
{
    const sized *a = left, *b = right;
    if (a->size_bytes != b->size_bytes) return a->size_bytes < b->size_bytes ? -1 : 1;
    if (a->variant != b->variant) return a->variant < b->variant ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* `index` joins the group of `before`, which may be its first. */
static pp_status join_group(pp_schedule *schedule, int64_t before, int64_t index, pp_error *err)
{
    video *first = &schedule->videos[before], *v = &schedule->videos[index];
    if (first->group < 0) {
        pp_status status = pp_grow((void **)&schedule->groups, &schedule->group_capacity,
                                   schedule->group_count + 1, sizeof *schedule->groups, err);
        if (status != PP_OK) return status;
        first->group = (int64_t)schedule->group_count++;
        first->must_identify = 1;
        schedule->groups[first->group] = (group){.first = before, .unknown = 1};
    }
    v->group = first->group;
    v->must_identify = 1;
    first->next_in_group = index;
    schedule->groups[v->group].unknown++;
    return PP_OK;
}

static pp_status find_equal_sizes(pp_schedule *schedule, pp_error *err)
{
    size_t count = schedule->video_count;
    sized *list = pp_alloc(count, sizeof *list);
    if (list == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu videos", count);
    for (size_t i = 0; i < count; i++) {
        const video *v = &schedule->videos[i];
        list[i] = (sized){v->size_bytes, (int64_t)i, v->variant};
    }
    qsort(list, count, sizeof *list, compare_sized);
    pp_status status = PP_OK;
    for (size_t i = 1; status == PP_OK && i < count; i++) {
        if (list[i].size_bytes <= 0 || list[i].size_bytes != list[i - 1].size_bytes ||
            list[i].variant != list[i - 1].variant) {
            continue;
        }
        status = join_group(schedule, list[i - 1].index, list[i].index, err);
    }
    pp_free(list);
    return status;
}

pp_status pp_schedule_start(pp_schedule *schedule, double now_s, pp_error *err)
{
    schedule->now_s = schedule->ticked_s = now_s;
    pp_status status = find_equal_sizes(schedule, err);
    for (size_t i = 0; status == PP_OK && i < schedule->video_count; i++) {
        status = pp_sched_video_make_ready(schedule, (int64_t)i, err);
    }
    for (int i = 0; i < schedule->setup.workers; i++) pp_sched_worker_seen(schedule, i);
    schedule->started = 1;
    return status;
}

/* ---- equal content ----------------------------------------------------------------------------
 */

static uint64_t identity_hash(const char *sha256, uint64_t variant)
{
    return hash_text(sha256) ^ (variant * 0x9e3779b97f4a7c15u);
}

static size_t identity_place(const pp_schedule *schedule, const char *sha256, uint64_t variant)
{
    size_t mask = schedule->identity_places - 1;
    size_t at = (size_t)identity_hash(sha256, variant) & mask;
    for (; schedule->identity_table[at] != 0; at = (at + 1) & mask) {
        const identity *entry = &schedule->identities[schedule->identity_table[at] - 1];
        if (entry->variant == variant && strcmp(entry->sha256, sha256) == 0) break;
    }
    return at;
}

static pp_status identities_grow(pp_schedule *schedule, pp_error *err)
{
    if (2 * (schedule->identity_count + 1) <= schedule->identity_places) return PP_OK;
    size_t places = schedule->identity_places < 64 ? 64 : schedule->identity_places * 2;
    int64_t *table = pp_alloc(places, sizeof *table);
    if (table == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu identities", places);
    pp_free(schedule->identity_table);
    schedule->identity_table = table;
    schedule->identity_places = places;
    for (size_t i = 0; i < schedule->identity_count; i++) {
        const identity *entry = &schedule->identities[i];
        table[identity_place(schedule, entry->sha256, entry->variant)] = (int64_t)i + 1;
    }
    return PP_OK;
}

/* The video's outcome is the leader's, now or later. */
static pp_status follow(pp_schedule *schedule, int64_t index, int64_t leader, pp_error *err)
{
    video *v = &schedule->videos[index], *lead = &schedule->videos[leader];
    v->leader = leader;
    v->state = VIDEO_SHARES;
    if (lead->state == VIDEO_FINAL) {
        return pp_sched_video_finalize(schedule, index, (pp_status)lead->status, err);
    }
    v->next_sharing = lead->first_sharing;
    lead->first_sharing = index;
    return PP_OK;
}

static pp_status enter_identity(pp_schedule *schedule, video *v, const char *sha256, pp_error *err)
{
    pp_status status = identities_grow(schedule, err);
    if (status != PP_OK) return status;
    size_t place = identity_place(schedule, sha256, v->variant);
    v->identity = schedule->identity_table[place] - 1;
    if (v->identity >= 0) return PP_OK;
    status = pp_grow((void **)&schedule->identities, &schedule->identity_capacity,
                     schedule->identity_count + 1, sizeof *schedule->identities, err);
    if (status != PP_OK) return status;
    v->identity = (int64_t)schedule->identity_count++;
    schedule->identity_table[place] = v->identity + 1;
    identity *entry = &schedule->identities[v->identity];
    memcpy(entry->sha256, sha256, PP_HASH_HEX);
    entry->variant = v->variant;
    entry->leader = -1;
    return PP_OK;
}

/* One of the group is no longer unknown. Where it was the last one, the first of each content is
 * computed: which one that is depends on the order of the inputs alone. */
static pp_status one_known(pp_schedule *schedule, video *known, pp_error *err)
{
    if (!known->must_identify) return PP_OK;
    known->must_identify = 0;
    group *g = &schedule->groups[known->group];
    if (--g->unknown > 0) return PP_OK;
    pp_status status = PP_OK;
    for (int64_t i = g->first; status == PP_OK && i >= 0; i = schedule->videos[i].next_in_group) {
        video *v = &schedule->videos[i];
        if (v->state != VIDEO_KNOWN) continue;
        identity *entry = &schedule->identities[v->identity];
        if (entry->leader >= 0) {
            status = follow(schedule, i, entry->leader, err);
        } else {
            entry->leader = i;
            status = pp_sched_video_make_ready(schedule, i, err);
        }
    }
    return status;
}

pp_status pp_sched_video_identified(pp_schedule *schedule, int64_t index, const char *sha256,
                                    pp_error *err)
{
    video *v = &schedule->videos[index];
    pp_status status = enter_identity(schedule, v, sha256, err);
    if (status != PP_OK) return status;
    pp_heap_remove(&schedule->ready, index); /* a lost lease may be out again */
    v->state = VIDEO_KNOWN;
    return one_known(schedule, v, err);
}

/* ---- final ------------------------------------------------------------------------------------
 */

static int is_the_files_fault(pp_status status)
{
    return status == PP_ERR_NOT_FOUND || status == PP_ERR_IO;
}

/* Those that share the content of `index` get its outcome; where the leader's file went away, the
 * next one takes its place instead. */
static pp_status settle_sharing(pp_schedule *schedule, int64_t index, pp_status outcome,
                                pp_error *err)
{
    video *v = &schedule->videos[index];
    int64_t next = v->first_sharing;
    v->first_sharing = -1;
    int leads = v->identity >= 0 && schedule->identities[v->identity].leader == index;
    if (leads && is_the_files_fault(outcome)) {
        schedule->identities[v->identity].leader = next;
        if (next < 0) return PP_OK;
        video *heir = &schedule->videos[next];
        heir->leader = -1;
        heir->first_sharing = heir->next_sharing;
        heir->next_sharing = -1;
        for (int64_t i = heir->first_sharing; i >= 0; i = schedule->videos[i].next_sharing) {
            schedule->videos[i].leader = next;
        }
        return pp_sched_video_make_ready(schedule, next, err);
    }
    while (next >= 0) {
        int64_t after = schedule->videos[next].next_sharing;
        pp_status status = pp_sched_video_finalize(schedule, next, outcome, err);
        if (status != PP_OK) return status;
        next = after;
    }
    return PP_OK;
}

static pp_status end_leases(pp_schedule *schedule, video *v, pp_error *err)
{
    for (int32_t slot = v->first_lease; slot != NO_LEASE;) {
        int32_t next = schedule->leases[slot].next;
        if (schedule->leases[slot].state == LEASE_LOST) {
            pp_sched_lease_free(schedule, slot);
        } else if (schedule->leases[slot].state == LEASE_RUNNING) {
            pp_status status = pp_sched_lease_cancel(schedule, slot, err);
            if (status != PP_OK) return status;
        }
        slot = next;
    }
    return PP_OK;
}

/* Takes what the video still had to do out of the books. */
static void settle_accounts(pp_schedule *schedule, video *v, pp_status status)
{
    if (v->cut == NULL) {
        double windows = pp_sched_video_windows(schedule, v);
        pp_sched_video_account(schedule, v, -1);
        if (status != PP_OK || v->leader >= 0) return;
        schedule->known_windows += windows;
        schedule->done_windows += windows;
        return;
    }
    for (int stage = 0; stage < PP_STAGES; stage++) {
        double each = pp_sched_cut_is_whole_stage(stage)
                          ? v->cut->segment_windows * (double)v->cut->segments
                          : v->cut->segment_windows;
        schedule->left_windows[stage] -= each * (double)v->cut->left[stage];
    }
    double unheard = v->cut->segment_windows * (double)v->cut->left[PP_STAGE_LISTEN];
    schedule->known_windows -= unheard;
    schedule->cut_bytes -= v->cut->bytes;
    pp_sched_cut_destroy(&v->cut);
}

pp_status pp_sched_video_finalize(pp_schedule *schedule, int64_t index, pp_status outcome,
                                  pp_error *err)
{
    video *v = &schedule->videos[index];
    if (v->state == VIDEO_FINAL) return pp_fail(err, PP_ERR_INTERNAL, "a video ended twice");
    pp_status status = end_leases(schedule, v, err);
    if (status != PP_OK) return status;
    pp_heap_remove(&schedule->ready, index);
    pp_heap_remove(&schedule->active, index);
    settle_accounts(schedule, v, outcome);
    v->state = VIDEO_FINAL;
    v->status = (int16_t)outcome;
    schedule->final_count++;
    if (outcome != PP_OK) schedule->failed_count++;
    if (v->leader >= 0) schedule->shared_count++;
    pp_action action = {.kind = PP_ACTION_OUTCOME,
                        .worker = NOBODY,
                        .video = index,
                        .status = outcome,
                        .same_as = v->leader,
                        .attempts = v->failures};
    status = pp_sched_act(schedule, &action, err);
    if (status == PP_OK) status = settle_sharing(schedule, index, outcome, err);
    return status == PP_OK ? one_known(schedule, v, err) : status;
}
