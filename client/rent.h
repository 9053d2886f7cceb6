/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_RENT_H
#define CLIENT_RENT_H

#include "client/pool.h"

/* One try on an attached pool: 0, -ENOBUFS or -EMSGSIZE. */
int thr_rent_try(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease);

#endif
