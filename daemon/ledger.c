/* SPDX-License-Identifier: MIT */
/*
 * Layout and soundness. All that an offset or a loop depends on is computed from the geometry, and
 * the geometry must be one that we would make ourselves.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "daemon/clock.h"
#include "daemon/ledger.h"
#include "daemon/memory.h"
#include "shm/atomics.h"
#include "shm/geometry.h"
#include "shm/id.h"

_Static_assert(sizeof(struct ledger) % 8 == 0, "entries follow");
_Static_assert(sizeof(struct ledger_entry) % 8 == 0, "64-bit words follow");

static uint64_t entries_bytes(const struct thr_geometry *geometry)
{
	return (uint64_t)(geometry->seats + 1) * sizeof(struct ledger_entry);
}

/* A class's two arrays, each of whole 64-bit words. */
static uint64_t class_bytes(uint32_t slots)
{
	return (uint64_t)slots * sizeof(uint64_t) + ((uint64_t)slots + 1) / 2 * sizeof(uint64_t);
}

static uint64_t class_offset(const struct thr_geometry *geometry, uint32_t class_)
{
	uint64_t offset = sizeof(struct ledger) + entries_bytes(geometry);
	uint32_t i;

	for (i = 0; i < class_; i++)
		offset += class_bytes(geometry->class_[i].slots);
	return offset;
}

uint64_t ledger_bytes(const struct thr_geometry *geometry)
{
	return (class_offset(geometry, geometry->classes) + 4095) & ~(uint64_t)4095;
}

struct ledger_entry *ledger_entries(struct ledger *ledger)
{
	return (struct ledger_entry *)(ledger + 1);
}

uint64_t *ledger_seen(struct ledger *ledger, uint32_t class_)
{
	return (uint64_t *)((uint8_t *)ledger + class_offset(&ledger->geometry, class_));
}

uint32_t *ledger_since(struct ledger *ledger, uint32_t class_)
{
	return (uint32_t *)(ledger_seen(ledger, class_) + ledger->geometry.class_[class_].slots);
}

int ledger_new(int *ret_fd, struct ledger **ret, const char *name,
	const struct thr_geometry *geometry)
{
	char label[THR_NAME_MAX + 32];
	struct ledger *ledger;
	int r;

	snprintf(label, sizeof(label), "thruster-%s-ledger", name);
	r = memory_new_shared(ret_fd, (void **)&ledger, label, ledger_bytes(geometry));
	if (r < 0)
		return r;
	ledger->version = LEDGER_VERSION;
	ledger->abi = THR_ABI;
	memcpy(ledger->name, name, strnlen(name, THR_NAME_MAX - 1));
	ledger->geometry = *geometry;
	ledger->counting_since_ns = clock_monotonic_ns();
	ledger->created_realtime_ns = clock_realtime_ns();
	*ret = ledger;
	return 0;
}

void ledger_begin(struct ledger *ledger)
{
	store_release(&ledger->magic, LEDGER_MAGIC);
}

static const char *what_is_wrong(struct ledger *ledger, uint64_t bytes)
{
	const struct ledger_entry *entries = ledger_entries(ledger);
	uint32_t i;

	if (!thr_geometry_is_valid(&ledger->geometry))
		return "its ledger has an impossible geometry";
	if (bytes != ledger_bytes(&ledger->geometry))
		return "its ledger has the wrong size";
	if (strnlen(ledger->name, THR_NAME_MAX) - 1 >= THR_NAME_MAX - 1)
		return "its ledger has no name";
	if (ledger->access.n_users > ACCESS_ENTRIES_MAX ||
		ledger->access.n_groups > ACCESS_ENTRIES_MAX)
		return "its ledger admits an impossible number of users";
	if (ledger->counting_since_ns > clock_monotonic_ns())
		return "its ledger is of the future";
	for (i = 1; i <= ledger->geometry.seats; i++)
		if (entries[i].id && (client_id_seat((struct client_id){ entries[i].id }).n != i ||
					     !memchr(entries[i].label, 0, THR_NAME_MAX)))
			return "its ledger seats an impossible client";
	return NULL;
}

int ledger_open(struct ledger **ret, int fd, const char **ret_why)
{
	struct ledger *ledger;
	struct stat st;

	*ret_why = "its ledger is too small";
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*ledger))
		return -EBADMSG;
	ledger = memory_map(fd, (uint64_t)st.st_size);
	*ret_why = "its ledger cannot be mapped";
	if (!ledger)
		return -EBADMSG;
	if (ledger->magic != LEDGER_MAGIC) {
		*ret_why = "its ledger was never begun, or is none";
	} else if (ledger->version != LEDGER_VERSION || ledger->abi != THR_ABI) {
		*ret_why = "it was made by another version of the daemon";
		munmap(ledger, (size_t)st.st_size);
		return -ENOTSUP;
	} else {
		*ret_why = what_is_wrong(ledger, (uint64_t)st.st_size);
		if (!*ret_why) {
			*ret = ledger;
			return 0;
		}
	}
	munmap(ledger, (size_t)st.st_size);
	return -EBADMSG;
}

void ledger_close(struct ledger *ledger)
{
	if (ledger)
		munmap(ledger, ledger_bytes(&ledger->geometry));
}
