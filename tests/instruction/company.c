/* SPDX-License-Identifier: MIT */
/* Clients that do errands, one byte each over a socket; a byte comes back when it is done. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/record.h"
#include "shm/token.h"
#include "shm/wait.h"
#include "tests/harness/harness.h"
#include "tests/instruction/world.h"

#define RSEQ_BYTES 32 /* as glibc registers it */
#define FEW 2
#define BULK 40
#define RUN_BYTES 200
#define LONG_RUN_BYTES (60 * 64) /* longer than what is left in a segment that is in use */
#define FALL_ASLEEP_MS 2

void pin_to(int core)
{
	cpu_set_t set;

	if (core < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		harness_fail("core %d: %s", core, strerror(errno));
}

void become_plain(void)
{
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size && syscall(SYS_rseq, area, RSEQ_BYTES, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) < 0)
		harness_fail("cannot give up rseq: %s", strerror(errno));
}

void forbid_barriers(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		harness_fail("seccomp: %s", strerror(errno));
}

bool take_delivery(struct thruster_pool *pool)
{
	const struct thr_view *view = &pool->view;
	struct thruster_ticket ticket;
	struct thruster_lease lease;
	struct slot_id slot;
	bool ok = true;
	uint64_t record;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++) {
		for (slot.n = 0; slot.n < view->class_[i].slots; slot.n++) {
			record = load_acquire(class_record(&view->class_[i], slot));
			if (!record_is_pending(record) || !record_is_owned_by(record, pool->seat))
				continue;
			ticket = (struct thruster_ticket){ { where_pack(TOKEN_MARK_TICKET,
				pool->nonce, i, slot), record, pool->id.n } };
			ok &= thruster_accept(pool, &ticket, &lease) == 0 &&
			      thruster_return(pool, &lease) == 0;
		}
	}
	return ok;
}

static void hold_few(struct thruster_pool *pool, struct holding *h)
{
	static const size_t sizes[] = { 1, RUN_BYTES, OPEN_BYTES, LARGE_BYTES };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		holding_rent(h, pool, sizes[i], FEW);
}

bool intrude(struct thruster_pool *pool, struct holding *h)
{
	static struct thruster_lease bulk[BULK];
	bool ok = true;
	unsigned i, kept;
	int n;

	hold_few(pool, h); /* the first of each class are those that the victim has in view */
	kept = h->n;
	holding_rent(h, pool, 1, HELD_MAX - h->n);
	for (i = h->n; i >= kept + 2; i -= 2) {
		ok &= thruster_return(pool, &h->lease[i - 1]) == 0;
		holding_drop(h, i - 1);
	}
	n = thruster_rent_bulk(pool, 1, bulk, BULK);
	ok &= n == -ENOBUFS || (n > 0 && thruster_return_bulk(pool, bulk, (unsigned)n) == n);
	return ok;
}

bool intrude_gently(struct thruster_pool *pool)
{
	struct thruster_lease lease;
	int r = thruster_rent(pool, LONG_RUN_BYTES, &lease);

	return r == -ENOBUFS || (r == 0 && thruster_return(pool, &lease) == 0);
}

static struct thruster_pool *attach(uint32_t *ret_id)
{
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, NULL, NULL);

	if (r < 0)
		harness_fail("a companion cannot attach: %s", strerror(-r));
	*ret_id = thruster_client_id(pool);
	return pool;
}

static bool run_errand(enum errand errand, struct thruster_pool **pool, struct stage *stage,
	struct holding *h, uint32_t *ret_id)
{
	switch (errand) {
	case ERRAND_INTRUDE:
		return intrude(*pool, h);
	case ERRAND_HOLD_ALL:
		holding_rent(h, *pool, 1, HELD_MAX - h->n);
		return true;
	case ERRAND_HOLD_FEW:
		hold_few(*pool, h);
		return true;
	case ERRAND_TAKE:
		return take_delivery(*pool);
	case ERRAND_RETURN_ALL:
		return holding_return(h, *pool, 0) && take_delivery(*pool);
	case ERRAND_RETURN_SOON:
		while (!atomic_load(&stage->is_asleep_soon))
			sleep_ms(1);
		sleep_ms(FALL_ASLEEP_MS);
		thr_wait_wake((*pool)->view.control, WAIT_ALL); /* in vain */
		sleep_ms(FALL_ASLEEP_MS);
		return holding_return(h, *pool, 0);
	case ERRAND_MOVE:
		h->n = 0;
		if (thruster_detach(*pool) < 0)
			return false;
		*pool = attach(ret_id);
		return true;
	}
	return false;
}

static void serve(int socket, struct stage *stage, struct holding *h, uint32_t *ret_id)
{
	struct thruster_pool *pool = attach(ret_id);
	char errand = 0, ok = 1;

	while (send(socket, &ok, 1, MSG_NOSIGNAL) == 1 && recv(socket, &errand, 1, 0) == 1) {
		if (errand == ERRAND_RETURN_SOON) { /* the answer comes before it is done */
			if (send(socket, &ok, 1, MSG_NOSIGNAL) != 1)
				break;
			run_errand(ERRAND_RETURN_SOON, &pool, stage, h, ret_id);
			if (recv(socket, &errand, 1, 0) != 1)
				break;
		}
		ok = run_errand((enum errand)errand, &pool, stage, h, ret_id);
	}
	_exit(0);
}

static void await_answer(struct companion *c, char *ret_ok)
{
	ssize_t n;

	do
		n = recv(c->socket, ret_ok, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		harness_fail("a companion has died");
}

void companion_start(struct companion *c, struct stage *stage, struct holding *holding,
	uint32_t *ret_id, int core, bool is_plain)
{
	int pair[2];
	char ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		harness_fail("socketpair: %s", strerror(errno));
	holding->n = 0;
	c->pid = fork();
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		pin_to(core);
		if (is_plain)
			become_plain();
		serve(pair[1], stage, holding, ret_id);
	}
	close(pair[1]);
	c->socket = pair[0];
	await_answer(c, &ok);
}

void companion_stop(struct companion *c)
{
	close(c->socket);
	kill_child(c->pid);
}

bool companion_send(struct companion *c, enum errand errand)
{
	char byte = (char)errand, ok = 0;

	if (send(c->socket, &byte, 1, MSG_NOSIGNAL) != 1)
		harness_fail("a companion has died");
	await_answer(c, &ok);
	return ok;
}
