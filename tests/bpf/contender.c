/* SPDX-License-Identifier: MIT */
/*
 * A client of its own process: attaches, to the arena that is named, says so, and finds the pool
 * exhausted whenever it is told to, by a byte on standard input; a byte on standard output says
 * that it has.
 */

#include <stdio.h>
#include <unistd.h>
#include <thruster/client.h>

int main(int argc, char **argv)
{
	struct thruster_lease lease, none;
	struct thruster_pool *pool;
	char byte;

	if (thruster_attach(&pool, argc > 1 ? argv[1] : NULL, NULL) < 0)
		return 1;
	while (write(1, "", 1) == 1 && read(0, &byte, 1) == 1) {
		if (thruster_rent(pool, 65536, &lease) != 0)
			return 1;
		thruster_rent(pool, 65536, &none);
		thruster_return(pool, &lease);
	}
	return thruster_detach(pool) < 0;
}
