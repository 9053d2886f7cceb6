/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTER_PROBES_TELLING_H
#define CLIENT_THRUSTER_PROBES_TELLING_H

/* What the daemon is told: who we are, the maps, and in JSON what is attached and what is not. */

#include <jansson.h>
#include "ebpf/loader.h"

struct telling {
	const char *socket_path;
	int fd; /* the connection, -1 = none */
	bool has_maps;
};

/* Connect and say who we are. 0; -ECONNREFUSED if no daemon is there; -EACCES if it is not for us;
 * -EBUSY if another thruster-probes is connected; -EOPNOTSUPP if it is disabled; or a -errno. */
int telling_connect(struct telling *t);
void telling_close(struct telling *t);

/* The maps, and the text with them; or the text alone. 0 or -errno. */
int telling_give_maps(struct telling *t, const struct loader *loader, const json_t *text);
int telling_give_text(struct telling *t, const json_t *text);

/* The text: how things are. `loader` NULL and a reason: nothing could be loaded. */
json_t *telling_text(const struct loader *loader, int error, const char *reason,
	const char *exits_reason);

#endif
