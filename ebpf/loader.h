/* SPDX-License-Identifier: MIT */
#ifndef EBPF_LOADER_H
#define EBPF_LOADER_H

/*
 * Loading the programs and attaching them: to the probes of files, one link for a file
 * (uprobe_multi, Linux 6.6 and later) or one for each site (perf events, which newer kernels allow
 * only to CAP_SYS_ADMIN), whichever the kernel lets us; and to the end of processes. Links last
 * until loader_free() or the end of the process; a file that is replaced keeps its own.
 *
 * Not thread-safe. Messages for people are written to `why`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "ebpf/notes.h"

#define LOADER_WHY_MAX 400u

struct loader;

enum loader_backend { LOADER_NONE, LOADER_PERF, LOADER_MULTI };

/* What a file has attached; in a list, the newest first. */
struct loader_file {
	char *path;
	dev_t device;
	ino_t inode;
	struct notes notes;
	struct bpf_link *link[NOTES_SITES_MAX]; /* LOADER_PERF */
	int multi_fd;                           /* LOADER_MULTI, else -1 */
	struct loader_file *next;
};

/*
 * Load what probes need; if told so, for perf events even where the kernel has uprobe_multi. 0; or
 * -errno and why not: -EPERM without CAP_BPF and CAP_PERFMON, or where a filter forbids bpf(),
 * -EOPNOTSUPP if the kernel cannot.
 */
int loader_new(struct loader **ret, bool for_perf, char why[LOADER_WHY_MAX]);
void loader_free(struct loader *loader);

enum loader_backend loader_backend(const struct loader *loader);
const char *loader_backend_name(const struct loader *loader);

/* Load and attach what sees processes end. It needs the kernel's type information. Likewise. */
int loader_watch_exits(struct loader *loader, char why[LOADER_WHY_MAX]);

/*
 * Attach to all probes of a file. 0; 1 if that very file has been attached already; -ENODATA if
 * it has no probes; or another -errno. The reason in words.
 */
int loader_attach(struct loader *loader, const char *path, char why[LOADER_WHY_MAX]);

const struct loader_file *loader_files(const struct loader *loader);

/* When it was loaded, and began to count: CLOCK_REALTIME. */
int64_t loader_since_ns(const struct loader *loader);

/* The maps (ebpf/record.h), borrowed, and how they are laid out. */
struct loader_maps {
	int cells_fd, desk_fd, events_fd;
	uint32_t n_cpus, n_class_cells;
};

struct loader_maps loader_maps(const struct loader *loader);

#endif
