/* The cut of a video: windows on the hop grid, segments of whole windows, pictures on their grid.
 */
#include "pipeline/segments.h"

#include <math.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The first picture of the grid at or behind a sample. The product is the same double wherever it
 * is computed, so that two segments never both claim a picture or both leave it. */
static int64_t first_picture_from(const pp_cut *cut, int64_t sample)
{
    double per_picture = cut->interval_s * cut->rate_hz;
    int64_t picture = (int64_t)floor((double)sample / per_picture);
    while (picture > 0 && (double)(picture - 1) * per_picture >= (double)sample) picture--;
    while ((double)picture * per_picture < (double)sample) picture++;
    return picture;
}

pp_cut pp_cut_of(int64_t samples, const pp_parameters *parameters, const pp_model_shape *shape)
{
    pp_cut cut = {
        .window_frames = shape->window_frames,
        .step_frames = parameters->window_step_frames,
        .hop_samples = shape->hop_samples,
        .rate_hz = shape->rate_hz,
        .segment_windows = parameters->segment_windows,
        .interval_s = parameters->frame_interval_s,
    };
    int64_t frames = samples > 0 ? 1 + samples / shape->hop_samples : 0;
    int64_t behind_first = most(0, frames - cut.window_frames);
    cut.all.samples = samples;
    cut.all.stft_frames = frames;
    cut.all.windows = 1 + (behind_first + cut.step_frames - 1) / cut.step_frames;
    cut.all.pictures = most(1, first_picture_from(&cut, samples));
    cut.all.segments = (cut.all.windows + cut.segment_windows - 1) / cut.segment_windows;
    return cut;
}

int64_t pp_cut_window_first_frame(const pp_cut *cut, int64_t window)
{
    int64_t last_possible = most(0, cut->all.stft_frames - cut->window_frames);
    return least(window * cut->step_frames, last_possible);
}

int pp_cut_window_present(const pp_cut *cut, int64_t window)
{
    int64_t left = cut->all.stft_frames - pp_cut_window_first_frame(cut, window);
    return (int)least(left, cut->window_frames);
}

pp_range pp_cut_window_samples(const pp_cut *cut, int64_t window)
{
    int64_t first = pp_cut_window_first_frame(cut, window) * cut->hop_samples;
    int64_t whole = (int64_t)cut->window_frames * cut->hop_samples - 1;
    return (pp_range){first, least(whole, cut->all.samples - first)};
}

pp_range pp_cut_window_pictures(const pp_cut *cut, int64_t window)
{
    pp_range samples = pp_cut_window_samples(cut, window);
    int64_t end = samples.first + samples.count;
    int64_t first = least(first_picture_from(cut, samples.first), cut->all.pictures);
    int64_t behind = least(first_picture_from(cut, end), cut->all.pictures);
    if (behind > first || cut->all.pictures == 0) return (pp_range){first, behind - first};
    /* None inside: `first` is the next one (if any), first - 1 the one before. */
    if (first == 0) return (pp_range){0, 1};
    if (first == cut->all.pictures) return (pp_range){first - 1, 1};
    double middle = (double)samples.first + 0.5 * (double)samples.count;
    double per_picture = cut->interval_s * cut->rate_hz;
    double before = middle - (double)(first - 1) * per_picture;
    double after = (double)first * per_picture - middle;
    return (pp_range){after < before ? first : first - 1, 1};
}

pp_range pp_cut_windows_over(const pp_cut *cut, int64_t first_frame, int64_t frames)
{
    int64_t first = most(0, first_frame - cut->window_frames) / cut->step_frames;
    first = least(first, cut->all.windows - 1);
    while (first < cut->all.windows - 1 &&
           pp_cut_window_first_frame(cut, first) + cut->window_frames <= first_frame) {
        first++;
    }
    int64_t behind = first + 1;
    while (behind < cut->all.windows &&
           pp_cut_window_first_frame(cut, behind) < first_frame + frames) {
        behind++;
    }
    return (pp_range){first, behind - first};
}

pp_range pp_cut_segment_windows(const pp_cut *cut, int64_t segment)
{
    int64_t first = segment * cut->segment_windows;
    return (pp_range){first, least(cut->segment_windows, cut->all.windows - first)};
}

pp_range pp_cut_block_samples(const pp_cut *cut, int64_t window)
{
    int64_t step = (int64_t)cut->step_frames * cut->hop_samples;
    int64_t first = window * step;
    int is_last = window == cut->all.windows - 1;
    return (pp_range){first, is_last ? cut->all.samples - first : step};
}

