/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_ASK_H
#define BENCH_GROWTH_ASK_H

/* What the daemon says of itself, as an operator asks it: thrusterctl stats --json. */

struct answer {
	double snapshot_us; /* of its first arena */
	double reclaim_us;  /* of the last client that was lost */
	double command_us;  /* the command, from its start to its end */
	double daemon_us;   /* processor time that the daemon needed meanwhile; 0: not known */
};

/* `thrusterctl` is the path of it. fail()s if there is no answer. */
void ask_daemon(const char *thrusterctl, struct answer *ret);

#endif
