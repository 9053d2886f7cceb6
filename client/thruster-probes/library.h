/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTER_PROBES_LIBRARY_H
#define CLIENT_THRUSTER_PROBES_LIBRARY_H

/*
 * Which files to attach to: the paths that were given or are built in, as they are now, and what
 * running clients have mapped, which may be an older file of that name, or one in a container.
 */

#include <stdbool.h>
#include <sys/types.h>

#define LIBRARY_NAME "libthruster-client.so"

/*
 * For each file that a process has mapped and that may have our probes, its program and its copies
 * of the library: a path by which we reach it, through the process if need be. False, if the
 * process cannot be looked into.
 */
bool library_each_of(pid_t pid, void (*each)(const char *path, void *userdata), void *userdata);

#endif
