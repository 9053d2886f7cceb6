/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DESCRIPTORS_H
#define DAEMON_DESCRIPTORS_H

/* Descriptors that come with a message: wanted ones are kept, all others closed at once. */

#include <stdbool.h>
#include <sys/socket.h>

#ifndef SO_PASSRIGHTS /* Linux 6.16 */
#define SO_PASSRIGHTS 83
#endif

#define DESCRIPTORS_ALL_MAX 253 /* the kernel's limit for one message */
#define DESCRIPTORS_MAX 4u

struct descriptors {
	int fd[DESCRIPTORS_MAX]; /* the first n; -1 = somebody took it */
	unsigned n;
};

/*
 * Put those of a message into `keep`, in place of what was there, and close what it has no room
 * for; all with NULL. True if any were closed or lost.
 */
bool descriptors_receive(struct descriptors *keep, struct msghdr *message);
void descriptors_close(struct descriptors *d);

/* Take the n-th away: the caller's, or -1. */
int descriptors_take(struct descriptors *d, unsigned n);

#endif
