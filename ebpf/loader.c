/* SPDX-License-Identifier: MIT */
/*
 * libbpf of Debian 12 knows nothing of uprobe_multi, but loads a program for it, and the link is
 * one system call. What the kernel allows is found out by trying, never by its version.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "ebpf/loader.h"
#include "ebpf/record.h"
#include "contention.skel.h"
#include "exit.skel.h"

#define ATTACH_TYPE_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI */
#define CLASS_CELLS 256u
#define LOG_LINE_MAX 300u
#define NEEDS "CAP_BPF and CAP_PERFMON, and bpf() allowed"
#define NEEDS_PERF "CAP_SYS_ADMIN, as perf events do on many kernels, and perf_event_open() allowed"

struct loader {
	struct contention *contention;
	struct exit_watch *exits;
	enum loader_backend backend;
	uint32_t n_cpus;
	int64_t since_ns;
	struct loader_file *files;
};

/* Of union bpf_attr, as Linux 6.6 has it. */
struct link_multi {
	uint32_t program_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, semaphores, cookies;
	uint32_t n, multi_flags, pid, unused;
};

/* The last words of libbpf, for who asks why. */
static char last_words[LOG_LINE_MAX];

__attribute__((format(printf, 2, 0)))
static int hear(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_words, sizeof(last_words), format, arguments);
	last_words[strcspn(last_words, "\n")] = 0;
	return 0;
}

/* `needs`, or NULL: what one must have to be allowed it. */
static int fail(int r, char why[LOADER_WHY_MAX], const char *what, const char *needs)
{
	bool is_forbidden = needs && (r == -EPERM || r == -EACCES);

	snprintf(why, LOADER_WHY_MAX, "%s: %s%s%s%s%s%s", what, strerror(-r),
		is_forbidden ? " (needs " : "", is_forbidden ? needs : "", is_forbidden ? ")" : "",
		last_words[0] ? "; " : "", last_words);
	return r;
}

