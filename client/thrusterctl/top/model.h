/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_MODEL_H
#define CLIENT_THRUSTERCTL_TOP_MODEL_H

/*
 * What `thrusterctl top` shows, without showing it: the last two answers of the daemon, tables
 * whose columns say what they take from them, and rows, filtered and in order. Nothing here reads a
 * clock, a keyboard or a socket.
 *
 * What is not known is NAN: a field that the daemon does not have, a rate before there are two
 * answers, and one of a counter that went down.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field is named from the row's object: "leased", or "waits.sum" for one within another. */
enum top_kind {
	TOP_ARENA,    /* name of the row's arena */
	TOP_SIZE,     /* slot bytes of the row's class */
	TOP_TEXT,     /* field */
	TOP_ID,       /* field, a number that says who and not how much */
	TOP_NUMBER,   /* field */
	TOP_BYTES,    /* field */
	TOP_DURATION, /* field, ns */
	TOP_AGE,      /* ns since field, which is a real time */
	TOP_FILL,     /* percent that field is of other; mark is a third, on the same scale */
	TOP_RATE,     /* field, a second */
	TOP_SHARE,    /* percent that field has grown of what field and other have */
	TOP_LOAD,     /* field, ns, percent of the time that passed: 200 is two threads' all time */
	TOP_MEAN,     /* growth of field by growth of other, ns */
};

struct top_column {
	const char *title;
	enum top_kind kind;
	int width;
	const char *field, *other, *mark;
	int rank;           /* 0: always shown; the higher, the wider must the screen be */
	bool is_alarm;      /* anything but 0 is worth a look */
	const char *help;
};

enum top_source {
	TOP_CLASSES,
	TOP_CORES,          /* of an arena, all classes together */
	TOP_CLASS_CORES,
	TOP_CLIENTS,
	TOP_EBPF_CORES,
	TOP_EBPF_CLIENTS,
	TOP_EBPF_STEALS,
};

#define TOP_COLUMNS_MAX 20

struct top_table {
	const char *view;     /* what the tabs call it; tables of one view follow each other */
	const char *name;     /* of the table among those of its view */
	const char *rows;     /* what its rows are, in words */
	enum top_source source;
	bool is_grouped;      /* rows stand below their arena, instead of naming it */
	size_t sort;          /* column, at first */
	struct top_column columns[TOP_COLUMNS_MAX]; /* up to one without a title */
};

extern const struct top_table top_tables[];
extern const size_t top_n_tables;

size_t top_n_columns(const struct top_table *table);

/* Largest first is how one wants quantities; names and numbers of things come in order. */
bool top_is_quantity(const struct top_column *column);

struct top_samples {
	json_t *now, *before; /* NULL = none */
	double seconds;       /* between them by the daemon's clock; 0: no rates */
};

/* The newest answer, which becomes theirs; what was the newest is now the one before. */
void top_samples_push(struct top_samples *samples, json_t *answer);
void top_samples_fini(struct top_samples *samples);

struct top_row {
	size_t arena_index;  /* place of the arena in the answer */
	const json_t *arena; /* of the answer; never NULL */
	const json_t *class_; /* NULL: of no single class */
	const json_t *now, *before; /* before is NULL if it was not there */
	uint64_t key[4];     /* arena, and what tells the row from others of it */
	size_t place;        /* in the order of the answer */
	double number;       /* of the column that it is sorted by; */
	const char *text;    /* or this, if that column is of text */
};

struct top_choice {
	const char *arena;  /* only the arenas of this name, NULL = all */
	const char *filter; /* only rows that match, "" = all */
	size_t sort;
	bool is_descending;
};

/* The rows of a table. 0 and an array, to be freed by the caller, or -ENOMEM. They point into the
 * answers, and are good until the next of these. */
int top_rows_make(struct top_row **ret, size_t *ret_n, const struct top_samples *samples,
	const struct top_table *table, const struct top_choice *choice);

/* Numbers, and texts ("" is for those that are not there). */
double top_value(const struct top_samples *samples, const struct top_row *row,
	const struct top_column *column);
double top_mark(const struct top_row *row, const struct top_column *column);
const char *top_text(const struct top_row *row, const struct top_column *column);
bool top_is_text(const struct top_column *column);

/* A field by its path, NAN or "" if there is none. */
double top_number(const json_t *object, const char *path);
const char *top_string(const json_t *object, const char *path);
const json_t *top_field(const json_t *object, const char *path);

/* Growth of a field of two objects; NAN unless both have it and it did not go down. */
double top_growth(const json_t *now, const json_t *before, const char *path);

/* The arena of this id in an answer, or NULL. */
const json_t *top_arena(const json_t *answer, uint64_t id);

/* Sums over the arenas that are shown. */
struct top_totals {
	size_t arenas, clients;
	double leased_bytes, bytes; /* by slots */
	double rents, exhausted;    /* a second, or NAN */
};

struct top_totals top_totals_make(const struct top_samples *samples, const char *arena);

#endif
