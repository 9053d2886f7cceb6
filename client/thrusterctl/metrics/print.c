/* SPDX-License-Identifier: MIT */
/*
 * For each family, walk to the objects of its scope and print a sample of each. The way there is a
 * list of frames on the stack, from the object back to the document; the labels are read from it
 * when a sample is printed. A family's head is printed with its first sample.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/histogram.h"
#include "client/thrusterctl/metrics/metrics.h"

#define NS_PER_S 1000000000u

struct frame {
	const struct frame *up;
	const char *labels;
	const json_t *object;
	size_t index; /* in its array */
};

struct printer {
	FILE *f;
	const json_t *stats;
	const struct metrics_family *family;
	bool has_head;
};

const char *metrics_type_name(enum metrics_type type)
{
	static const char *const names[] = { [METRICS_GAUGE] = "gauge",
		[METRICS_COUNTER] = "counter", [METRICS_HISTOGRAM] = "histogram",
		[METRICS_INFO] = "gauge" };

	return names[type];
}

/* What is at a path of names and points, up to `end`; NULL if nothing. */
static const json_t *find(const json_t *object, const char *path, const char *end)
{
	char key[64];
	size_t n;

	while (path < end) {
		n = strcspn(path, ".");
		if (path + n > end)
			n = (size_t)(end - path);
		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		object = json_object_get(object, key);
		path += n + 1;
	}
	return object;
}

static const json_t *find_all(const json_t *object, const char *path)
{
	return find(object, path, path + strlen(path));
}

static void print_escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n') {
			fputs("\\n", f);
			continue;
		}
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
}

/* {a="1",b="x"}; the list says "a=path,b=path". */
static void print_label_list(
	FILE *f, const char *list, const struct frame *frame, bool *is_first)
{
	const char *equals, *end;
	const json_t *value;

	for (; *list; list = end + (*end == ',')) {
		end = list + strcspn(list, ",");
		equals = list + strcspn(list, "=");
		value = find(frame->object, equals + 1, end);
		fprintf(f, "%s%.*s=\"", *is_first ? "{" : ",", (int)(equals - list), list);
		if (equals[1] == '#')
			fprintf(f, "%zu", frame->index);
		else if (json_is_integer(value))
			fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			print_escaped(f, json_is_string(value) ? json_string_value(value) : "");
		fputc('"', f);
		*is_first = false;
	}
}

static void print_frames(FILE *f, const struct frame *frame, bool *is_first)
{
	if (frame->up)
		print_frames(f, frame->up, is_first);
	print_label_list(f, frame->labels, frame, is_first);
}

/* The head if it is due, the name with its suffix, labels and a blank. `le`: NULL or a bound. */
static void begin(struct printer *p, const char *suffix, const struct frame *frame, const char *le)
{
	const struct metrics_family *family = p->family;
	bool is_first = true;

	if (!p->has_head) {
		fprintf(p->f, "# TYPE %s %s\n", family->name, metrics_type_name(family->type));
		if (family->unit)
			fprintf(p->f, "# UNIT %s %s\n", family->name, family->unit);
		fprintf(p->f, "# HELP %s %s\n", family->name, family->help);
		p->has_head = true;
	}
	fprintf(p->f, "%s%s", family->name, suffix);
	print_frames(p->f, frame, &is_first);
	if (family->type == METRICS_INFO)
		print_label_list(p->f, family->path, frame, &is_first);
	if (le) {
		fprintf(p->f, "%sle=\"%s\"", is_first ? "{" : ",", le);
		is_first = false;
	}
	fputs(is_first ? " " : "} ", p->f);
}

/* Exact, which a double is not for times since 1970. */
static void print_seconds(FILE *f, uint64_t ns)
{
	unsigned part = (unsigned)(ns % NS_PER_S), digits = 9;

	for (; digits > 1 && part % 10 == 0; digits--)
		part /= 10;
	fprintf(f, "%" PRIu64 ".%0*u\n", ns / NS_PER_S, (int)digits, part);
}

/* The shortest that reads as the same number, as the format wants it. */
static void write_bound(char *text, size_t size, unsigned k)
{
	double bound = (double)(UINT64_C(1) << k) / NS_PER_S;
	int digits = 0;

	do
		snprintf(text, size, "%.*g", ++digits, bound);
	while (strtod(text, NULL) != bound);
}

static void print_created(struct printer *p, const struct frame *frame)
{
	const char *path = p->family->scope->created;
	const json_t *at;

	if (!path)
		return;
	at = *path == '/' ? find_all(p->stats, path + 1) : find_all(frame->object, path);
	if (!json_is_integer(at))
		return;
	begin(p, "_created", frame, NULL);
	print_seconds(p->f, (uint64_t)json_integer_value(at));
}

