/* SPDX-License-Identifier: MIT */
#include "bench/rivals.h"

void rivals_start(struct series *series)
{
	(void)series;
}

void rivals_stop(void)
{
}
