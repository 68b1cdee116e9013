/* Messages with descriptors over AF_UNIX SOCK_SEQPACKET. Internal to src/media; no thread state. */
#ifndef PP_MEDIA_CHANNEL_H
#define PP_MEDIA_CHANNEL_H

#include <stddef.h>

enum { PP_CHANNEL_FDS = 3 }; /* at most, a message */

typedef enum pp_heard {
    PP_HEARD_MESSAGE,
    PP_HEARD_NOTHING, /* in the given time */
    PP_HEARD_END,     /* the other side is gone */
    PP_HEARD_NONSENSE /* a message of another size, or without its descriptors */
} pp_heard;

/* A connected pair, close-on-exec. -1 and errno. */
int pp_channel_pair(int ends[2]);

/* 0, or -1 with errno (EPIPE where the other side is gone; EAGAIN where `wait` is 0 and it does not
 * read). Descriptors are borrowed. Raises no signal. */
int pp_channel_send(int fd, const void *message, size_t size, const int *fds, int count, int wait);

/* Waits up to wait_s (negative: for ever) for one message of exactly `size` bytes. fds: room for
 * `count` descriptors, of which *received come (close-on-exec, the caller's); more than asked for
 * are closed. fds NULL: none is accepted. */
pp_heard pp_channel_receive(int fd, void *message, size_t size, int *fds, int count, int *received,
                            double wait_s);

#endif
