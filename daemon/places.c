/* SPDX-License-Identifier: MIT */

#include "daemon/places.h"

#define CORES_FIRST 1024u
#define CORES_MAX (1u << 18)

bool place_go_to(struct core_id core, uint32_t n_cores, struct section_self section)
{
	cpu_set_t *set = CPU_ALLOC(n_cores);
	size_t bytes = CPU_ALLOC_SIZE(n_cores);
	bool is_there;

	if (!set)
		return false;
	CPU_ZERO_S(bytes, set);
	CPU_SET_S(core.n, bytes, set);
	is_there = sched_setaffinity(0, bytes, set) == 0 && section_core(section).n == core.n;
	CPU_FREE(set);
	return is_there;
}

/* The kernel's set may be larger than the machine's cores ask for. */
cpu_set_t *place_home(size_t *ret_bytes)
{
	cpu_set_t *set;
	size_t n;

	for (n = CORES_FIRST; n <= CORES_MAX; n *= 2) {
		*ret_bytes = CPU_ALLOC_SIZE(n);
		set = CPU_ALLOC(n);
		if (set && sched_getaffinity(0, *ret_bytes, set) == 0)
			return set;
		CPU_FREE(set);
	}
	return NULL;
}
