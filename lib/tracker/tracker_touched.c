/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pages a queue has touched, as ranges. */
#include "tracker_private.h"

static bool is_touched(const struct tracker_probe *probe, uint32_t page)
{
	return __atomic_load_n(&probe->touched[page], __ATOMIC_RELAXED) != 0;
}

bool tracker_queue_touched(struct tracker_queue *queue, uint32_t *page, struct tracker_range *out)
{
	const struct tracker_probe *probe = tracker_probe(queue);
	const struct tracker_domain *domain = probe->domain;
	const struct tracker_place *place = domain->place;
	uint32_t first = *page, end;

	while (first < domain->pages && !is_touched(probe, first))
		first++;
	*page = first;
	if (first == domain->pages)
		return false;
	while (first - place->first >= place->size >> place->shift)
		place++;
	end = place->first + (uint32_t)(place->size >> place->shift);
	while (*page < end && is_touched(probe, *page))
		(*page)++;
	*out = (struct tracker_range){
		.iova = place->iova + ((uint64_t)(first - place->first) << place->shift),
		.size = (uint64_t)(*page - first) << place->shift,
		.page_shift = (uint8_t)place->shift,
	};
	return true;
}