/* That at the path, or all of "x[].y" together. */
static void collect_histogram(
	struct histogram *histogram, const json_t *object, const char *path)
{
	const char *brackets = strstr(path, "[].");
	json_t *element;
	size_t i;

	if (!brackets)
		histogram_add(histogram, find_all(object, path));
	else
		json_array_foreach(find(object, path, brackets), i, element)
			histogram_add(histogram, find_all(element, brackets + 3));
}

static void print_histogram(struct printer *p, const struct frame *frame)
{
	struct histogram histogram = { 0 };
	uint64_t below = 0;
	unsigned k, upper;
	char le[32];

	collect_histogram(&histogram, frame->object, p->family->path);
	if (!histogram.is_there)
		return;
	for (k = 0, upper = METRICS_BUCKET_FIRST; upper <= METRICS_BUCKET_LAST; upper++) {
		for (; k <= upper; k++)
			below += histogram.bucket[k];
		write_bound(le, sizeof(le), upper);
		begin(p, "_bucket", frame, le);
		fprintf(p->f, "%" PRIu64 "\n", below);
	}
	begin(p, "_bucket", frame, "+Inf");
	fprintf(p->f, "%" PRIu64 "\n", histogram.count);
	begin(p, "_sum", frame, NULL);
	print_seconds(p->f, histogram.sum_ns);
	begin(p, "_count", frame, NULL);
	fprintf(p->f, "%" PRIu64 "\n", histogram.count);
	print_created(p, frame);
}

/* "x[].y" */
static bool sum(const json_t *object, const char *path, const char *brackets, uint64_t *ret)
{
	const json_t *array = find(object, path, brackets), *value;
	json_t *element;
	uint64_t n = 0;
	size_t i;

	json_array_foreach(array, i, element) {
		value = find_all(element, brackets + 3);
		n += json_is_integer(value) ? (uint64_t)json_integer_value(value) : 0;
	}
	*ret = n;
	return json_is_array(array);
}

static bool evaluate(const json_t *object, const char *path, uint64_t *ret)
{
	const char *brackets = strstr(path, "[]."), *end = path + strcspn(path, "#=");
	const json_t *value;

	if (brackets)
		return sum(object, path, brackets, ret);
	value = find(object, path, end);
	if (*end == '#')
		*ret = json_array_size(value);
	else if (*end == '=')
		*ret = json_is_string(value) && strcmp(json_string_value(value), end + 1) == 0;
	else if (json_is_integer(value))
		*ret = (uint64_t)json_integer_value(value);
	else
		*ret = json_is_true(value);
	if (*end == '#')
		return json_is_array(value);
	if (*end == '=')
		return json_is_string(value);
	return json_is_integer(value) || json_is_boolean(value);
}

static void print_sample(struct printer *p, const struct frame *frame)
{
	const struct metrics_family *family = p->family;
	bool is_counter = family->type == METRICS_COUNTER;
	uint64_t value = 1;

	if (family->type == METRICS_HISTOGRAM) {
		print_histogram(p, frame);
		return;
	}
	if (family->type != METRICS_INFO && !evaluate(frame->object, family->path, &value))
		return;
	begin(p, is_counter ? "_total" : "", frame, NULL);
	if (strstr(family->path, "_ns"))
		print_seconds(p->f, value);
	else
		fprintf(p->f, "%" PRIu64 "\n", value);
	if (is_counter)
		print_created(p, frame);
}

static void walk(struct printer *p, const struct frame *up, const struct metrics_step *step,
	const struct metrics_step *end)
{
	struct frame frame = { .up = up };
	json_t *object;
	size_t i;

	if (step == end || !step->array) {
		print_sample(p, up);
		return;
	}
	frame.labels = step->labels;
	json_array_foreach(json_object_get(up->object, step->array), i, object) {
		frame.object = object;
		frame.index = i;
		walk(p, &frame, step + 1, end);
	}
}

static void print_family(struct printer *p, const struct metrics_family *family)
{
	const struct metrics_scope *scope = family->scope;
	struct frame root = { NULL, "", find_all(p->stats, scope->root), 0 };

	p->family = family;
	p->has_head = false;
	if (root.object)
		walk(p, &root, scope->steps,
			scope->steps + sizeof(scope->steps) / sizeof(scope->steps[0]));
}

void metrics_print(const json_t *stats, const struct metrics_choice *choice, FILE *f)
{
	struct printer printer = { .f = f, .stats = stats };
	unsigned i;

	for (i = 0; i < metrics_n_families; i++)
		if ((choice->with_cores || !metrics_families[i].scope->is_of_cores) &&
			(choice->with_clients || !metrics_families[i].scope->is_of_clients))
			print_family(&printer, &metrics_families[i]);
	fputs("# EOF\n", f);
}
