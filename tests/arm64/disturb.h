/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ARM64_DISTURB_H
#define TESTS_ARM64_DISTURB_H

/*
 * Interrupt the calling thread about every `us` microseconds, from now on until it ends, to let
 * others run in its place or to move it to another core: so restartable sequences are cut short far
 * more often than by themselves. `seed` is not 0. Does nothing if `us` is 0 or there are no timers.
 */
void disturb_me(unsigned us, unsigned seed);

#endif
