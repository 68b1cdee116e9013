/* From notes to gestures: where bows, sticks and hands are at a moment. */
#include <math.h>

#include "figure.h"

static float pitch_share(const pp_part *part, int key)
{
    return part->high > part->low ? (float)(key - part->low) / (float)(part->high - part->low)
                                  : 0.5f;
}

static float smooth_step(float t)
{
    t = fminf(fmaxf(t, 0), 1);
    return t * t * (3 - 2 * t);
}

static void follow_hand(pp_hand *hand, const pp_part *part, int which, size_t after, double time_s)
{
    *hand = (pp_hand){.since_s = 1e6f, .raise = 1, .pitch = 0.5f};
    for (size_t i = after; i > 0 && hand->last == NULL; i--) {
        if (part->notes[i - 1].hand == which) hand->last = &part->notes[i - 1];
    }
    for (size_t i = after; i < part->count && hand->next == NULL; i++) {
        if (part->notes[i].hand == which) hand->next = &part->notes[i];
    }
    float until_s = hand->next != NULL ? (float)(hand->next->on_s - time_s) : 1e6f;
    if (hand->last != NULL) hand->since_s = (float)(time_s - hand->last->on_s);
    hand->raise = fminf(1, fminf(hand->since_s / 0.12f, until_s / 0.14f));
    const pp_note *from = hand->last != NULL ? hand->last : hand->next;
    const pp_note *to = hand->next != NULL ? hand->next : hand->last;
    if (from == NULL) return;
    /* The way to the next note is made in the last 0.3 s before it. */
    float way = fminf(0.3f, fmaxf(until_s + hand->since_s, 0.01f));
    float a = pitch_share(part, from->key), b = pitch_share(part, to->key);
    hand->move = smooth_step(1 - until_s / way);
    hand->pitch = a + (b - a) * hand->move;
}

/* How far the nearest sounding note is from now, in seconds; strikes count for 0.3 s. */
static float distance_to_sound(const pp_part *part, size_t after, double time_s)
{
    float distance = 1e6f;
    if (after < part->count) distance = (float)(part->notes[after].on_s - time_s);
    for (size_t i = after; i > 0 && i + 16 > after; i--) {
        const pp_note *note = &part->notes[i - 1];
        double end = fmax(note->off_s, note->on_s + 0.3);
        distance = fminf(distance, (float)fmax(time_s - end, 0));
    }
    return distance;
}

/* Each stroke runs from where the one before ended to its own end, longer notes using more bow. */
static float bow_place(const pp_part *part, size_t after, double time_s)
{
    if (after == 0) return 0;
    const pp_note *now = &part->notes[after - 1], *before = NULL;
    for (size_t i = after - 1; i > 0 && before == NULL; i--) {
        if (part->notes[i - 1].hand != now->hand) before = &part->notes[i - 1];
    }
    float reach = fminf(0.3f + 0.6f * (float)(now->off_s - now->on_s), 1);
    float end = now->hand ? reach : -reach, start = -end;
    if (before != NULL) {
        float other = fminf(0.3f + 0.6f * (float)(before->off_s - before->on_s), 1);
        start = before->hand ? other : -other;
    }
    float share = (float)((time_s - now->on_s) / fmax(now->off_s - now->on_s, 0.05));
    return start + (end - start) * fminf(share, 1);
}

void pp_act_at(pp_act *act, const pp_part *part, double time_s)
{
    size_t after = pp_part_after(part, time_s);
    *act = (pp_act){.time_s = time_s, .part = part, .pitch = 0.5f};
    for (int hand = 0; hand < 3; hand++) {
        follow_hand(&act->hands[hand], part, hand, after, time_s);
    }
    act->level = smooth_step(1 - distance_to_sound(part, after, time_s) / 0.5f);
    act->bow = bow_place(part, after, time_s);
    if (after > 0) {
        const pp_note *now = &part->notes[after - 1];
        float since = (float)(time_s - now->on_s), to = pitch_share(part, now->key);
        float from = after > 1 ? pitch_share(part, part->notes[after - 2].key) : to;
        act->pitch = from + (to - from) * smooth_step(since / 0.08f + 0.4f);
        act->pulse = now->velocity * fmaxf(0, 1 - since / 0.2f);
    }
}

int pp_act_pressed(const pp_act *act, int key)
{
    const pp_part *part = act->part;
    for (size_t i = pp_part_after(part, act->time_s), seen = 0; i > 0 && seen < 64; i--, seen++) {
        const pp_note *note = &part->notes[i - 1];
        if (note->key == key && note->off_s > act->time_s) return 1;
    }
    return 0;
}
