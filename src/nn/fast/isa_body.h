/* The table of an instruction set, once the bodies are there. Include behind them. */
#ifndef PP_NN_FAST_ISA_BODY_H
#define PP_NN_FAST_ISA_BODY_H

#include "nn/fast/direct_body.h"
#include "nn/fast/mix_body.h"
#include "nn/fast/thin_body.h"
#include "nn/fast/up_body.h"
#include "nn/fast/winograd2_body.h"
#include "nn/fast/winograd_body.h"

#define PP_FAST_ISA(text, can_run)                                                                 \
    {                                                                                              \
        .name = text, .usable = can_run, .direct = run_direct, .thin = run_thin,                   \
        .winograd = run_winograd, .winograd_2 = run_winograd_2, .up = run_up, .pool = run_pool,    \
        .masks = run_masks, .energies = run_energies                                               \
    }

#endif
