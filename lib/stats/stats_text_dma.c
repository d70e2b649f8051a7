/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of what queues map and unmap, and what that costs. */
#include "stats.h"
#include "stats_place.h"

static void row_dma(struct stats_table *table, const struct stats_place *place)
{
	static const struct stats_dma none = {
		.maps = STATS_NA,
		.unmaps = STATS_NA,
		.mapped_bytes = STATS_NA,
		.unmapped_bytes = STATS_NA,
		.invalidations = STATS_NA,
	};
	const struct stats_queue *queue = place->queue;
	const struct stats_dma *dma = queue->has_dma ? &queue->dma : &none;

	stats_place_add(table, place);
	stats_table_add(table, "%s", queue->has_dma ? dma_policy_name(dma->policy) : "n/a");
	stats_table_add_u64(table, dma->maps);
	stats_table_add_u64(table, dma->unmaps);
	stats_table_add_u64(table, dma->mapped_bytes);
	stats_table_add_u64(table, dma->unmapped_bytes);
	stats_table_add_u64(table, dma->invalidations);
	stats_place_hist(table, queue->has_dma ? &dma->map_ns : NULL);
	stats_place_hist(table, queue->has_dma ? &dma->unmap_ns : NULL);
}

static void add_iova(struct stats_table *table, const struct stats_dma *dma)
{
	stats_table_add(table, "%s", dma->iova == NULL ? "n/a" : dma->iova);
}

/* Only of queues that map at hand-over. */
static void row_hand_over(struct stats_table *table, const struct stats_place *place)
{
	const struct stats_dma *dma = &place->queue->dma;

	if (!place->queue->has_dma || dma->policy == DMA_STATIC)
		return;
	stats_place_add(table, place);
	stats_table_add(table, "%s", dma_policy_name(dma->policy));
	stats_table_add_u64(table, dma->batch);
	stats_table_add_u64(table, dma->timeout_us);
	add_iova(table, dma);
	stats_table_add_u64(table, dma->waiting);
	stats_table_add_u64(table, dma->lost);
	stats_place_hist(table, &dma->sync_ns);
	stats_place_hist(table, &dma->window_ns);
}

static bool has_hand_over(const struct stats_report *report)
{
	for (unsigned int p = 0; p < report->port_count; p++) {
		const struct stats_port *port = &report->ports[p];

		if (port->rx_queue_count > 0 && port->rx_queues[0].has_dma &&
		    port->rx_queues[0].dma.policy != DMA_STATIC)
			return true;
	}
	return false;
}

/* What waits for a sync, and how long a device could use what was unmapped. */
static void text_hand_over(const struct stats_report *report, const struct stats_port *port,
			   int queue, FILE *file)
{
	static const char *const titles[] = {
		"port", "queue",	 "policy", "batch", "timeout-us", "iova", "waiting",
		"lost", "sync-ns-count", "mean",   "p50",   "p99",	  "max",  "window-ns-count",
		"mean", "p50",		 "p99",	   "max",   NULL};
	struct stats_table *table;

	if (!has_hand_over(report))
		return;
	table = stats_table_create(titles);
	stats_place_each(report, port, queue, row_hand_over, table);
	fprintf(file, "Unmaps that wait for a sync, by queue (times in ns)\n");
	stats_table_finish(table, file);
}

void stats_text_dma(const struct stats_report *report, const struct stats_port *port, int queue,
		    FILE *file)
{
	static const char *const titles[] = {"port",
					     "queue",
					     "policy",
					     "maps",
					     "unmaps",
					     "mapped-bytes",
					     "unmapped-bytes",
					     "invalidations",
					     "map-ns-count",
					     "mean",
					     "p50",
					     "p99",
					     "max",
					     "unmap-ns-count",
					     "mean",
					     "p50",
					     "p99",
					     "max",
					     NULL};
	struct stats_table *table = stats_table_create(titles);

	stats_place_each(report, port, queue, row_dma, table);
	fprintf(file, "DMA mapping by queue (times in ns)\n");
	stats_table_finish(table, file);
	text_hand_over(report, port, queue, file);
}
