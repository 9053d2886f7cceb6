/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_PASSES_H
#define TESTS_INSTRUCTION_PASSES_H

/* The passes over a part, in this order; each adds to what the trial knows. */

#include "tests/instruction/trial.h"

/* Find out which instructions the part reaches, undisturbed. */
void pass_cover(struct trial *t, struct part *part);

/* Let each of its system calls fail, in several ways, and see where that leads. */
void pass_hamper(struct trial *t, struct part *part);

/* Stop at each instruction of the part, let that company in, go on, and judge. */
void pass_restart(struct trial *t, struct part *part, enum company company);

/* Stop at each, kill, and judge. */
void pass_kill(struct trial *t, struct part *part);

/* Kill and restart where the passes above did not come by: the ways are gone again. */
void pass_rest(struct trial *t);

#endif
