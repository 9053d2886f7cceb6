/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_REPORT_REPORT_H
#define CLIENT_THRUSTERCTL_REPORT_REPORT_H

/*
 * A page about the pool to look at: one HTML file that needs nothing else. All is written to a
 * FILE in memory by functions that each write a part; what comes from the daemon is written by
 * report_text() and nothing else, since labels are the clients' own words.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "client/thrusterctl/histogram.h"

/* Leases to ask for, and rows of a table of clients: of more there is a count. */
#define REPORT_LEASES 20u
#define REPORT_CLIENTS 50u
#define REPORT_CORES_WITH_TEXT 16u /* in a map; of more cores there is no room for figures */

/* The whole page. The material: "host", "stats" and "leases", the latter two as the daemon says. */
void report_write(FILE *f, const json_t *material);

/* Write a file as a whole or not at all; what is wrong is told on standard error. With
 * `may_replace` a file of this name is replaced, else that is an error. */
bool report_save(const char *path, const char *text, size_t size, bool may_replace);

/* report.css, as it is built in. */
extern const char report_style[];

/* ---- report-text.c: words and figures */

void report_text(FILE *f, const char *s);                /* with all that HTML means escaped */
void report_number(FILE *f, uint64_t n);                 /* 12 345, thin spaces between */
void report_bytes(FILE *f, uint64_t bytes);              /* 4 KiB */
void report_duration(FILE *f, uint64_t ns);              /* 4.2 ms */
void report_time(FILE *f, uint64_t realtime_ns);         /* in local time, with its zone */
void report_share(FILE *f, uint64_t part, uint64_t all); /* 12.5 % */

/* A class by its size, with what tells it from another of the same size. */
void report_class(FILE *f, const json_t *arena, const json_t *class_);
/* A field that is a name and no amount: without spaces in it. */
void report_id(FILE *f, const json_t *object, const char *key);

/* What a client calls itself; nobody if its seat is vacant. */
void report_label(FILE *f, const json_t *object);
/* A field of an object in a cell of a table. */
void report_cell(FILE *f, const json_t *object, const char *key);
/* Instead of a picture: why there is none. */
void report_missing(FILE *f, const json_t *stats);

double report_percent(uint64_t part, uint64_t all); /* 0 of nothing */

/* ---- report-bars.c, report-histogram.c: pictures that are as wide as there is room */

void report_occupancy(FILE *f, const json_t *arena, const json_t *class_);
void report_occupancy_legend(FILE *f);
/* Two parts of one whole, side by side, in a cell. */
void report_split(FILE *f, uint64_t a, uint64_t b, const char *title);
/* A length beside others in a cell. */
void report_length(FILE *f, uint64_t n, uint64_t longest);
/* An axis that is wide enough to read, from what histogram_range() told. */
void report_widen(unsigned *first, unsigned *last);
/* Bars from bucket `first` to `last`, which others beside it share. */
void report_histogram(
	FILE *f, const struct histogram *histogram, unsigned first, unsigned last);

/* ---- report-heat.c, report-steals.c: tables whose cells are shaded */

void report_cores_map(FILE *f, const json_t *arena);
void report_steals_map(FILE *f, const json_t *traced);
/* A cell that is begun: its shade is this part of the scale. The caller goes on in its tag. */
void report_shade(FILE *f, uint64_t part, uint64_t all);
/* What no shade and the full one mean. */
void report_scale(FILE *f, const char *kind, uint64_t to, const char *words);

/* ---- report-tables.c, report-traced.c: the same in figures */

void report_cores(FILE *f, const json_t *arena);
void report_clients(FILE *f, const json_t *stats, const json_t *arena);
void report_leases(FILE *f, const json_t *leases);
void report_traced(FILE *f, const json_t *arena, const json_t *traced);

/* ---- report-arena.c, report-daemon.c, report-events.c, report-notes.c: sections of the page */

void report_arena(FILE *f, const json_t *stats, const json_t *arena);
void report_daemon(FILE *f, const json_t *stats);
/* Nothing if no events are told. */
void report_events(FILE *f, const json_t *stats);
/* What one should look at, in a list. */
void report_notes(FILE *f, const json_t *stats);

/* The part of the tracing that is about this arena, or NULL. */
const json_t *report_traced_of(const json_t *stats, const json_t *arena);

#endif
