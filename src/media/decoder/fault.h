/* Misbehaviour on purpose, so that tests can see the rank live through it: `pp-decode --fault=...`
 * (no environment variable and nothing a rank sends can turn it on). */
#ifndef PP_MEDIA_DECODER_FAULT_H
#define PP_MEDIA_DECODER_FAULT_H

#include "media/decoder/worker.h"

/* "KIND[@open|@scan|@pictures]", KIND one of crash, hang, spin, eat, lie, open; -1 otherwise. */
int pp_fault_parse(const char *text, pp_faults *faults);

/* Misbehaves if this is the moment; else nothing. */
void pp_fault_act(pp_worker *worker, pp_ask_kind now);

#endif
