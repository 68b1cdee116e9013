/* Parameters: defaults, ranges, their canonical text; names of stages. */
#include "pipeline/pipeline.h"
#include "pipeline/stages.h"

static const char *const stage_names[PP_STAGES] = {"probe", "see",      "listen",
                                                   "cast",  "separate", "publish"};

const char *pp_stage_name(pp_stage stage)
{
    return (unsigned)stage < PP_STAGES ? stage_names[stage] : "unknown";
}

void pp_parameters_default(pp_parameters *parameters)
{
    *parameters = (pp_parameters){
        .frame_interval_s = 2.0,
        .window_step_frames = 192,
        .most_sources = 4,
        .profile = PP_PROFILE_STEMS,
        .segment_windows = 30,
        .single_lease_windows = 60,
    };
}

double pp_parameters_cast_threshold(const pp_parameters *parameters)
{
    return parameters->cast_threshold > 0 ? parameters->cast_threshold : PP_CAST_ALIKE;
}

static pp_status check_range(const char *name, double value, double lowest, double highest,
                             pp_error *err)
{
    if (value >= lowest && value <= highest) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE, "%s = %g is out of range: %g to %g", name, value, lowest,
                   highest);
}

pp_status pp_parameters_check(const pp_parameters *p, pp_error *err)
{
    const struct {
        const char *name;
        double value, lowest, highest;
    } ranges[] = {
        {"frame_interval_s", p->frame_interval_s, 0.05, 3600},
        {"window_step_frames", p->window_step_frames, 1, 65536},
        {"most_sources", p->most_sources, 1, PP_MOST_SOURCES},
        {"cast_threshold", p->cast_threshold, 0, 1},
        {"segment_windows", p->segment_windows, 1, 100000},
        {"single_lease_windows", p->single_lease_windows, 0, 1e9},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        pp_status status =
            check_range(ranges[i].name, ranges[i].value, ranges[i].lowest, ranges[i].highest, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

const char *pp_mask_kind_name(pp_mask_kind kind)
{
    static const char *const names[] = {"shared", "ratio", "binary"};
    return names[kind];
}

char *pp_parameters_json(const pp_parameters *parameters)
{
    pp_json *json = pp_json_object();
    pp_json_set_real(json, "frame_interval_s", parameters->frame_interval_s);
    pp_json_set_int(json, "window_step_frames", parameters->window_step_frames);
    pp_json_set_int(json, "most_sources", parameters->most_sources);
    pp_json_set_real(json, "cast_threshold", pp_parameters_cast_threshold(parameters));
    pp_json_set_text(json, "masks", pp_mask_kind_name(parameters->masks));
    pp_json_set_text(json, "profile",
                     parameters->profile == PP_PROFILE_PIXELS ? "pixels" : "stems");
    if (parameters->query[0] != '\0') pp_json_set_text(json, "query", parameters->query);
    pp_json_set_bool(json, "strict", parameters->strict);
    pp_json_set_int(json, "numerics_version", PP_NUMERICS_VERSION);
    char *text = pp_json_dump(json, 0);
    pp_json_free(&json);
    return text;
}
