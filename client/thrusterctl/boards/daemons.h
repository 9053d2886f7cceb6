/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_BOARDS_DAEMONS_H
#define CLIENT_THRUSTERCTL_BOARDS_DAEMONS_H

#include <sys/types.h>

/*
 * The process of the daemon that listens at a socket, whether it answers or not; 0 if it cannot be
 * told. Who is neither root nor the daemon's user may not be able to.
 */
pid_t daemon_find(const char *path);

#endif
