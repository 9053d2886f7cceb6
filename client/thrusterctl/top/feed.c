/* SPDX-License-Identifier: MIT */
/*
 * Each question has a connection of its own: the daemon ends those that are silent for long, and a
 * daemon that was restarted is found again by itself.
 */

#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/top/feed.h"

/* The keyboard waits that long, if ever. */
#define PATIENCE_MS 50u

void top_feed_init(struct top_feed *feed, const struct command *command, uint64_t now_ms)
{
	*feed = (struct top_feed){ .command = command, .fd = -1, .answered_ms = now_ms };
}

static void close_question(struct top_feed *feed, int error)
{
	if (feed->fd >= 0)
		close(feed->fd);
	feed->fd = -1;
	feed->error = error;
}

void top_feed_fini(struct top_feed *feed)
{
	close_question(feed, 0);
}

void top_feed_ask(struct top_feed *feed, uint64_t now_ms)
{
	struct wire_query query = {
		.header = wire_header_make(WIRE_QUERY),
		.question = WIRE_QUESTION_STATS,
	};
	int r;

	if (feed->fd >= 0)
		return;
	feed->asked_ms = now_ms;
	r = thr_connection_open(&feed->fd, feed->command->socket_path, PATIENCE_MS);
	if (r == 0)
		r = thr_connection_send(feed->fd, &query, sizeof(query), PATIENCE_MS);
	if (r < 0)
		close_question(feed, r);
}

static json_t *receive(struct top_feed *feed)
{
	struct connection_answer answer = { .fd = { -1, -1 } };
	json_t *json = NULL;
	int r = thr_connection_receive(feed->fd, PATIENCE_MS, &answer);

	if (r == 0)
		r = answer.reply.status;
	if (r == 0)
		r = answer_parse(&json, &answer);
	thr_connection_close_fds(&answer);
	close_question(feed, r);
	return json;
}

json_t *top_feed_take(struct top_feed *feed, uint64_t now_ms)
{
	struct pollfd ready = { .fd = feed->fd, .events = POLLIN };
	json_t *answer = NULL;

	if (feed->fd < 0)
		return NULL;
	if (poll(&ready, 1, 0) > 0)
		answer = receive(feed);
	else if (now_ms - feed->asked_ms > feed->command->timeout_ms)
		close_question(feed, -ETIMEDOUT);
	if (answer)
		feed->answered_ms = now_ms;
	return answer;
}
