/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells a tracker the ranges of each domain and the ring of each queue. */
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_memzone.h>

#include "accuracy_model.h"

#define DESC_SIZE 16
#define LINE_SIZE 512 /* of the ring: what dmanic fetches at once */
#define RANGES	  4

static unsigned int shift_of(const struct accuracy_rig *rig, enum accuracy_blindness blindness)
{
	if (blindness == ACCURACY_SEES_SMALL_PAGES)
		return 12;
	return (unsigned int)__builtin_ctz(rig->load->page_size);
}

static struct tracker_range range_of(const struct accuracy_port *port, enum dma_part part,
				     unsigned int shift)
{
	struct dma_range range;

	dma_arena_range(port->arena, part, &range);
	return (struct tracker_range){
		.iova = range.iova, .size = range.size, .page_shift = (uint8_t)shift};
}

static struct tracker_domain *make_domain(struct tracker *tracker, const struct accuracy_rig *rig,
					  unsigned int number, unsigned int shift)
{
	const struct accuracy_port *port = &rig->port[number];
	struct tracker_range ranges[RANGES];
	struct tracker_domain *domain;
	unsigned int n = 0;

	ranges[n++] = range_of(port, DMA_RINGS, shift);
	ranges[n++] = range_of(port, DMA_BUFFERS, shift);
	if (rig->load->kind == ACCURACY_FORWARD)
		ranges[n++] = range_of(&rig->port[number ^ 1], DMA_BUFFERS, shift);
	accuracy_check(tracker_domain_create(tracker, iommu_domain_id(port->domain), ranges, n,
					     &domain) == 0);
	return domain;
}

static struct tracker_queue *make_queue(struct tracker_domain *domain, bool is_cabled,
					const struct accuracy_port *port,
					const struct accuracy_stream *stream, bool is_rx)
{
	struct tracker_ring ring = {.size = port->config.descs,
				    .desc_size = DESC_SIZE,
				    .line = LINE_SIZE,
				    .is_cabled = is_cabled};
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *zone;
	struct tracker_queue *queue;

	snprintf(name, sizeof(name), "eth_p%u_q%u_%s_ring", port->id, stream->queue,
		 is_rx ? "rx" : "tx");
	zone = rte_memzone_lookup(name);
	accuracy_check(zone != NULL);
	ring.iova = zone->iova;
	accuracy_check(tracker_queue_create(domain, stream->lcore, is_rx, stream->queue, &ring,
					    &queue) == 0);
	return queue;
}

struct tracker *accuracy_model_create(struct accuracy_rig *rig,
				      const struct accuracy_model_config *config)
{
	unsigned int shift = shift_of(rig, config->blindness);
	bool is_cabled = rig->load->kind == ACCURACY_FORWARD; /* else to ports of another unit */
	struct tracker_domain *domain[ACCURACY_PORTS];
	struct tracker *tracker;

	accuracy_check(tracker_create(config->profile, &tracker) == 0);
	for (unsigned int i = 0; i < rig->load->ports; i++)
		domain[i] = make_domain(tracker, rig, i, shift);
	for (unsigned int i = 0; i < rig->stream_count; i++) {
		struct accuracy_stream *stream = &rig->stream[i];

		if (stream->rx->config.unit != rig->unit)
			continue;
		if (config->blindness == ACCURACY_SEES_HALF && i % 2 != 0)
			continue;
		stream->rx_probe[config->number] = make_queue(domain[stream->rx - rig->port],
							      is_cabled, stream->rx, stream, true);
		if (stream->tx != NULL)
			stream->tx_probe[config->number] =
				make_queue(domain[stream->tx - rig->port], is_cabled, stream->tx,
					   stream, false);
	}
	tracker_set_mode(tracker, config->mode);
	return tracker;
}
