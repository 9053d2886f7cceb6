/* SPDX-License-Identifier: MIT */
/*
 * A daemon finds what an earlier run left with the service manager: a state, and of two arenas the
 * pages, the board and the ledger. The bytes say what is wrong with them: words changed, files too
 * short or of another kind, names of all sorts, a configuration that has changed meanwhile. The
 * arenas that it was asked for must be there afterwards, old or new, and serve.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include "daemon/adopt.h"
#include "daemon/memory.h"
#include "daemon/stats.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/office.h"

#define FILES 7u /* state; pages, board and ledger of two arenas */
#define STATE_BYTES (((uint64_t)sizeof(struct state) + 4095) & ~(uint64_t)4095)

struct left {
	struct bytes bytes;
	int fd[FILES];
	void *at[FILES];
	uint64_t size[FILES];
	char name[FILES][STORE_NAME_MAX];
	struct config *config;
};

static void leave(struct left *left, unsigned n, const char *name, int fd, uint64_t size)
{
	left->fd[n] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	left->size[n] = size;
	left->at[n] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(left->fd[n] >= 0 && left->at[n] != MAP_FAILED, "memory");
	snprintf(left->name[n], STORE_NAME_MAX, "%s", name);
}

static void leave_arena(struct left *left, unsigned n, const struct arena *arena)
{
	const struct thr_geometry *g = &arena->geometry;
	char name[STORE_NAME_MAX];

	snprintf(name, sizeof(name), "a.%u", arena->id);
	leave(left, n, name, arena->fds.pages, g->arena_bytes);
	name[0] = 'b';
	leave(left, n + 1, name, arena->fds.board, g->board_bytes);
	name[0] = 'l';
	leave(left, n + 2, name, arena->fds.ledger, ledger_bytes(g));
}

/* A run, with a client in each arena, that ends. */
static void earlier_run(struct left *left)
{
	struct peer peer = { .pid = 1, .pidfd = -1 };
	struct store nothing = { 0 };
	struct state *state;
	struct daemon *daemon;
	struct client *client;
	void *copy;
	unsigned i;
	int fd;

	must(state_open(&state, &nothing) == 0, "state");
	daemon = office_open();
	state->next_id = daemon->state->next_id;
	for (i = 0; i < 2; i++) {
		must(arena_seat(daemon->arenas[i], &peer, "earlier", &client, &fd) == 0, "seat");
		close(fd);
		must(state_arena(state, daemon->arenas[i]->id), "room");
		leave_arena(left, 1 + 3 * i, daemon->arenas[i]);
	}
	office_close(daemon);
	must(memory_new_shared(&fd, &copy, "state", STATE_BYTES) == 0, "memory");
	memcpy(copy, state, STATE_BYTES);
	leave(left, 0, "state", fd, STATE_BYTES);
	munmap(copy, STATE_BYTES);
	munmap(state, STATE_BYTES);
	close(fd);
}

static void change_word(struct left *left, unsigned n)
{
	uint64_t at = bytes_number(&left->bytes, 2) * sizeof(uint64_t) % left->size[n];
	uint8_t how = bytes_u8(&left->bytes);
	uint64_t word;

	memcpy(&word, (uint8_t *)left->at[n] + at, sizeof(word));
	if (how & 1)
		word += (uint64_t)(int8_t)bytes_u8(&left->bytes) << (how >> 1 & 56);
	else
		word = bytes_number(&left->bytes, 8);
	memcpy((uint8_t *)left->at[n] + at, &word, sizeof(word));
}

/* That of another file, a letter less, or any. */
static void change_name(struct left *left)
{
	unsigned n = bytes_u8(&left->bytes) % FILES;
	uint8_t how = bytes_u8(&left->bytes);

	if (how == 0xff) {
		bytes_take(&left->bytes, left->name[n], STORE_NAME_MAX - 1);
		left->name[n][STORE_NAME_MAX - 1] = 0;
	} else if (how & 0x80) {
		left->name[n][how % 4] = 0;
	} else {
		memmove(left->name[n], left->name[how % FILES], STORE_NAME_MAX);
	}
}

