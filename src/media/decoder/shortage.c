#include "media/decoder/shortage.h"

#include <unistd.h>

#include "media/protocol.h"

static int is_fatal; /* set once, before the video is looked at */

void pp_shortage_is_fatal(int fatal)
{
    is_fatal = fatal;
}

void pp_shortage_met(void)
{
    if (is_fatal) _exit(PP_EXIT_NOMEM);
}
