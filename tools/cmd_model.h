/* The parts of `pp model`, one function a sub-verb; argv[0] is its name. Exit statuses as in pp.h.
 */
#ifndef PP_TOOLS_CMD_MODEL_H
#define PP_TOOLS_CMD_MODEL_H

#include "model/file.h"

int pp_model_command_import(int argc, char **argv);
int pp_model_command_init(int argc, char **argv);
int pp_model_command_show(int argc, char **argv);
int pp_model_command_check(int argc, char **argv);

/* Prints a failure; returns the exit status that goes with it (2 usage, else 1). */
int pp_model_command_failed(const pp_error *err);

/* "--option VALUE" that sets the shape of import and init; 0: not one of them. */
int pp_model_command_shape_option(pp_model_file *file, int option, const char *value,
                                  pp_status *status, pp_error *err);

/* For getopt_long: the shape options, and their lines in a usage text. */
enum {
    PP_MODEL_OPTION_PICTURE = 512,
    PP_MODEL_OPTION_STRIDE,
    PP_MODEL_OPTION_ROWS,
    PP_MODEL_OPTION_FRAMES,
    PP_MODEL_OPTION_RATE,
    PP_MODEL_OPTION_FFT,
    PP_MODEL_OPTION_HOP,
    PP_MODEL_OPTION_POOLING,
    PP_MODEL_OPTION_MASKS
};
#define PP_MODEL_SHAPE_OPTIONS                                                                     \
    {"picture", required_argument, NULL, PP_MODEL_OPTION_PICTURE},                                 \
        {"stride", required_argument, NULL, PP_MODEL_OPTION_STRIDE},                               \
        {"log-rows", required_argument, NULL, PP_MODEL_OPTION_ROWS},                               \
        {"window-frames", required_argument, NULL, PP_MODEL_OPTION_FRAMES},                        \
        {"rate", required_argument, NULL, PP_MODEL_OPTION_RATE},                                   \
        {"n-fft", required_argument, NULL, PP_MODEL_OPTION_FFT},                                   \
        {"hop", required_argument, NULL, PP_MODEL_OPTION_HOP},                                     \
        {"pooling", required_argument, NULL, PP_MODEL_OPTION_POOLING},                             \
    {                                                                                              \
        "masks", required_argument, NULL, PP_MODEL_OPTION_MASKS                                    \
    }
#define PP_MODEL_SHAPE_USAGE                                                                       \
    "      --picture N            pictures are N x N pixels (224)\n"                               \
    "      --stride N             pixels of the picture a feature stands for: 8, 16, 32 (16)\n"    \
    "      --log-rows N           rows of the log-frequency grid (256)\n"                          \
    "      --window-frames N      STFT frames of a window (256)\n"                                 \
    "      --rate HZ              of the sound (11025)\n"                                          \
    "      --n-fft N, --hop N     of the STFT (1022, 256)\n"                                       \
    "      --pooling P            of clips: maximum or average (maximum)\n"                        \
    "      --masks M              trained on binary or ratio masks (binary)\n"

#endif
