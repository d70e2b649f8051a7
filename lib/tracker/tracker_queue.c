/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes of queues: made, bound to an lcore and a ring, and taken away. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracker_private.h"

#define CACHE_LINE 64

/* Where the lines of a ring are; a ring lies in one range. */
static int find_lines(const struct tracker_domain *domain, const struct tracker_ring *ring,
		      struct tracker_lines *out)
{
	const struct tracker_place *place;
	uint32_t size;

	memset(out, 0, sizeof(*out));
	if (ring == NULL || ring->size == 0)
		return 0;
	size = (uint32_t)ring->size * ring->desc_size;
	if (ring->desc_size == 0 || ring->line == 0 || (ring->line & (ring->line - 1)) != 0)
		return -EINVAL;
	place = tracker_place_find(domain, ring->iova);
	if (place == NULL || size > place->size - (ring->iova - place->iova))
		return -EINVAL;
	*out = (struct tracker_lines){
		.offset = ring->iova - place->iova,
		.size = size,
		.desc_size = ring->desc_size,
		.line_shift = (uint32_t)__builtin_ctz(ring->line),
		.is_fetch = ring->line > CACHE_LINE,
		.is_cabled = ring->is_cabled,
		.first = place->first,
		.shift = place->shift,
	};
	return 0;
}

int tracker_queue_create(struct tracker_domain *domain, unsigned int lcore, bool is_rx,
			 uint16_t queue, const struct tracker_ring *ring,
			 struct tracker_queue **out)
{
	struct tracker *tracker = domain->tracker;
	struct tracker_probe *probe;
	void *memory;
	int ret = -ENOMEM;

	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*probe)) != 0)
		return ret;
	probe = memory;
	memset(probe, 0, sizeof(*probe));
	probe->working_set = TRACKER_NONE;
	probe->domain = domain;
	probe->is_rx = is_rx;
	probe->number = queue;
	if (domain->place_count > 0)
		probe->place = domain->place[0];
	probe->touched = calloc((size_t)domain->pages + 1, 1);
	if (probe->touched == NULL)
		goto free_probe;
	ret = find_lines(domain, ring, &probe->ring);
	if (ret == 0)
		ret = tracker_lane_take(domain, lcore, &probe->lane, &probe->stamp);
	if (ret != 0)
		goto free_touched;
	probe->next = tracker->probes;
	tracker->probes = probe;
	probe->queue.mode = tracker_mode(tracker) == TRACKER_OFF ? 0 : tracker->mode;
	*out = &probe->queue;
	return 0;
free_touched:
	free(probe->touched);
free_probe:
	free(probe);
	return ret;
}

void tracker_queue_destroy(struct tracker_queue *queue)
{
	struct tracker_probe *probe = tracker_probe(queue);
	struct tracker_probe **link = &probe->domain->tracker->probes;

	tracker_lane_settle(probe->lane);
	while (*link != probe)
		link = &(*link)->next;
	*link = probe->next;
	tracker_lane_give(probe->lane);
	free(probe->touched);
	free(probe);
}

int tracker_queue_bind(struct tracker_queue *queue, unsigned int lcore,
		       const struct tracker_ring *ring)
{
	struct tracker_probe *probe = tracker_probe(queue);
	struct tracker_lines lines;
	struct tracker_lane *lane;
	uint32_t *stamp;
	int ret = find_lines(probe->domain, ring, &lines);

	if (ret == 0)
		ret = tracker_lane_take(probe->domain, lcore, &lane, &stamp);
	if (ret != 0)
		return ret;
	tracker_lane_settle(probe->lane);
	tracker_lane_give(probe->lane);
	probe->lane = lane;
	probe->stamp = stamp;
	probe->ring = lines;
	return 0;
}
