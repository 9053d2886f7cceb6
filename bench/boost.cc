/* SPDX-License-Identifier: MIT */
/*
 * Boost's managed memory over pages that are shared already, so that there is no name in /dev/shm
 * to be removed. All else is what managed_shared_memory has: the manager, the algorithm, the mutex
 * that works between processes.
 */

#include <boost/interprocess/managed_external_buffer.hpp>
#include <new>
#include "bench/boost.h"

namespace ipc = boost::interprocess;
/* The usual external buffer is for one thread. */
using pool_type = ipc::basic_managed_external_buffer<char,
	ipc::rbtree_best_fit<ipc::mutex_family, ipc::offset_ptr<void>>, ipc::iset_index>;

static pool_type *of(void *pool)
{
	return static_cast<pool_type *>(pool);
}

void *boost_make(void *memory, size_t bytes)
{
	try {
		return new pool_type(ipc::create_only, memory, bytes);
	} catch (...) {
		return nullptr;
	}
}

void *boost_open(void *memory, size_t bytes)
{
	try {
		return new pool_type(ipc::open_only, memory, bytes);
	} catch (...) {
		return nullptr;
	}
}

void boost_close(void *pool)
{
	delete of(pool);
}

void *boost_allocate(void *pool, size_t bytes)
{
	return of(pool)->allocate(bytes, std::nothrow);
}

void boost_free(void *pool, void *address)
{
	of(pool)->deallocate(address);
}

uint64_t boost_handle(void *pool, void *address)
{
	return static_cast<uint64_t>(of(pool)->get_handle_from_address(address));
}

void *boost_address(void *pool, uint64_t handle)
{
	return of(pool)->get_address_from_handle(static_cast<pool_type::handle_t>(handle));
}