/* Another kind of file, or another size. */
static void change_file(struct left *left)
{
	unsigned n = bytes_u8(&left->bytes) % FILES;
	uint8_t how = bytes_u8(&left->bytes);
	int fd;

	if (how < 0x40)
		fd = memfd_create("short", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	else if (how < 0x80)
		fd = memory_new_text("text", left->at[n], left->size[n]);
	else
		fd = fcntl(left->fd[how % FILES], F_DUPFD_CLOEXEC, 0);
	must(fd >= 0, "memory");
	if (how < 0x40)
		must(ftruncate(fd, how * 512) == 0 &&
				fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "short");
	close(left->fd[n]);
	left->fd[n] = fd;
}

static void change_config(struct left *left)
{
	struct config_arena *arena = &left->config->arenas[bytes_u8(&left->bytes) % 2];
	uint8_t how = bytes_u8(&left->bytes);

	if (how & 1)
		snprintf(arena->name, sizeof(arena->name), "new-%d", arena == left->config->arenas);
	if (how & 2)
		arena->classes[0].slots += 1 + (how >> 5);
	if (how & 4)
		arena->max_clients = 1 + (how >> 4);
	if (how & 8)
		left->config->n_arenas = 1;
	must(thr_geometry_init(&arena->geometry, OFFICE_CORES, arena->max_clients, arena->classes,
		     arena->n_classes) == 0, "geometry");
}

static void change(struct left *left)
{
	uint8_t what = bytes_u8(&left->bytes) % 9;

	if (what < 6)
		change_word(left, (const uint8_t[]){ 0, 3, 6, 2, 5, 1 }[what]);
	else if (what == 6)
		change_name(left);
	else if (what == 7)
		change_file(left);
	else
		change_config(left);
}

static void must_serve(struct daemon *daemon, const struct config *config)
{
	const struct peer viewer = { .sees_all = true };
	struct peer peer = { .pid = 1, .pidfd = -1 };
	struct client *client;
	char *text = NULL;
	size_t i;
	int r, fd;

	for (i = 0; i < config->n_arenas; i++) {
		struct arena *arena = daemon_find_arena(daemon, config->arenas[i].name);

		must(arena, "there is no arena %s", config->arenas[i].name);
		r = arena_seat(arena, &peer, "new", &client, &fd);
		must(r == 0 || r == -EUSERS, "arena %s does not serve: %d", arena->name, r);
		if (r == 0)
			close(fd);
	}
	for (i = 0; i < daemon->n_arenas; i++) {
		arena_sample(daemon->arenas[i]);
		arena_judge(daemon->arenas[i]);
		reaper_sweep(daemon->arenas[i]);
	}
	must(stats_text(daemon, &viewer, &text) == 0, "no answer");
	free(text);
	text = NULL;
	must(stats_leases_text(daemon, &viewer, 0, &text) == 0, "no answer");
	free(text);
	adopt_sweep(daemon);
}

static void later_run(struct left *left)
{
	struct store store = { calloc(FILES, sizeof(*store.found)), FILES };
	struct daemon *daemon;
	struct state *state;
	unsigned i;

	must(store.found, "memory");
	for (i = 0; i < FILES; i++) {
		memcpy(store.found[i].name, left->name[i], STORE_NAME_MAX);
		store.found[i].fd = left->fd[i];
		munmap(left->at[i], left->size[i]);
	}
	must(state_open(&state, &store) == 0, "state");
	daemon = office_found(state);
	if (adopt_arenas(daemon, &store, left->config) == 0)
		must_serve(daemon, left->config);
	store_fini(&store);
	office_dissolve(daemon);
	munmap(state, STATE_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct office_descriptors before = office_descriptors(), after;
	struct left left = { .bytes = { data, data + size }, .config = office_config() };

	earlier_run(&left);
	while (bytes_left(&left.bytes))
		change(&left);
	later_run(&left);
	free(left.config);
	after = office_descriptors();
	must(memcmp(&before, &after, sizeof(before)) == 0, "descriptors were lost");
	return 0;
}