pp_range pp_cut_segment_samples(const pp_cut *cut, int64_t segment)
{
    pp_range windows = pp_cut_segment_windows(cut, segment);
    int64_t first = pp_cut_block_samples(cut, windows.first).first;
    pp_range last = pp_cut_block_samples(cut, windows.first + windows.count - 1);
    return (pp_range){first, last.first + last.count - first};
}

pp_range pp_cut_segment_pictures(const pp_cut *cut, int64_t segment)
{
    pp_range samples = pp_cut_segment_samples(cut, segment);
    int is_last = segment == cut->all.segments - 1;
    int64_t first = least(first_picture_from(cut, samples.first), cut->all.pictures);
    int64_t behind =
        is_last ? cut->all.pictures
                : least(first_picture_from(cut, samples.first + samples.count), cut->all.pictures);
    return (pp_range){first, behind - first};
}

int64_t pp_cut_segment_of_window(const pp_cut *cut, int64_t window)
{
    return window / cut->segment_windows;
}

int64_t pp_cut_segment_of_picture(const pp_cut *cut, int64_t picture)
{
    double sample = (double)picture * cut->interval_s * cut->rate_hz;
    int64_t step = (int64_t)cut->segment_windows * cut->step_frames * cut->hop_samples;
    int64_t segment = least((int64_t)(sample / (double)step), cut->all.segments - 1);
    while (segment > 0 && pp_cut_segment_pictures(cut, segment).first > picture) segment--;
    for (; segment < cut->all.segments - 1; segment++) {
        pp_range pictures = pp_cut_segment_pictures(cut, segment);
        if (picture < pictures.first + pictures.count) break;
    }
    return segment;
}

/* ---- the public face -------------------------------------------------------------------- */

static pp_cut cut_from(const pp_segments *segments, const pp_parameters *parameters,
                       const pp_model_shape *shape)
{
    pp_cut cut = pp_cut_of(segments->samples, parameters, shape);
    if (segments->pictures == 0) cut.all.pictures = 0;
    return cut;
}

void pp_segments_of(pp_segments *out, int64_t samples, const pp_parameters *parameters,
                    const pp_model_shape *shape)
{
    *out = pp_cut_of(samples, parameters, shape).all;
}

int64_t pp_window_first_frame(const pp_segments *segments, int64_t window,
                              const pp_parameters *parameters, const pp_model_shape *shape)
{
    pp_cut cut = cut_from(segments, parameters, shape);
    return pp_cut_window_first_frame(&cut, window);
}

/* Segments of the first and the last picture that the segment's windows use. */
static void listen_needs(const pp_cut *cut, pp_range windows, int64_t *first, int64_t *last)
{
    for (int64_t w = windows.first; w < windows.first + windows.count; w++) {
        pp_range pictures = pp_cut_window_pictures(cut, w);
        if (pictures.count == 0) continue;
        *first = least(*first, pp_cut_segment_of_picture(cut, pictures.first));
        *last = most(*last, pp_cut_segment_of_picture(cut, pictures.first + pictures.count - 1));
    }
}

void pp_segment_needs(const pp_segments *segments, const pp_parameters *parameters,
                      const pp_model_shape *shape, pp_stage stage, int64_t segment, int64_t *first,
                      int64_t *count)
{
    pp_cut cut = cut_from(segments, parameters, shape);
    pp_range windows = pp_cut_segment_windows(&cut, segment);
    int64_t from = segment, to = segment;
    if (stage == PP_STAGE_LISTEN) listen_needs(&cut, windows, &from, &to);
    if (stage == PP_STAGE_SEPARATE) {
        /* An inverse STFT touches frames up to half a transform outside; two hops more do. */
        int64_t margin = shape->n_fft / shape->hop_samples + 1;
        int64_t begin = most(0, windows.first * cut.step_frames - margin);
        int64_t end = segment == cut.all.segments - 1
                          ? cut.all.stft_frames
                          : (windows.first + windows.count) * cut.step_frames + margin;
        pp_range over = pp_cut_windows_over(&cut, begin, end - begin);
        from = pp_cut_segment_of_window(&cut, over.first);
        to = pp_cut_segment_of_window(&cut, over.first + over.count - 1);
    }
    *first = from;
    *count = to - from + 1;
}
