/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TRACE_DIFFERENCE_H
#define CLIENT_THRUSTERCTL_TRACE_DIFFERENCE_H

/* What happened between two answers. */

#include <jansson.h>

/*
 * `after`, with `before` subtracted from whatever counts: numbers whose keys end in "_total", the
 * counts and sums of histograms, and segments that were taken. A histogram's "max" becomes the
 * bound of its last bucket, as the longest may have been before. All else is as in `after`. Members
 * of arrays are matched by what names them (id, core, class, le, from and to); what is new counts
 * from nothing, and so does what has begun anew. The caller's; NULL without memory.
 */
json_t *difference_new(const json_t *before, const json_t *after);

#endif
