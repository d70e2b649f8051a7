/* SPDX-License-Identifier: BSD-3-Clause */
/* What an engine is: the function that a stream runs, and how it begins and ends. */
#pragma once

#include <stdint.h>

#include "base_error.h"

struct port;
struct stream;

#define ENGINE_RX      (1u << 0) /* receives on its port */
#define ENGINE_TX_PEER (1u << 1) /* transmits on the peer of its port */
#define ENGINE_TX_OWN  (1u << 2) /* transmits on its port, from a port_pool of its own */
#define ENGINE_DRAINS  (1u << 3) /* what its port receives is counted by rxonly streams */
#define ENGINE_ENDS    (1u << 4) /* its streams set is_done one day */

/*
 * begin and end hooks run on the main lcore and may be NULL. An engine has one stream for
 * each queue: of the receive queue with ENGINE_RX, else of the transmit queue.
 */
struct engine {
	const char *name;
	uint32_t flags;

	/* Before the port's streams begin. On failure nothing is left; port_end is not called. */
	int (*port_begin)(struct port *port, struct base_error *err);
	void (*port_end)(struct port *port);
	int (*stream_begin)(struct stream *stream, struct base_error *err);
	void (*stream_end)(struct stream *stream);

	/*
	 * Hot: one burst; returns the packets it moved. No lock, system call, allocation or log.
	 * Owns the stream's counters and those of its queues.
	 */
	uint16_t (*run)(struct stream *stream);
};

extern const struct engine engine_io;
extern const struct engine engine_mac;
extern const struct engine engine_macswap;
extern const struct engine engine_rxloss;
extern const struct engine engine_rxonly;
extern const struct engine engine_txonly;
extern const struct engine engine_replay;

/* All of them, NULL at the end: a new engine is a file and a line there. */
extern const struct engine *const engines[];

/** The engine of this name, or NULL. */
const struct engine *engine_find(const char *name);
