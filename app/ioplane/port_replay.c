/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the captures that ports replay, from `set replay` to the port's close. */
#include "port_replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine.h"
#include "port.h"
#include "port_policy.h"
#include "port_replay_load.h"
#include "replay_share.h"
#include "replay_store.h"
#include "spec.h"
#include "stream.h"

#define QUIET_MS     200u
#define QUIET_ROUNDS 1000 /* of every lcore over its streams */
#define STUCK_S	     10u
#define NS_A_SECOND  UINT64_C(1000000000)

struct port_replay {
	struct port *port;
	struct spec spec;
	uint16_t frame_max;	    /* that the store was loaded for */
	bool is_copied;		    /* the same: no device reads it */
	struct replay_store *store; /* NULL: loading it again failed */
	struct replay_split *split; /* of the last start */
	uint64_t start_tsc;
	uint64_t stop_tsc; /* 0: forwarding runs */
};

static struct port_replay *replays[RTE_MAX_ETHPORTS];

/* --- loading --------------------------------------------------------------------------------- */

static int unload(struct port_replay *replay)
{
	int ret;

	if (replay->store == NULL)
		return 0;
	replay_split_destroy(replay->split);
	replay->split = NULL;
	ret = replay_store_destroy(replay->store);
	if (ret == 0)
		replay->store = NULL;
	return ret;
}

/* Drivers free what they sent when they need the room: stopping the port makes them. */
static int unload_from_port(struct port_replay *replay, struct base_error *err)
{
	struct port *port = replay->port;
	int ret = unload(replay);

	if (ret == -EBUSY && port->state == PORT_STARTED) {
		ret = port_stop(port, err);
		if (ret < 0)
			return ret;
		ret = unload(replay);
		if (port_resume(port, err) < 0)
			return err->code;
	}
	if (ret < 0)
		base_error_set(err, ret,
			       "port %u keeps packets of %s in its ring: port close %u first",
			       port->id, replay->spec.file, port->id);
	return ret;
}

static int load(struct port_replay *replay, struct base_error *err)
{
	replay->frame_max = port_replay_frame_max(replay->port);
	replay->is_copied = port_policy_is_wanted(replay->port);
	return port_replay_load(replay->port, replay->spec.file, replay->frame_max, &replay->store,
				err);
}

static void forget(struct port_replay *replay)
{
	replays[replay->port->id] = NULL;
	free(replay);
}

int port_replay_drop(struct port *port)
{
	struct port_replay *replay = replays[port->id];
	int ret = replay == NULL ? 0 : unload(replay);

	if (replay != NULL && ret == 0)
		forget(replay);
	return ret;
}

/* --- setting --------------------------------------------------------------------------------- */

static int add(const struct spec *spec, struct port *port, struct base_error *err)
{
	struct port_replay *replay = calloc(1, sizeof(*replay));
	int ret;

	if (replay == NULL)
		return base_error_set(err, -ENOMEM, "no memory for a replay");
	replay->port = port;
	replay->spec = *spec;
	ret = load(replay, err);
	if (ret < 0) {
		free(replay);
		return ret;
	}
	stats_lock();
	replays[port->id] = replay;
	port->engine = &engine_replay;
	stats_unlock();
	return 0;
}

int port_replay_set(const char *text, struct base_error *err)
{
	struct spec spec;
	struct port *port;
	int ret = spec_parse_replay(text, &spec, err);

	if (ret < 0)
		return ret;
	if (forward_is_running())
		return base_error_set(err, -EBUSY, "replay %s: stop forwarding first", text);
	port = port_find(spec.port);
	if (port == NULL)
		return base_error_set(err, -ENODEV, "replay %s: there is no port %u", text,
				      spec.port);
	/* What is loaded is sent again and again: a receiver must not get the very same mbufs. */
	if (strcmp(port->driver, "net_ring") == 0)
		return base_error_set(err, -ENOTSUP,
				      "port %u (net_ring) gives packets to its receiver without a "
				      "copy, which could change the capture: replay into another "
				      "kind of port, such as net_memif",
				      port->id);
	if (port->state == PORT_CLOSED)
		return base_error_set(err, -ENODEV, "replay %s: port %u is closed: port detach %u",
				      text, port->id, port->id);
	if (replays[port->id] != NULL) {
		stats_lock();
		ret = unload_from_port(replays[port->id], err);
		if (ret == 0)
			forget(replays[port->id]);
		stats_unlock();
		if (ret < 0)
			return ret;
	}
	return spec.is_off ? 0 : add(&spec, port, err);
}

/* --- running --------------------------------------------------------------------------------- */

int port_replay_begin(struct port *port, unsigned int count, struct replay_split **out,
		      struct base_error *err)
{
	struct port_replay *replay = replays[port->id];
	int ret = 0;

	if (replay == NULL)
		return base_error_set(err, -ENOENT,
				      "port %u has nothing to replay: set replay %u,file=F, or "
				      "set port %u fwd MODE",
				      port->id, port->id, port->id);
	if (replay->store == NULL || replay->frame_max != port_replay_frame_max(port) ||
	    replay->is_copied != port_policy_is_wanted(port)) {
		ret = unload_from_port(replay, err);
		if (ret == 0)
			ret = load(replay, err);
	}
	if (ret < 0)
		return ret;
	if (replay->split == NULL || replay->split->count != count) {
		replay_split_destroy(replay->split);
		replay->split = NULL;
		ret = replay_split_create(replay->store, count, &replay->split, err);
		if (ret < 0)
			return ret;
	}
	for (unsigned int i = 0; i < count; i++)
		replay_share_rewind(&replay->split->shares[i], replay->spec.loops);
	replay->stop_tsc = 0;
	replay->start_tsc = rte_rdtsc();
	*out = replay->split;
	return 0;
}

