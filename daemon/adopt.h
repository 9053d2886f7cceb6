/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ADOPT_H
#define DAEMON_ADOPT_H

/*
 * The arenas at the start: those that earlier runs left are opened again, matched with the
 * configuration, and the rest made. What becomes of an old arena:
 *
 *     as configured                                served on
 *     configured otherwise, or no more             retired: looked after until its last client
 *                                                  leaves, then removed; new clients get the new
 *     otherwise, and no memory for a new one       served on as it is, with an error in the log
 *     not sound, of another version, or the end    set aside (daemon/aside.h); new clients get a
 *     of three runs in a row                       new one
 *     never finished                               dropped: no client ever had it
 */

#include "daemon/daemon.h"

/* 0, or -errno after logging why not. */
int adopt_arenas(struct daemon *daemon, struct store *store, const struct config *config);

/* Is this arena what the configuration asks for, as far as it is laid out at its making? */
bool adopt_fits(const struct arena *arena, const struct config_arena *config);

/* An arena that the configuration asks for. 0, or -errno after logging why not. */
int adopt_make(struct daemon *daemon, const struct config_arena *config);

/* Remove those whose last client has left although they are wanted no more. */
void adopt_sweep(struct daemon *daemon);

#endif
