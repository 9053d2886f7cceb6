/* SPDX-License-Identifier: MIT */
/* Descriptors go with a message; the daemon replies to each, or ends the connection. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/connection.h"
#include "client/thruster-probes/telling.h"

#define TIMEOUT_MS 10000u
#define FDS_MAX 4

int telling_connect(struct telling *t)
{
	struct wire_probes hello = {
		.header = wire_header_make(WIRE_PROBES),
		.step = WIRE_PROBES_HELLO,
	};
	struct connection_answer answer = { .fd = { -1, -1 } };
	int r = thr_connection_open(&t->fd, t->socket_path, TIMEOUT_MS);

	t->has_maps = false;
	if (r < 0)
		return r;
	r = thr_connection_ask(t->fd, &hello, sizeof(hello), TIMEOUT_MS, &answer);
	thr_connection_close_fds(&answer);
	if (r == 0)
		r = answer.reply.status;
	if (r < 0)
		telling_close(t);
	return r;
}

void telling_close(struct telling *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* Send, and hear that it was understood. */
static int say_with(int fd, const struct wire_probes *request, const int *fds, unsigned n)
{
	struct connection_answer answer = { .fd = { -1, -1 } };
	int r;

	struct iovec text = { (void *)request, sizeof(*request) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	r = thr_connection_receive(fd, TIMEOUT_MS, &answer);
	thr_connection_close_fds(&answer);
	return r < 0 ? r : answer.reply.status;
}

/* In a memfd that nobody can change any more. */
static int text_fd(const json_t *text, uint64_t *ret_bytes)
{
	char *s = json_dumps(text, JSON_COMPACT);
	int fd = memfd_create("thruster-probes", MFD_CLOEXEC | MFD_ALLOW_SEALING), r = 0;

	if (!s || fd < 0) {
		r = s ? -errno : -ENOMEM;
	} else {
		*ret_bytes = strlen(s);
		if (write(fd, s, *ret_bytes) != (ssize_t)*ret_bytes)
			r = errno ? -errno : -ENOSPC;
	}
	free(s);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int telling_give_maps(struct telling *t, const struct loader *loader, const json_t *text)
{
	struct loader_maps maps = loader_maps(loader);
	struct stat st = { 0 };
	struct wire_probes request = {
		.header = wire_header_make(WIRE_PROBES),
		.step = WIRE_PROBES_MAPS,
		.n_cpus = maps.n_cpus,
		.n_class_cells = maps.n_class_cells,
	};
	int fds[FDS_MAX] = { maps.cells_fd, maps.desk_fd, maps.events_fd, -1 }, r;

	if (stat("/proc/self/ns/pid", &st) == 0)
		request.pid_namespace = (uint32_t)st.st_ino;
	fds[3] = text_fd(text, &request.text_bytes);
	if (fds[3] < 0)
		return fds[3];
	r = say_with(t->fd, &request, fds, 4);
	close(fds[3]);
	t->has_maps = r == 0;
	return r;
}

int telling_give_text(struct telling *t, const json_t *text)
{
	struct wire_probes request = {
		.header = wire_header_make(WIRE_PROBES),
		.step = WIRE_PROBES_TEXT,
	};
	int fd = text_fd(text, &request.text_bytes), r;

	if (fd < 0)
		return fd;
	r = say_with(t->fd, &request, &fd, 1);
	close(fd);
	return r;
}

static json_t *probes_json(const struct loader *loader)
{
	json_t *array = json_array();
	const struct loader_file *file;
	unsigned i;

	for (file = loader_files(loader); file; file = file->next)
		for (i = 0; i < file->notes.n; i++)
			json_array_append_new(array,
				json_pack("{s:s, s:s, s:I, s:I}", "probe",
					notes_probe_name(file->notes.site[i].probe), "file",
					file->path, "inode", (json_int_t)file->inode, "offset",
					(json_int_t)file->notes.site[i].offset));
	return array;
}

json_t *telling_text(const struct loader *loader, int error, const char *reason,
	const char *exits_reason)
{
	bool is_attached = loader && loader_files(loader);
	json_t *o = json_object();

	json_object_set_new(o, "state", json_string(is_attached ? "attached" : "unavailable"));
	if (!reason || !*reason)
		reason = is_attached ? "" : "no file to attach to";
	json_object_set_new(o, "reason", json_string(reason));
	if (loader)
		json_object_set_new(o, "since_realtime_ns", json_integer(loader_since_ns(loader)));
	json_object_set_new(o, "backend", json_string(loader_backend_name(loader)));
	if (error)
		json_object_set_new(o, "errno", json_integer(-error));
	json_object_set_new(o, "probes", loader ? probes_json(loader) : json_array());
	json_object_set_new(o, "fast_reclaim",
		json_pack("{s:s, s:s}", "state",
			loader && !*exits_reason ? "attached" : "unavailable", "reason",
			loader ? exits_reason : reason ? reason : ""));
	return o;
}
