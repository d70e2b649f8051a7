/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes what ports receive to capture files, in the order received. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <rte_mbuf.h>

#include "base_error.h"

struct port;
struct stream;

/**
 * Opens the file of "PORT,file=F" (--capture, `set capture`), so that one that cannot be written
 * is told at once. A port has one capture: a new one ends the one before. Main lcore, forwarding
 * stopped, the port attached.
 */
int capture_set(const char *spec, struct base_error *err);

/** Ends a port's capture, if it has one, and closes its file; -errno of the file. */
int capture_drop(struct port *port, struct base_error *err);

/** forward_start() calls it when the streams are made, before the lcores run. */
int capture_start(struct base_error *err);

/** forward_stop() calls it when the lcores have stopped: all that was received is written. */
int capture_stop(struct base_error *err);

/** Says per capture what was written, lost, and how often the writer fell behind. */
void capture_print(FILE *file);

/**
 * stream_receive() of a stream whose port is captured: receives only what the writer has room
 * for, so that the rest waits in the receive ring; copies it, so that the stream may do with the
 * packets as it likes. Hot.
 */
uint16_t capture_receive(struct stream *stream, struct rte_mbuf **packets);
