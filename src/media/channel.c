#include "media/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

typedef union control { /* aligned as the kernel's header wants it */
    struct cmsghdr header;
    char bytes[CMSG_SPACE(PP_CHANNEL_FDS * sizeof(int))];
} control;

int pp_channel_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

int pp_channel_send(int fd, const void *message, size_t size, const int *fds, int count, int wait)
{
    struct iovec part = {(void *)(size_t)message, size}; /* sendmsg only reads it */
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    control room;
    if (count > 0) {
        memset(&room, 0, sizeof room);
        head.msg_control = room.bytes;
        head.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *attached = CMSG_FIRSTHDR(&head);
        attached->cmsg_level = SOL_SOCKET;
        attached->cmsg_type = SCM_RIGHTS;
        attached->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(attached), fds, (size_t)count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &head, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* True once there is something to receive. */
static int wait_for(int fd, double wait_s)
{
    double end_s = wait_s < 0 ? 0 : pp_clock_s() + wait_s;
    for (;;) {
        struct pollfd one = {fd, POLLIN, 0};
        double left_s = wait_s < 0 ? 3600 : end_s - pp_clock_s();
        if (left_s < 0) left_s = 0;
        int ready = poll(&one, 1, left_s > 3600 ? 3600000 : (int)(left_s * 1000 + 0.999));
        if (ready > 0) return 1;
        if (ready < 0 && errno != EINTR) return 1; /* recvmsg will say what is wrong */
        if (wait_s >= 0 && pp_clock_s() >= end_s) return 0;
    }
}

/* Takes the descriptors out of a message: the first `count` into fds, the others closed. */
static int take_descriptors(struct msghdr *head, int *fds, int count)
{
    int taken = 0;
    struct cmsghdr *attached = CMSG_FIRSTHDR(head);
    for (; attached != NULL; attached = CMSG_NXTHDR(head, attached)) {
        if (attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS) continue;
        size_t held = (attached->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < held; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(attached) + i * sizeof(int), sizeof fd);
            if (taken < count) fds[taken++] = fd;
            else close(fd);
        }
    }
    return taken;
}

pp_heard pp_channel_receive(int fd, void *message, size_t size, int *fds, int count, int *received,
                            double wait_s)
{
    if (received != NULL) *received = 0;
    if (!wait_for(fd, wait_s)) return PP_HEARD_NOTHING;
    struct iovec part = {message, size};
    control room;
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds != NULL) { /* without room for them the kernel drops descriptors by itself */
        head.msg_control = room.bytes;
        head.msg_controllen = sizeof room.bytes;
    }
    ssize_t got;
    do {
        got = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return PP_HEARD_END;
    int taken = fds != NULL ? take_descriptors(&head, fds, count) : 0;
    if (received != NULL) *received = taken;
    if ((size_t)got == size && (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
        return PP_HEARD_MESSAGE;
    }
    while (taken > 0) close(fds[--taken]);
    if (received != NULL) *received = 0;
    return PP_HEARD_NONSENSE;
}
