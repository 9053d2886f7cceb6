/* SPDX-License-Identifier: MIT */
/*
 * One loop that waits for three things: a key, an answer, and the time to ask again. Signals are
 * let in only while it waits, so that none is missed; whichever way it ends, the terminal is given
 * back.
 */

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/top/draw.h"
#include "client/thrusterctl/top/feed.h"
#include "client/thrusterctl/top/paint.h"
#include "client/thrusterctl/top/top.h"

#define ESCAPE_DELAY_MS 25
#define TICK_MS 1000u /* what the screen says of time is that old at most */
#define TROUBLE_MAX 512

struct live {
	struct top_view view;
	struct top_samples samples;
	struct top_feed feed;
	uint64_t ask_ms;         /* when to ask next */
	unsigned long left;      /* pictures; 0 = no end */
};

static volatile sig_atomic_t is_signalled;

static void on_signal(int number)
{
	(void)number;
	is_signalled = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Blocks them; *ret is what to let in while waiting. */
static void catch_signals(sigset_t *ret)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, ret);
}

static int key_of(int key)
{
	switch (key) {
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_END:
		return TOP_KEY_END;
	case KEY_BACKSPACE:
		return TOP_KEY_BACKSPACE;
	case KEY_BTAB:
		return TOP_KEY_BACK_TAB;
	case KEY_ENTER:
		return '\n';
	default:
		return key;
	}
}

static uint64_t interval_ms(const struct live *live)
{
	return (uint64_t)(live->view.interval * 1000);
}

static void press(struct live *live, int key)
{
	double interval = live->view.interval;
	bool was_paused = live->view.is_paused;

	if (key == KEY_RESIZE || key == '\f')
		clear(); /* what the terminal made of the old picture is nobody's */
	else
		top_view_press(&live->view, key_of(key));
	if (live->view.interval != interval)
		live->ask_ms = live->feed.asked_ms + interval_ms(live);
	if (was_paused && !live->view.is_paused)
		live->ask_ms = 0;
}

/* All keys that are there. Readable and nothing to read: the terminal is gone. */
static void take_keys(struct live *live, short events)
{
	int key = getch();

	if ((key == ERR && events & POLLIN) || events & (POLLHUP | POLLERR | POLLNVAL))
		live->view.is_ended = true;
	for (; key != ERR; key = getch())
		press(live, key);
}

static void take_answer(struct live *live)
{
	bool was_open = live->feed.fd >= 0;
	json_t *answer = top_feed_take(&live->feed, now_ms());

	if (answer)
		top_samples_push(&live->samples, answer);
	if (answer && live->left > 0 && --live->left == 0)
		live->view.is_ended = true;
	/* A daemon that is being restarted is soon there again. */
	if (was_open && live->feed.fd < 0 && !answer && interval_ms(live) > TICK_MS)
		live->ask_ms = live->feed.asked_ms + TICK_MS;
}

static void ask_if_due(struct live *live)
{
	uint64_t now = now_ms();

	if (live->view.is_paused || live->feed.fd >= 0 || now < live->ask_ms)
		return;
	top_feed_ask(&live->feed, now);
	live->ask_ms = now + interval_ms(live);
	if (live->feed.fd < 0 && interval_ms(live) > TICK_MS)
		live->ask_ms = now + TICK_MS;
}

static struct timespec time_to_wait(const struct live *live)
{
	uint64_t now = now_ms(), ms = TICK_MS;

	if (!live->view.is_paused && live->feed.fd < 0 && live->ask_ms < now + ms)
		ms = live->ask_ms > now ? live->ask_ms - now : 0;
	return (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
}

static void wait_and_take(struct live *live, const sigset_t *signals)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = live->feed.fd, .events = POLLIN } };
	struct timespec limit = time_to_wait(live);
	int n = ppoll(fds, 2, &limit, signals);

	if (is_signalled)
		live->view.is_ended = true;
	take_keys(live, n > 0 ? fds[0].revents : 0);
	take_answer(live);
}

/* NULL while answers come; one that is not yet there is no trouble until it is late. What went
 * wrong last is told until something goes well. */
static const char *trouble(const struct live *live, char text[TROUBLE_MAX])
{
	const struct top_feed *feed = &live->feed;
	uint64_t now = now_ms(), silent_ms = now - feed->answered_ms;
	bool is_late = feed->fd >= 0 && now - feed->asked_ms >= 2 * TICK_MS;
	char why[TROUBLE_MAX - 64];

	if (live->view.is_paused || (feed->error == 0 && !is_late))
		return NULL;
	if (feed->error == 0)
		snprintf(why, sizeof(why), "the daemon is silent");
	else
		answer_explain(why, sizeof(why), feed->command, feed->error);
	snprintf(text, TROUBLE_MAX, "no answer since %llu s: %s",
		(unsigned long long)(silent_ms / 1000), why);
	return text;
}

static void loop(struct live *live, const sigset_t *signals)
{
	char text[TROUBLE_MAX];

	while (!live->view.is_ended) {
		top_draw(&live->view, &live->samples, trouble(live, text));
		ask_if_due(live);
		wait_and_take(live, signals);
	}
}

/* The screen, or NULL after saying why there is none. */
static SCREEN *open_screen(void)
{
	SCREEN *screen;

	setlocale(LC_CTYPE, "");
	screen = newterm(NULL, stdout, stdin);
	if (screen && tigetstr("cup"))
		return screen;
	if (screen) {
		endwin();
		delscreen(screen);
	}
	fprintf(stderr,
		"thrusterctl: no pictures can be drawn on a terminal of type \"%s\"; set "
		"TERM to what it is, or use --batch\n", getenv("TERM") ? getenv("TERM") : "");
	return NULL;
}

static void set_up_screen(void)
{
	set_escdelay(ESCAPE_DELAY_MS);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	paint_init();
}

enum exit_status top_live(
	const struct command *command, const struct top_options *options, json_t *first)
{
	struct live live = { .left = options->iterations };
	SCREEN *screen;
	sigset_t signals;

	catch_signals(&signals);
	screen = open_screen();
	if (!screen) {
		json_decref(first);
		return EXIT_ERROR;
	}
	set_up_screen();
	top_view_init(&live.view, options->arena, options->interval);
	top_samples_push(&live.samples, first);
	top_feed_init(&live.feed, command, now_ms());
	/* However long the interval, the first rates are soon there. */
	live.ask_ms = now_ms() + (interval_ms(&live) < TICK_MS ? interval_ms(&live) : TICK_MS);
	loop(&live, &signals);
	endwin();
	delscreen(screen);
	top_feed_fini(&live.feed);
	top_samples_fini(&live.samples);
	return EXIT_OK;
}
