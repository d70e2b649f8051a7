/* SPDX-License-Identifier: BSD-3-Clause */
/* Where drivers keep the descriptors of a queue: found by the name of its memzone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"
#include "tracker.h"

/** Name of the memzone that holds the descriptors of a queue; false: this driver is not known. */
bool port_ring_zone(const char *driver, uint16_t port_id, bool is_rx, uint16_t queue, char *name,
		    size_t size);

/**
 * The ring of a queue that is set up, as its device fetches it: addresses, sizes, bytes a fetch.
 * False: not known, and ring is all 0. Main lcore.
 */
bool port_ring_find(const struct port *port, bool is_rx, uint16_t queue, struct tracker_ring *ring);
