/* SPDX-License-Identifier: BSD-3-Clause */
/* The queues of a snapshot in turn, as rows of a table. */
#include "stats_place.h"

void stats_place_each(const struct stats_report *report, const struct stats_port *only, int queue,
		      void (*row)(struct stats_table *table, const struct stats_place *place),
		      struct stats_table *table)
{
	for (unsigned int p = 0; p < report->port_count; p++) {
		struct stats_place place = {.port = &report->ports[p]};
		unsigned int rx = place.port->rx_queue_count;

		if (only != NULL && only != place.port)
			continue;
		for (unsigned int i = 0; i < rx + place.port->tx_queue_count; i++) {
			place.is_rx = i < rx;
			place.queue = place.is_rx ? &place.port->rx_queues[i]
						  : &place.port->tx_queues[i - rx];
			if (queue < 0 || place.queue->queue == queue)
				row(table, &place);
		}
	}
}

void stats_place_add(struct stats_table *table, const struct stats_place *place)
{
	stats_table_add(table, "%u", place->port->id);
	stats_table_add(table, "%s%u", place->is_rx ? "rx" : "tx", place->queue->queue);
}

void stats_place_hist(struct stats_table *table, const struct stats_hist *hist)
{
	static const struct stats_hist none = {STATS_NA, STATS_NA, STATS_NA, STATS_NA, STATS_NA};

	if (hist == NULL)
		hist = &none;
	stats_table_add_u64(table, hist->count);
	stats_table_add_u64(table, hist->mean);
	stats_table_add_u64(table, hist->p50);
	stats_table_add_u64(table, hist->p99);
	stats_table_add_u64(table, hist->max);
}
