/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: which lcore polls which queue with which engine; start and stop of forwarding. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "base_error.h"
#include "capture.h"
#include "engine.h"
#include "port.h"

#define STREAM_BURST_MAX 512

struct replay_ring;
struct tracker_queue;

struct stream {
	/* main lcore, while stopped */
	uint16_t rx_id; /* ethdev ids, for the hot loop */
	uint16_t rx_queue;
	uint16_t tx_id;
	uint16_t tx_queue;
	uint16_t burst;
	uint16_t retry_count; /* of set fwd M retry; 0: no retry */
	uint32_t retry_delay_us;
	uint16_t (*run)(struct stream *stream);
	struct port_counters *rx;	  /* of rx_queue, or NULL: transmits only */
	struct port_counters *tx;	  /* of tx_queue, or NULL: receives only */
	void *data;			  /* the engine's, from stream_begin to stream_end */
	struct replay_ring *capture;	  /* copies of what was received, or NULL */
	struct tracker_queue *rx_tracker; /* of the queues; NULL: behind no IOMMU */
	struct tracker_queue *tx_tracker;

	/* with record-core-cycles; worker: write, any: read */
	uint64_t busy_cycles; /* spent in run() that moved packets */
	uint64_t busy_packets;
	uint32_t is_done; /* a stream that ends (replay): worker writes, any reads (acquire) */

	/* not used by the hot loop */
	const struct engine *engine;
	struct port *rx_port; /* NULL: transmits only */
	struct port *tx_port; /* NULL: receives only */
	unsigned int lcore;
	uint64_t *rx_bursts; /* [STREAM_BURST_MAX + 1] with record-burst-stats, else NULL */
	uint64_t *tx_bursts;
	struct port_counters rx_base; /* the queues' counters at the last start or clear */
	struct port_counters tx_base;
} __rte_cache_aligned;

/** Streams of the last start, in order; prev NULL: the first. Main lcore, or any while running. */
struct stream *stream_next(const struct stream *prev);
unsigned int stream_count(void);

/* --- forwarding ----------------------------------------------------------------------------- */

/**
 * Makes the streams from the options, grants the least rights that they need, runs the engines'
 * begin hooks and launches the lcores. tx_first: bursts sent on every port before. Main lcore.
 */
int forward_start(unsigned int tx_first, struct base_error *err);

/** Stops the lcores, runs the end hooks; statistics stay readable. -EALREADY when not running. */
int forward_stop(struct base_error *err);

bool forward_is_running(void);

/** True when streams that end exist and each of them has. Any thread. */
bool forward_is_done(void);

/** Rounds over its streams that the slowest lcore has made, ever: more of them mean it had CPU. */
uint64_t forward_rounds(void);

/** From the last start until now, or until the stop. */
uint64_t forward_duration_ns(void);

/** Takes this moment for the start, as what was counted before is forgotten. Main lcore. */
void forward_restart_clock(void);

/** Ethdev counters at the last start or clear: what `show fwd stats` counts from. */
void forward_base_stats(uint16_t port_id, struct rte_eth_stats *stats);
void forward_clear_stats(void);

/** "io packet forwarding - ports=2 - cores=1 - streams=2 ...": testpmd's shape. Main lcore. */
void forward_print_config(void);

/** testpmd's "Forward statistics", with streams when there are several. Main lcore. */
void forward_print_stats(void);
