/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_SEMAPHORES_H
#define TESTS_INSTRUCTION_SEMAPHORES_H

/* Raise the semaphores of the library's probes in this process, and in those that it forks, as the
 * kernel does where somebody traces: the instructions behind them are to be reached, too. */
void semaphores_raise(void);

#endif
