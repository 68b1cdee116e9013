/* What a worker gives up before it looks at a video. */
#ifndef PP_MEDIA_DECODER_SANDBOX_H
#define PP_MEDIA_DECODER_SANDBOX_H

#include "media/protocol.h"

enum { PP_WORKER_FDS = 6 }; /* a worker has descriptors 0 to 5 open and can open no more */

/* Limits on memory, processor time, files and children; no new privileges; a list of the system
 * calls that remain. Call once, single-threaded, with every descriptor already open. *filtered is 0
 * where the kernel has no seccomp: the other limits hold all the same. -1 where a limit could not
 * be set. */
int pp_sandbox_enter(const pp_media_limits *limits, int *filtered);

#endif
