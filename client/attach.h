/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ATTACH_H
#define CLIENT_ATTACH_H

#include "client/pool.h"

/* Undo the mappings of an attachment, as far as there are any. */
void thr_unmap(struct thruster_pool *pool);

#endif
