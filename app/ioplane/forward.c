/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts and stops forwarding: begin hooks, lcores, end hooks. */
#include "forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_debug.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "capture.h"
#include "forward_prepare.h"
#include "options.h"
#include "port_link.h"
#include "port_policy.h"
#include "port_tracker.h"
#include "stats.h"
#include "stream_burst.h"

/* How often an lcore has gone over its streams. The lcore: write; main: read (relaxed). */
struct forward_rounds {
	uint64_t count;
} __rte_cache_aligned;

static struct {
	bool is_running;
	uint32_t is_stopping; /* main lcore: write, workers: read */
	/*
	 * Lcores that poll. EAL orders launch and wait by itself, but ThreadSanitizer does not see
	 * into EAL: this order is ours.
	 */
	uint32_t running;
	uint64_t start_ns, stop_ns;
	unsigned int lcores[RTE_MAX_LCORE];
	unsigned int lcore_count;
	struct forward_rounds rounds[RTE_MAX_LCORE];
	struct rte_eth_stats base[RTE_MAX_ETHPORTS];
} forward;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool forward_is_running(void)
{
	return forward.is_running;
}

uint64_t forward_duration_ns(void)
{
	if (forward.start_ns == 0)
		return 0;
	return (forward.is_running ? now_ns() : forward.stop_ns) - forward.start_ns;
}

void forward_restart_clock(void)
{
	if (forward.is_running)
		forward.start_ns = now_ns();
}

bool forward_is_done(void)
{
	bool is_any = false;

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;) {
		if ((s->engine->flags & ENGINE_ENDS) == 0)
			continue;
		is_any = true;
		if (!__atomic_load_n(&s->is_done, __ATOMIC_ACQUIRE))
			return false;
	}
	return is_any;
}

uint64_t forward_rounds(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < forward.lcore_count; i++)
		least = RTE_MIN(least, __atomic_load_n(&forward.rounds[forward.lcores[i]].count,
						       __ATOMIC_RELAXED));
	return least;
}

void forward_base_stats(uint16_t port_id, struct rte_eth_stats *stats)
{
	*stats = forward.base[port_id];
}

void forward_clear_stats(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (rte_eth_stats_get(port->id, &forward.base[port->id]) != 0)
			memset(&forward.base[port->id], 0, sizeof(forward.base[0]));
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		stream_clear(s);
}

/* --- the lcores ------------------------------------------------------------------------------ */

static bool is_stopping(void)
{
	return __atomic_load_n(&forward.is_stopping, __ATOMIC_ACQUIRE) != 0;
}

static void poll(struct stream *first, struct stream *end, uint64_t *rounds)
{
	while (!is_stopping()) {
		for (struct stream *s = first; s < end; s++)
			s->run(s);
		stream_add(rounds, 1);
	}
}

/* One look at the clock for each run, not two: it takes as long as a packet. */
static void poll_counting_cycles(struct stream *first, struct stream *end, uint64_t *rounds)
{
	uint64_t now = rte_rdtsc();

	while (!is_stopping()) {
		for (struct stream *s = first; s < end; s++) {
			uint64_t before = now;
			uint16_t n = s->run(s);

			now = rte_rdtsc();
			if (n == 0)
				continue;
			stream_add(&s->busy_cycles, now - before);
			stream_add(&s->busy_packets, n);
		}
		stream_add(rounds, 1);
	}
}

/* The streams of an lcore stand side by side. */
static int run_lcore(void *arg)
{
	struct stream *first = arg, *end = first, *last = stream_first() + stream_count();
	uint64_t *rounds = &forward.rounds[first->lcore].count;

	RTE_VERIFY(__atomic_load_n(&forward.running, __ATOMIC_ACQUIRE) > 0);
	while (end < last && end->lcore == first->lcore)
		end++;
	if (options_get()->records_cycles)
		poll_counting_cycles(first, end, rounds);
	else
		poll(first, end, rounds);
	__atomic_sub_fetch(&forward.running, 1, __ATOMIC_RELEASE);
	return 0;
}

