/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

/*
 * What an operator must know, listed once: X(name, message id). The ids are for ever: journalctl
 * finds an event by MESSAGE_ID=, and systemd/thruster.catalog explains it. A new event gets a new
 * id from `systemd-id128 new`.
 */

#define LOG_EVENTS(X)                                                                              \
	X(ARENA_CREATED, a61f07aaad414e21890327c1a5f5b103)                                         \
	X(ARENA_ADOPTED, 79fa980797424dcd887d4c852a129136)                                         \
	X(ARENA_RETIRED, 5934d5c5214e4a229924d7661a33ee77)                                         \
	X(ARENA_SET_ASIDE, e68afd3500a847a7b723c7a08ce7f9d2)                                       \
	X(ARENA_REMOVED, 63a871dbb8014894bd708256d5fc380a)                                         \
	X(CLIENT_REFUSED, b9e287120e4c4168ad71bbf2c3619862)                                        \
	X(CLIENT_LOST, 8eebfdf66f7b427baa90f6fcb60de69c)                                           \
	X(CLIENT_OVER_QUOTA, b5d6e5fc43424de981bff1b684c52dba)                                     \
	X(PROTOCOL_VIOLATION, 1e58e136b78a49a1a826d842c1cec0d9)                                    \
	X(CONFIG_RELOADED, bbff583fb587401691ebe987d2a8b8ad)                                       \
	X(CONFIG_REFUSED, 99e9385bcfd4457b8eb392ef8f721ec5)

#endif
