/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

/* Where a thread of the daemon runs. */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "shm/id.h"
#include "shm/section.h"

/* Move the calling thread to a core, one of n. False if it may not run there, or there is no
 * telling where it is. */
bool place_go_to(struct core_id core, uint32_t n_cores, struct section_self section);

/* The cores that the calling thread may run on; NULL if they cannot be told. free() it. */
cpu_set_t *place_home(size_t *ret_bytes);

#endif
