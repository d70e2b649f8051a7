/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages of bursts that are not plain: chains, several ranges, buffers across pages. */
#include "tracker_private.h"

static bool has(const struct tracker_place *place, uint64_t iova)
{
	return iova - place->iova < place->size;
}

const struct tracker_place *tracker_place_find(const struct tracker_domain *domain, uint64_t iova)
{
	for (unsigned int i = 0; i < domain->place_count; i++) {
		if (has(&domain->place[i], iova))
			return &domain->place[i];
	}
	return NULL;
}

uint64_t tracker_page_name(const struct tracker_domain *domain, uint32_t page)
{
	const struct tracker_place *place = domain->place;

	while (page - place->first >= place->size >> place->shift)
		place++;
	return iotlb_shadow_page((uint16_t)domain->id, place->shift,
				 (place->iova >> place->shift) + page - place->first);
}

static void count_beyond(struct tracker_probe *probe)
{
	uint64_t *beyond = &probe->counts.beyond;

	__atomic_store_n(beyond, *beyond + 1, __ATOMIC_RELAXED);
}

/* Pages of one segment; false: no room for them. */
static bool add_segment(struct tracker_probe *probe, uint64_t iova, uint32_t len)
{
	while (len > 0) {
		const struct tracker_place *place = &probe->place;
		uint64_t page, left;

		if (!has(place, iova)) {
			place = tracker_place_find(probe->domain, iova);
			if (place == NULL) {
				count_beyond(probe);
				return true;
			}
			probe->place = *place;
		}
		if (probe->page_count == TRACKER_PAGES_MAX)
			return false;
		page = (iova - place->iova) >> place->shift;
		left = ((page + 1) << place->shift) - (iova - place->iova);
		probe->page[probe->page_count++] = place->first + (uint32_t)page;
		left = left < len ? left : len;
		iova += left;
		len -= (uint32_t)left;
	}
	return true;
}

void tracker_pages_resolve(struct tracker_probe *probe, struct rte_mbuf *const *pkts, uint16_t n)
{
	probe->page_count = 0;
	probe->desc_count = 0;
	for (probe->offered = 0; probe->offered < n; probe->offered++) {
		const struct rte_mbuf *mbuf = pkts[probe->offered];
		uint16_t pages = probe->page_count, descs = probe->desc_count;
		bool is_whole = true;

		for (; mbuf != NULL && is_whole; mbuf = mbuf->next, probe->desc_count++)
			is_whole =
				add_segment(probe, mbuf->buf_iova + mbuf->data_off, mbuf->data_len);
		if (!is_whole) {
			probe->page_count = pages;
			probe->desc_count = descs;
			return;
		}
		probe->page_end[probe->offered] = probe->page_count;
		probe->desc_end[probe->offered] = probe->desc_count;
	}
}
