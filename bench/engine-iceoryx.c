/* SPDX-License-Identifier: MIT */
/*
 * iceoryx, as an engine: a publisher loans a buffer and releases it again, or publishes it, so that
 * a subscriber takes it and releases it. By its C binding. Each lane has a publisher of its own,
 * for one is no thing to share between threads; in a pipe the second lane is the subscriber.
 *
 * The daemon that all need, RouDi, has fixed names in the file system, so the program has started
 * it in mounts of its own, if it could; the workers join it there.
 */

#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#include "bench/acts.h"
#include "bench/worker.h"

#define LOOK_US 100

/* One of them is NULL. */
struct port {
	iox_pub_t publisher;
	iox_sub_t subscriber;
	iox_pub_storage_t publisher_storage;
	iox_sub_storage_t subscriber_storage;
};

static struct port ports[LANES_MAX];

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	struct port *port = lane->own;

	switch (iox_pub_loan_chunk(port->publisher, &ret->address, (uint32_t)bytes)) {
	case AllocationResult_SUCCESS:
		return 0;
	case AllocationResult_RUNNING_OUT_OF_CHUNKS:
		return -ENOBUFS;
	case AllocationResult_TOO_MANY_CHUNKS_ALLOCATED_IN_PARALLEL:
		return -EMFILE;
	default:
		return -EIO;
	}
}

static int give(struct lane *lane, union item *item)
{
	struct port *port = lane->own;

	if (port->publisher)
		iox_pub_release_chunk(port->publisher, item->address);
	else
		iox_sub_release_chunk(port->subscriber, item->address);
	return 0;
}

static void *data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->address;
}

/* Waits by itself while the subscriber's queue is full. */
static int send_on(struct lane *lane, union item *item)
{
	struct port *port = lane->own;

	iox_pub_publish_chunk(port->publisher, item->address);
	return 0;
}

static int receive(struct lane *lane, union item *ret)
{
	struct port *port = lane->own;
	const void *address;

	switch (iox_sub_take_chunk(port->subscriber, &address)) {
	case ChunkReceiveResult_SUCCESS:
		ret->address = (void *)(uintptr_t)address;
		return 0;
	case ChunkReceiveResult_NO_CHUNK_AVAILABLE:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, NULL, NULL,
	sizeof(uint64_t), send_on, receive };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#include "bench/engine-bodies.h"

static int enter(struct lane *lane)
{
	int mounts = lane->stage->orders.mounts;
	char name[64];

	if (mounts && setns(mounts, CLONE_NEWNS) < 0)
		return -errno;
	snprintf(name, sizeof(name), "thruster-bench-%d", getpid());
	iox_set_loglevel(Iceoryx_LogLevel_Off);
	iox_runtime_init(name);
	return 0;
}

static void publish(struct port *port, const char *sample, const char *event)
{
	iox_pub_options_t options;

	iox_pub_options_init(&options);
	options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
	port->publisher = iox_pub_init(&port->publisher_storage, "thruster-bench", sample, event,
		&options);
}

static void subscribe(struct port *port, const char *sample, const char *event, unsigned depth)
{
	iox_sub_options_t options;

	iox_sub_options_init(&options);
	options.queueCapacity = depth;
	options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
	port->subscriber = iox_sub_init(&port->subscriber_storage, "thruster-bench", sample, event,
		&options);
}

/* RouDi brings the two ends together. */
static void await_peer(const struct port *port)
{
	if (port->publisher)
		while (!iox_pub_has_subscribers(port->publisher))
			usleep(LOOK_US);
	else
		while (iox_sub_get_subscription_state(port->subscriber) !=
			SubscribeState_SUBSCRIBED)
			usleep(LOOK_US);
}

/* What they meet by has the sample's number: another's may not all be gone yet. */
static int enter_lane(struct lane *lane)
{
	struct port *port = &ports[lane->index];
	bool is_pipe = lane->kind->depth > 0;
	char sample[32], event[32];

	snprintf(sample, sizeof(sample), "%u", lane->stage->orders.number);
	snprintf(event, sizeof(event), "%u", is_pipe ? 0 : lane->index);
	if (is_pipe && lane->index == 1)
		subscribe(port, sample, event, lane->kind->depth);
	else
		publish(port, sample, event);
	if (is_pipe)
		await_peer(port);
	lane->own = port;
	return 0;
}

static void leave_lane(struct lane *lane)
{
	struct port *port = lane->own;

	if (port->publisher)
		iox_pub_deinit(port->publisher);
	else
		iox_sub_deinit(port->subscriber);
}

static const struct engine_code iceoryx_code = { "iceoryx", enter, NULL, enter_lane, leave_lane,
	bodies, begin, end };

extern const struct engine_code *const rival_codes[];
const struct engine_code *const rival_codes[] = { &iceoryx_code, NULL };
