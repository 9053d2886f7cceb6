/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TRACE_TRACE_H
#define CLIENT_THRUSTERCTL_TRACE_TRACE_H

#include <jansson.h>

/* Print the document of a trace for people. */
void trace_print(const json_t *document);

#endif
