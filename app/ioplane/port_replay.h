/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures that ports transmit: loaded for a port, replayed from the next start on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "stats.h"

struct port;
struct replay_split;

/**
 * Loads what "PORT,file=F[,loop=N][,topspeed]" names (--replay, `set replay`) and gives the port
 * the replay engine. What the port replayed before goes. Main lcore, forwarding stopped, the
 * port attached; it may be started. One line in err.
 */
int port_replay_set(const char *spec, struct base_error *err);

/**
 * Drops a port's capture, if it has one: port_close() and port_detach() call this when the ethdev
 * is closed and its domain still there. -EBUSY: the driver holds frames of it.
 */
int port_replay_drop(struct port *port);

/** True when every replay is through and nothing has been received for 200 ms. Main lcore. */
bool port_replay_is_over(void);

/** Adds a line for each replay to a report. -ENOMEM. Under stats_lock(). */
int port_replay_collect(struct stats_report *report);

/** Packets of the port's capture that are too large or empty, once a loop. Under stats_lock(). */
uint64_t port_replay_unsent(const struct port *port);

/* --- for engine_replay.c -------------------------------------------------------------------- */

/**
 * What `count` transmit queues of the port send, from the first packet on; port_replay_end() ends
 * its use. Loads the file again when the port's MTU changed. -ENOENT: nothing to replay.
 */
int port_replay_begin(struct port *port, unsigned int count, struct replay_split **out,
		      struct base_error *err);
void port_replay_end(struct port *port);
