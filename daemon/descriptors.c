/* SPDX-License-Identifier: MIT */
/* The kernel has installed them by the time we look, wanted or not. */

#include <string.h>
#include <unistd.h>
#include "daemon/descriptors.h"

void descriptors_close(struct descriptors *d)
{
	unsigned i;

	for (i = 0; i < d->n; i++)
		if (d->fd[i] >= 0)
			close(d->fd[i]);
	d->n = 0;
}

int descriptors_take(struct descriptors *d, unsigned n)
{
	int fd = n < d->n ? d->fd[n] : -1;

	if (n < d->n)
		d->fd[n] = -1;
	return fd;
}

bool descriptors_receive(struct descriptors *keep, struct msghdr *message)
{
	bool any = message->msg_flags & MSG_CTRUNC;
	struct cmsghdr *c;
	size_t n, i;
	int fd;

	if (keep)
		descriptors_close(keep);
	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (keep && keep->n < DESCRIPTORS_MAX) {
				keep->fd[keep->n++] = fd;
				continue;
			}
			close(fd);
			any = true;
		}
	}
	return any;
}
