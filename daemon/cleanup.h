/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CLEANUP_H
#define DAEMON_CLEANUP_H

/* Undo by scope: a variable marked _cleanup_(f) is handed to f when its scope is left. */

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void free_memory(void *p)
{
	free(*(void **)p);
}

/* Pass on what a _cleanup_ variable holds. */
#define take_fd(fd)                                                                                \
	({                                                                                         \
		int *p_ = &(fd), v_ = *p_;                                                         \
		*p_ = -1;                                                                          \
		v_;                                                                                \
	})

#define take_pointer(p)                                                                            \
	({                                                                                         \
		__typeof__(p) v_ = (p);                                                            \
		(p) = NULL;                                                                        \
		v_;                                                                                \
	})

#endif
