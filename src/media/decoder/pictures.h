/* Decodes the pictures of a plan.
 *
 * What a picture looks like must not depend on where the sequence begins. So each picture is
 * decoded from its own keyframe, in a decoder opened for that keyframe; those that share it are
 * taken in one run, and frames that no other refers to are left out on the way. */
#ifndef PP_MEDIA_DECODER_PICTURES_H
#define PP_MEDIA_DECODER_PICTURES_H

#include "media/decoder/input.h"
#include "media/decoder/worker.h"

/* Asks the rank for targets, reports total pictures in order, then DONE. */
pp_status pp_pictures(pp_worker *worker, pp_input *input, int64_t total, pp_error *err) PP_MUST_USE;

#endif
