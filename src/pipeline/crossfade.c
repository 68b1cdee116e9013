#include "pipeline/crossfade.h"

#include <string.h>

float pp_crossfade_weight(const pp_cut *cut, int64_t window, int64_t frame)
{
    int64_t at = frame - pp_cut_window_first_frame(cut, window);
    float ramp = (float)(cut->window_frames - cut->step_frames + 1);
    float up = (float)(at + 1) / ramp;
    float down = (float)(cut->window_frames - at) / ramp;
    float least = up < down ? up : down;
    return least < 1 ? least : 1;
}

static int holds(const pp_cut *cut, int64_t window, int64_t frame)
{
    int64_t at = frame - pp_cut_window_first_frame(cut, window);
    return at >= 0 && at < cut->window_frames;
}

/* Adds share * (one column of a window's masks) to one frame's row. */
static void add_column(const pp_cut *cut, const pp_window_masks *from, int64_t frame, float share,
                       int sources, int bins, int64_t source_stride, float *row)
{
    int64_t column = frame - pp_cut_window_first_frame(cut, from->window);
    for (int s = 0; s < sources; s++) {
        const float *in = from->linear + (int64_t)s * bins * cut->window_frames + column;
        float *out = row + s * source_stride;
        for (int b = 0; b < bins; b++) out[b] += share * in[(int64_t)b * cut->window_frames];
    }
}

void pp_crossfade(const pp_cut *cut, const pp_window_masks *windows, int count, int sources,
                  int bins, int64_t first_frame, int64_t frames, float *masks)
{
    int64_t source_stride = frames * bins;
    memset(masks, 0, (size_t)(sources * source_stride) * sizeof *masks);
    for (int64_t f = 0; f < frames; f++) {
        int64_t frame = first_frame + f;
        float sum = 0;
        for (int w = 0; w < count; w++) {
            if (!holds(cut, windows[w].window, frame)) continue;
            sum += pp_crossfade_weight(cut, windows[w].window, frame);
        }
        for (int w = 0; w < count; w++) {
            if (!holds(cut, windows[w].window, frame)) continue;
            float share = pp_crossfade_weight(cut, windows[w].window, frame) / sum;
            add_column(cut, &windows[w], frame, share, sources, bins, source_stride,
                       masks + f * bins);
        }
    }
}

void pp_masks_make_binary(float *masks, int64_t count)
{
    for (int64_t i = 0; i < count; i++) masks[i] = masks[i] > 0.5f ? 1.0f : 0.0f;
}

void pp_masks_limit(float *masks, int sources, int64_t count, float *residual)
{
    for (int64_t i = 0; i < count; i++) {
        float sum = 0;
        for (int s = 0; s < sources; s++) sum += masks[s * count + i];
        if (sum > 1) {
            for (int s = 0; s < sources; s++) masks[s * count + i] /= sum;
            sum = 1;
        }
        residual[i] = 1 - sum;
    }
}

void pp_mask_apply(const float *spectrum, const float *mask, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++) {
        out[2 * i] = spectrum[2 * i] * mask[i];
        out[2 * i + 1] = spectrum[2 * i + 1] * mask[i];
    }
}