void port_replay_end(struct port *port)
{
	replays[port->id]->stop_tsc = rte_rdtsc();
}

static uint64_t to_ns(uint64_t cycles)
{
	return (uint64_t)((double)cycles * (double)NS_A_SECOND / (double)rte_get_tsc_hz());
}

/* Packets that the streams have moved since the start, but for those that were made up. */
static uint64_t moved(void)
{
	uint64_t packets = 0;

	for (const struct stream *s = stream_next(NULL); s != NULL; s = stream_next(s)) {
		if (s->rx != NULL && !port_makes_packets(s->rx_port))
			packets += __atomic_load_n(&s->rx->packets, __ATOMIC_RELAXED);
		if (s->tx != NULL)
			packets += __atomic_load_n(&s->tx->packets, __ATOMIC_RELAXED);
	}
	return packets;
}

static bool is_any(void)
{
	for (unsigned int id = 0; id < RTE_DIM(replays); id++)
		if (replays[id] != NULL)
			return true;
	return false;
}

/* A pausing receiver that nobody polls stops a replay for good. */
static void say_stuck(uint64_t quiet_ns)
{
	static bool is_said;

	if (is_said || !is_any() ||
	    RTE_MIN(quiet_ns, forward_duration_ns()) < STUCK_S * NS_A_SECOND)
		return;
	is_said = true;
	fprintf(stderr,
		"replay: nothing has been sent for %u s: does the other end receive? It goes on "
		"waiting; SIGINT ends it with the report\n",
		STUCK_S);
}

bool port_replay_is_over(void)
{
	static struct {
		uint64_t moved;
		uint64_t since_tsc;
		uint64_t rounds;
	} quiet;
	uint64_t now = rte_rdtsc();
	uint64_t packets = moved();
	uint64_t quiet_ns;

	if (packets != quiet.moved) {
		quiet.moved = packets;
		quiet.since_tsc = now;
		quiet.rounds = forward_rounds();
		return false;
	}
	quiet_ns = to_ns(now - quiet.since_tsc);
	if (!forward_is_done()) {
		say_stuck(quiet_ns);
		return false;
	}
	/* An lcore that had no CPU meanwhile has not looked at its queues. */
	return quiet_ns >= QUIET_MS * (NS_A_SECOND / 1000) &&
	       forward_rounds() - quiet.rounds >= QUIET_ROUNDS;
}

/* --- report ---------------------------------------------------------------------------------- */

static uint64_t elapsed_tsc(const struct port_replay *replay)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < replay->split->count; i++) {
		uint64_t share_end =
			__atomic_load_n(&replay->split->shares[i].end_tsc, __ATOMIC_RELAXED);

		if (share_end == 0)
			share_end = replay->stop_tsc != 0 ? replay->stop_tsc : rte_rdtsc();
		end = RTE_MAX(end, share_end);
	}
	return end - replay->start_tsc;
}

static uint64_t sent(const struct port_replay *replay)
{
	uint64_t packets = 0;

	for (unsigned int i = 0; replay->split != NULL && i < replay->split->count; i++)
		packets += __atomic_load_n(&replay->split->shares[i].sent, __ATOMIC_RELAXED);
	return packets;
}

static uint64_t loops(const struct port_replay *replay)
{
	return replay->store == NULL ? 0 : sent(replay) / replay_store_info(replay->store)->frames;
}

uint64_t port_replay_unsent(const struct port *port)
{
	const struct port_replay *replay = replays[port->id];
	const struct replay_info *info;

	if (replay == NULL || replay->store == NULL)
		return 0;
	info = replay_store_info(replay->store);
	return (info->oversize + info->empty) * loops(replay);
}

static void fill(const struct port_replay *replay, struct stats_replay *out)
{
	memset(out, 0, sizeof(*out));
	out->port = replay->port->id;
	strcpy(out->file, replay->spec.file);
	out->requested_pps = STATS_NA;
	if (replay->split == NULL)
		return;
	for (unsigned int i = 0; i < replay->split->count; i++)
		out->bytes += __atomic_load_n(&replay->split->shares[i].bytes, __ATOMIC_RELAXED);
	out->packets = sent(replay);
	out->loops = loops(replay);
	out->elapsed_ns = (uint64_t)((double)elapsed_tsc(replay) * 1e9 / (double)rte_get_tsc_hz());
	if (out->elapsed_ns > 0)
		out->achieved_pps =
			(uint64_t)((double)out->packets * 1e9 / (double)out->elapsed_ns);
}

int port_replay_collect(struct stats_report *report)
{
	for (unsigned int i = 0; i < RTE_DIM(replays); i++) {
		struct stats_replay *all;

		if (replays[i] == NULL)
			continue;
		all = realloc(report->replays, (report->replay_count + 1) * sizeof(*all));
		if (all == NULL)
			return -ENOMEM;
		report->replays = all;
		fill(replays[i], &all[report->replay_count++]);
	}
	return 0;
}
