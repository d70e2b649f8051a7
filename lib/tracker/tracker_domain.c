/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains: ranges of addresses, whose pages are numbered so that they index arrays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracker_private.h"

static bool range_is_good(const struct tracker_range *range)
{
	uint64_t mask;

	if (range->page_shift < 12 || range->page_shift > 30 || range->size == 0)
		return false;
	mask = (UINT64_C(1) << range->page_shift) - 1;
	return ((range->iova | range->size) & mask) == 0 &&
	       range->iova + (range->size - 1) >= range->iova;
}

static bool overlaps(const struct tracker_domain *domain, const struct tracker_range *range)
{
	for (unsigned int i = 0; i < domain->place_count; i++) {
		const struct tracker_place *place = &domain->place[i];

		if (range->iova - place->iova < place->size ||
		    place->iova - range->iova < range->size)
			return true;
	}
	return false;
}

/* Adds the pages at the end; arrays of queues and lanes are not touched. */
static int add_place(struct tracker_domain *domain, const struct tracker_range *range)
{
	struct tracker_place *place;
	uint64_t pages;

	if (!range_is_good(range) || overlaps(domain, range))
		return -EINVAL;
	pages = range->size >> range->page_shift;
	if (pages > TRACKER_PAGES - domain->pages)
		return -E2BIG;
	place = realloc(domain->place, (domain->place_count + 1) * sizeof(*place));
	if (place == NULL)
		return -ENOMEM;
	domain->place = place;
	domain->place[domain->place_count++] = (struct tracker_place){
		.iova = range->iova,
		.size = range->size,
		.first = domain->pages,
		.shift = range->page_shift,
	};
	domain->pages += (uint32_t)pages;
	return 0;
}

int tracker_domain_create(struct tracker *tracker, uint32_t id, const struct tracker_range *ranges,
			  unsigned int n, struct tracker_domain **out)
{
	struct tracker_domain *domain = calloc(1, sizeof(*domain));
	int ret = 0;

	if (domain == NULL)
		return -ENOMEM;
	domain->tracker = tracker;
	domain->id = id;
	for (unsigned int i = 0; i < n && ret == 0; i++)
		ret = add_place(domain, &ranges[i]);
	if (ret != 0) {
		free(domain->place);
		free(domain);
		return ret;
	}
	domain->next = tracker->domains;
	tracker->domains = domain;
	*out = domain;
	return 0;
}

/* --- one range more ------------------------------------------------------------------------- */

static int grow(void *array, size_t size, uint32_t before, uint32_t pages)
{
	uint8_t *grown = realloc(*(void **)array, ((size_t)pages + 1) * size);

	if (grown == NULL)
		return -ENOMEM;
	memset(grown + before * size, 0, ((size_t)pages + 1 - before) * size);
	*(void **)array = grown;
	return 0;
}

static int grow_stamps(struct tracker_domain *domain, struct tracker_lane *lane, uint32_t before)
{
	struct tracker_stamps *stamps = lane->stamps;
	int ret;

	while (stamps != NULL && stamps->domain != domain)
		stamps = stamps->next;
	if (stamps == NULL)
		return 0;
	ret = grow(&stamps->stamp, sizeof(*stamps->stamp), before, domain->pages);
	for (struct tracker_probe *probe = domain->tracker->probes; probe != NULL;
	     probe = probe->next) {
		if (probe->domain == domain && probe->lane == lane)
			probe->stamp = stamps->stamp;
	}
	return ret;
}

int tracker_domain_add_range(struct tracker_domain *domain, const struct tracker_range *range)
{
	uint32_t before = domain->pages;
	int ret = add_place(domain, range);

	if (ret != 0)
		return ret;
	for (struct tracker_lane *lane = domain->tracker->lanes; lane != NULL && ret == 0;
	     lane = lane->next)
		ret = grow_stamps(domain, lane, before);
	for (struct tracker_probe *probe = domain->tracker->probes; probe != NULL && ret == 0;
	     probe = probe->next) {
		if (probe->domain == domain)
			ret = grow(&probe->touched, 1, before, domain->pages);
	}
	/* Arrays that did grow are larger than they need be, which harms nobody. */
	if (ret != 0) {
		domain->pages = before;
		domain->place_count--;
	}
	return ret;
}

void tracker_domain_destroy(struct tracker_domain *domain)
{
	struct tracker *tracker = domain->tracker;
	struct tracker_domain **link = &tracker->domains;
	struct tracker_probe *probe = tracker->probes, *next;

	for (; probe != NULL; probe = next) {
		next = probe->next;
		if (probe->domain == domain)
			tracker_queue_destroy(&probe->queue);
	}
	tracker_lanes_forget(domain);
	while (*link != domain)
		link = &(*link)->next;
	*link = domain->next;
	free(domain->place);
	free(domain);
}
