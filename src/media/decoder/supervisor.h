/* The supervisor: forks one worker a video, ends it, says how it ended. It touches no FFmpeg state,
 * so that every worker starts from the same clean process. */
#ifndef PP_MEDIA_DECODER_SUPERVISOR_H
#define PP_MEDIA_DECODER_SUPERVISOR_H

#include "media/protocol.h"

/* Deliberate misbehaviour of workers, for tests (pp-decode --fault); PP_FAULT_NONE in real use. */
typedef enum pp_fault {
    PP_FAULT_NONE,
    PP_FAULT_CRASH, /* SIGSEGV */
    PP_FAULT_HANG,  /* no answer, no processor time */
    PP_FAULT_SPIN,  /* no answer, all processor time */
    PP_FAULT_EAT,   /* memory until there is none */
    PP_FAULT_LIE,   /* reports that break the protocol */
    PP_FAULT_OPEN   /* opens a file and a socket, which the sandbox must refuse */
} pp_fault;

typedef struct pp_faults { /* which misbehaviour, and while doing what */
    pp_fault kind;
    pp_ask_kind during; /* PP_ASK_SCAN or PP_ASK_PICTURES; 0: while opening */
} pp_faults;

/* Serves orders from `control` until the rank is gone. Returns the exit status. In a forked worker
 * it does not return. */
int pp_supervise(int control, const pp_faults *faults);

#endif
