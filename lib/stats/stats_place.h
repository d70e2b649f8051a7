/* SPDX-License-Identifier: BSD-3-Clause */
/* The queues of a snapshot in turn, as rows of a table. */
#pragma once

#include <stdbool.h>

#include "stats.h"
#include "stats_table.h"

/* One queue of a port. */
struct stats_place {
	const struct stats_port *port;
	const struct stats_queue *queue;
	bool is_rx;
};

/**
 * Calls row for each queue asked for: of a port, NULL all, and of a number, below 0 all; the
 * port's receive queues, then its transmit queues.
 */
void stats_place_each(const struct stats_report *report, const struct stats_port *only, int queue,
		      void (*row)(struct stats_table *table, const struct stats_place *place),
		      struct stats_table *table);

/** Two cells: the port and the queue, such as rx0. */
void stats_place_add(struct stats_table *table, const struct stats_place *place);

/** Five cells: count, mean, p50, p99 and max; NULL: it does not apply. */
void stats_place_hist(struct stats_table *table, const struct stats_hist *hist);
