/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/*
 * Memory that is shared by descriptor: memfds, allocated at once and sealed; and how much of it
 * this machine and this control group have left, asked before, because the kernel's own answer to
 * too much is to kill.
 */

#include <stddef.h>
#include <stdint.h>

#define MEMORY_WHY_MAX 256

/* 0 if `bytes` more can be had, else -ENOMEM and the reason in `why`. */
int memory_check(uint64_t bytes, char why[MEMORY_WHY_MAX]);

/*
 * A memfd of `bytes`, every page allocated, mode 0600, mapped writable here at *ret_at, sealed
 * against change of size and of seals. 0 or -errno.
 */
int memory_new_shared(int *ret_fd, void **ret_at, const char *name, uint64_t bytes);

/*
 * The same in three steps: a memfd of mode 0600 without a page, `flags` being those of
 * memfd_create() beside the usual; pages for a part of it, wherever this thread runs; mapped and
 * sealed. The descriptor, or 0, or -errno.
 */
int memory_create(const char *name, uint64_t bytes, unsigned flags);
int memory_allocate(int fd, uint64_t from, uint64_t to);
int memory_finish(int fd, uint64_t bytes, void **ret_at);

/* Map such a memfd of an earlier run, if it has that size and cannot shrink; else NULL. */
void *memory_map(int fd, uint64_t bytes);

/* A memfd that holds a copy of a text and cannot be changed. Returns the descriptor or -errno. */
int memory_new_text(const char *name, const char *text, size_t length);

/*
 * An open file description of a memfd of its own; who gets one that is for reading alone can never
 * write. Returns the descriptor or -errno.
 */
int memory_reopen(int fd);
int memory_reopen_read_only(int fd);

#endif