static int link_multi(int program_fd, const char *path, const uint64_t *offsets,
	const uint64_t *semaphores, const uint64_t *cookies, uint32_t n)
{
	struct link_multi attr = {
		.program_fd = (uint32_t)program_fd,
		.attach_type = ATTACH_TYPE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.semaphores = (uintptr_t)semaphores,
		.cookies = (uintptr_t)cookies,
		.n = n,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

/* A directory can have no probe: a kernel that knows how says so; another, that it does not. */
static bool can_multi(int program_fd)
{
	const uint64_t offset = 0;

	return link_multi(program_fd, "/", &offset, NULL, NULL, 1) == -EBADF;
}

static int load_as(struct loader *l, enum loader_backend backend)
{
	struct contention *c = contention__open();
	bool is_multi = backend == LOADER_MULTI;
	int r;

	if (!c)
		return -errno;
	bpf_program__set_autoload(c->progs.on_probe_multi, is_multi);
	bpf_program__set_autoload(c->progs.on_probe_perf, !is_multi);
	if (is_multi)
		bpf_program__set_expected_attach_type(
			c->progs.on_probe_multi, (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	bpf_map__set_max_entries(c->maps.cells, TRACE_SEATS + CLASS_CELLS * l->n_cpus);
	c->rodata->n_cpus = l->n_cpus;
	r = contention__load(c);
	if (r == 0 && is_multi && !can_multi(bpf_program__fd(c->progs.on_probe_multi)))
		r = -EOPNOTSUPP;
	if (r < 0) {
		contention__destroy(c);
		return r;
	}
	l->contention = c;
	l->backend = backend;
	return 0;
}

int loader_new(struct loader **ret, bool for_perf, char why[LOADER_WHY_MAX])
{
	struct loader *l = calloc(1, sizeof(*l));
	struct timespec now;
	int r, cpus;

	if (!l)
		return fail(-ENOMEM, why, "cannot begin", NULL);
	last_words[0] = 0;
	libbpf_set_print(hear);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	clock_gettime(CLOCK_REALTIME, &now);
	l->since_ns = now.tv_sec * 1000000000ll + now.tv_nsec;
	cpus = libbpf_num_possible_cpus();
	l->n_cpus = cpus > 0 ? (uint32_t)cpus : 1;
	r = for_perf ? -EOPNOTSUPP : load_as(l, LOADER_MULTI);
	if (r < 0)
		r = load_as(l, LOADER_PERF);
	if (r < 0) {
		loader_free(l);
		return fail(r, why, "cannot load the BPF programs", NEEDS);
	}
	*ret = l;
	return 0;
}

static void file_free(struct loader_file *file)
{
	unsigned i;

	for (i = 0; i < NOTES_SITES_MAX; i++)
		bpf_link__destroy(file->link[i]);
	if (file->multi_fd >= 0)
		close(file->multi_fd);
	free(file->path);
	free(file);
}

void loader_free(struct loader *l)
{
	struct loader_file *next;

	if (!l)
		return;
	for (; l->files; l->files = next) {
		next = l->files->next;
		file_free(l->files);
	}
	exit_watch__destroy(l->exits);
	contention__destroy(l->contention);
	free(l);
}

enum loader_backend loader_backend(const struct loader *l)
{
	return l ? l->backend : LOADER_NONE;
}

const char *loader_backend_name(const struct loader *l)
{
	static const char *const names[] = { "none", "perf_uprobe", "uprobe_multi" };

	return names[loader_backend(l)];
}

static int own_pid_namespace(uint32_t *ret)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return -errno;
	*ret = (uint32_t)st.st_ino;
	return 0;
}

int loader_watch_exits(struct loader *l, char why[LOADER_WHY_MAX])
{
	struct exit_watch *e;
	uint32_t namespace = 0;
	int r = own_pid_namespace(&namespace);

	last_words[0] = 0;
	if (r < 0)
		return fail(r, why, "/proc/self/ns/pid", NULL);
	e = exit_watch__open();
	if (!e)
		return fail(-errno, why, "cannot open the program", NULL);
	e->rodata->pid_namespace = namespace;
	r = bpf_map__reuse_fd(e->maps.desk, bpf_map__fd(l->contention->maps.desk));
	if (r == 0)
		r = bpf_map__reuse_fd(e->maps.events, bpf_map__fd(l->contention->maps.events));
	if (r == 0)
		r = exit_watch__load(e);
	if (r == 0)
		r = exit_watch__attach(e);
	if (r < 0) {
		exit_watch__destroy(e);
		return fail(r, why, "cannot see processes end", NEEDS);
	}
	l->exits = e;
	return 0;
}

static int attach_multi(struct loader *l, struct loader_file *file, const char *path)
{
	uint64_t offsets[NOTES_SITES_MAX], semaphores[NOTES_SITES_MAX], cookies[NOTES_SITES_MAX];
	unsigned i;
	int fd;

	for (i = 0; i < file->notes.n; i++) {
		offsets[i] = file->notes.site[i].offset;
		semaphores[i] = file->notes.site[i].semaphore;
		cookies[i] = file->notes.site[i].probe;
	}
	fd = link_multi(bpf_program__fd(l->contention->progs.on_probe_multi), path, offsets,
		semaphores, cookies, file->notes.n);
	if (fd < 0)
		return fd;
	file->multi_fd = fd;
	return 0;
}

static int attach_each(struct loader *l, struct loader_file *file, const char *path)
{
	unsigned i;

	for (i = 0; i < file->notes.n; i++) {
		const struct notes_site *site = &file->notes.site[i];
		LIBBPF_OPTS(bpf_uprobe_opts, options, .ref_ctr_offset = site->semaphore,
			.bpf_cookie = site->probe);

		file->link[i] = bpf_program__attach_uprobe_opts(
			l->contention->progs.on_probe_perf, -1, path, site->offset, &options);
		if (!file->link[i])
			return -errno;
	}
	return 0;
}

static bool is_attached(const struct loader *l, const struct stat *st)
{
	const struct loader_file *file;

	for (file = l->files; file; file = file->next)
		if (file->device == st->st_dev && file->inode == st->st_ino)
			return true;
	return false;
}

/* Read where its probes are and attach there. `as` finds the file; its own name is for people. */
static int attach_file(struct loader *l, struct loader_file *file, const char *as,
	char why[LOADER_WHY_MAX])
{
	char reason[NOTES_WHY_MAX];
	int r = file->path ? notes_read(as, &file->notes, reason) : -ENOMEM;

	if (r < 0) {
		snprintf(why, LOADER_WHY_MAX, "%s: %s", file->path ? file->path : as,
			file->path ? reason : strerror(ENOMEM));
		return r;
	}
	r = l->backend == LOADER_MULTI ? attach_multi(l, file, as) : attach_each(l, file, as);
	if (r < 0)
		return fail(r, why, file->path, l->backend == LOADER_MULTI ? NEEDS : NEEDS_PERF);
	return 0;
}

/*
 * A name may be a client's, who can have it mean another file at each look: one look, and then that
 * file by its descriptor. Nothing is opened but a file: a pipe would be waited for.
 */
int loader_attach(struct loader *l, const char *path, char why[LOADER_WHY_MAX])
{
	int fd = open(path, O_PATH | O_CLOEXEC), r;
	struct loader_file *file = NULL;
	struct stat st;
	char as[40];

	last_words[0] = 0;
	if (fd < 0)
		return fail(-errno, why, path, NULL);
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0) {
		fail(r, why, path, NULL);
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(why, LOADER_WHY_MAX, "%s: is no program and no library", path);
		r = -ENODATA;
	} else if (is_attached(l, &st)) {
		r = 1;
	} else if (!(file = calloc(1, sizeof(*file)))) {
		r = fail(-ENOMEM, why, path, NULL);
	}
	if (r == 0) {
		*file = (struct loader_file){
			.device = st.st_dev,
			.inode = st.st_ino,
			.multi_fd = -1,
			.path = strdup(path),
		};
		snprintf(as, sizeof(as), "/proc/self/fd/%d", fd);
		r = attach_file(l, file, as, why);
	}
	close(fd);
	if (r == 0) {
		file->next = l->files;
		l->files = file;
	} else if (file) {
		file_free(file);
	}
	return r;
}

const struct loader_file *loader_files(const struct loader *l)
{
	return l->files;
}

int64_t loader_since_ns(const struct loader *l)
{
	return l->since_ns;
}

struct loader_maps loader_maps(const struct loader *l)
{
	return (struct loader_maps){
		.cells_fd = bpf_map__fd(l->contention->maps.cells),
		.desk_fd = bpf_map__fd(l->contention->maps.desk),
		.events_fd = bpf_map__fd(l->contention->maps.events),
		.n_cpus = l->n_cpus,
		.n_class_cells = CLASS_CELLS,
	};
}