static int launch(struct base_error *err)
{
	unsigned int id = RTE_MAX_LCORE;

	forward.lcore_count = 0;
	__atomic_store_n(&forward.is_stopping, 0, __ATOMIC_RELEASE);
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;) {
		int ret;

		if (s->lcore == id)
			continue;
		id = s->lcore;
		__atomic_add_fetch(&forward.running, 1, __ATOMIC_RELEASE);
		ret = rte_eal_remote_launch(run_lcore, s, id);
		if (ret != 0) {
			__atomic_sub_fetch(&forward.running, 1, __ATOMIC_RELEASE);
			return base_error_set(err, ret, "lcore %u does not start: it is busy", id);
		}
		forward.lcores[forward.lcore_count++] = id;
	}
	return 0;
}

static void join(void)
{
	__atomic_store_n(&forward.is_stopping, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < forward.lcore_count; i++)
		rte_eal_wait_lcore(forward.lcores[i]);
	RTE_VERIFY(__atomic_load_n(&forward.running, __ATOMIC_ACQUIRE) == 0);
	forward.lcore_count = 0;
}

/* --- begin and end --------------------------------------------------------------------------- */

static void end_streams(unsigned int count)
{
	struct stream *s = NULL;

	for (unsigned int i = 0; i < count && (s = stream_next(s)) != NULL; i++)
		if (s->engine->stream_end != NULL)
			s->engine->stream_end(s);
}

static int begin_streams(struct base_error *err)
{
	unsigned int count = 0;

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL; count++) {
		int ret = s->engine->stream_begin == NULL ? 0 : s->engine->stream_begin(s, err);

		if (ret != 0) {
			end_streams(count);
			return ret;
		}
	}
	return 0;
}

static void end_ports(unsigned int count)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int all = forward_ports(ports, RTE_DIM(ports));

	for (unsigned int i = 0; i < RTE_MIN(count, all); i++)
		if (ports[i]->engine->port_end != NULL)
			ports[i]->engine->port_end(ports[i]);
}

static int begin_ports(struct base_error *err)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int count = forward_ports(ports, RTE_DIM(ports));

	for (unsigned int i = 0; i < count; i++) {
		const struct engine *engine = ports[i]->engine;
		int ret = engine->port_begin == NULL ? 0 : engine->port_begin(ports[i], err);

		if (ret != 0) {
			end_ports(i);
			return ret;
		}
	}
	return 0;
}

static int start_locked(unsigned int tx_first, struct base_error *err)
{
	int ret = stream_create_all(err);

	if (ret != 0)
		return ret;
	ret = forward_grant(err);
	if (ret != 0)
		goto destroy_streams;
	port_link_wait();
	ret = begin_ports(err);
	if (ret != 0)
		goto destroy_streams;
	ret = begin_streams(err);
	if (ret != 0)
		goto end_ports;
	/* here, where the pools that engines made are mapped */
	ret = port_tracker_bind(err);
	if (ret != 0)
		goto end_streams;
	port_policy_track();
	forward_pause();
	if (options_get()->flushes_rx)
		forward_flush();
	forward_clear_stats();
	ret = tx_first > 0 ? forward_send_first(tx_first, err) : 0;
	if (ret != 0)
		goto end_streams;
	ret = capture_start(err);
	if (ret != 0)
		goto end_streams;
	forward.start_ns = now_ns();
	ret = launch(err);
	if (ret != 0)
		goto join;
	return 0;

join:
	join();
	capture_stop(NULL);
end_streams:
	end_streams(UINT32_MAX);
end_ports:
	end_ports(UINT32_MAX);
destroy_streams:
	stream_destroy_all();
	return ret;
}

int forward_start(unsigned int tx_first, struct base_error *err)
{
	int ret;

	if (forward.is_running)
		return base_error_set(err, -EALREADY, "forwarding runs already: stop first");
	stats_lock();
	ret = start_locked(tx_first, err);
	forward.is_running = ret == 0;
	stats_unlock();
	if (ret == 0 && !options_get()->is_json)
		forward_print_config();
	return ret;
}

int forward_stop(struct base_error *err)
{
	int ret;

	if (!forward.is_running)
		return base_error_set(err, -EALREADY, "forwarding is not running");
	join();
	ret = capture_stop(err);
	stats_lock();
	port_tracker_settle();
	forward.is_running = false;
	forward.stop_ns = now_ns();
	end_streams(UINT32_MAX);
	end_ports(UINT32_MAX);
	port_policy_end();
	stats_unlock();
	if (!options_get()->is_json)
		forward_print_stats();
	capture_print(options_get()->is_json ? stderr : stdout);
	return ret;
}
