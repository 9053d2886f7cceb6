/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_METRICS_METRICS_H
#define CLIENT_THRUSTERCTL_METRICS_METRICS_H

/*
 * Metrics in the format of OpenMetrics 1.0. Every family is one line of one table, which says where
 * in the statistics it comes from; docs/metrics.md is held to that table by a test.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The buckets of all histograms: le = 2^k ns, so that each is a sum of the daemon's. */
#define METRICS_BUCKET_FIRST 10u /* 1.024 us */
#define METRICS_BUCKET_LAST 36u  /* 68.7 s */

enum metrics_type {
	METRICS_GAUGE,
	METRICS_COUNTER,
	METRICS_HISTOGRAM,
	/* A gauge that is always 1 and says something in its labels. A gauge and not OpenMetrics'
	 * own type "info", which readers of the older format take for an error. */
	METRICS_INFO,
};

/* Objects of one kind in the statistics, and what tells their series apart. */
struct metrics_scope {
	const char *title;   /* for people */
	const char *root;    /* path of the object to begin at, "" = the document */
	struct metrics_step {
		const char *array;  /* each of its objects, ... */
		const char *labels; /* ... labelled "label=path,..."; path "#" is its index */
	} steps[3];
	const char *created; /* since when counters count: path in the object; from '/', in the
				document; NULL = not known */
	bool is_of_cores, is_of_clients; /* only if asked for */
};

/*
 * Paths go from the scope's object through objects by '.'; "x[].y" is the sum of all y in the array
 * x; "x#" the length of x; "x=word" is 1 if x is this word, else 0. Of an info, they are labels. A
 * number in ns, by its name, becomes seconds.
 */
struct metrics_family {
	const struct metrics_scope *scope;
	enum metrics_type type;
	const char *name; /* of the family: without _total, with the unit */
	const char *unit; /* "seconds", "bytes" or NULL */
	const char *path;
	const char *help;
};

extern const struct metrics_family metrics_families[];
extern const unsigned metrics_n_families;

struct metrics_choice {
	bool with_cores, with_clients;
};

/* Print what the statistics have; a family of which they have nothing is left out. */
void metrics_print(const json_t *stats, const struct metrics_choice *choice, FILE *f);

const char *metrics_type_name(enum metrics_type type);

#endif
