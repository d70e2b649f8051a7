/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks up, fills and evicts in a model IOTLB. */
#include "iotlb_shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint64_t page; /* 0: empty */
	uint64_t age;  /* of the last use, or of the fill; the lowest of its set goes */
};

struct iotlb_shadow {
	struct iotlb_geometry geometry;
	uint64_t clock;
	uint64_t random;
	uint32_t set_mask;
	struct entry entry[]; /* set after set */
};

int iotlb_shadow_create(const struct iotlb_geometry *geometry, struct iotlb_shadow **out)
{
	struct iotlb_shadow *shadow;
	int ret = iotlb_geometry_check(geometry, NULL);

	if (ret != 0)
		return ret;
	shadow = calloc(1, sizeof(*shadow) + geometry->entries * sizeof(shadow->entry[0]));
	if (shadow == NULL)
		return -ENOMEM;
	shadow->geometry = *geometry;
	shadow->set_mask = iotlb_geometry_sets(geometry) - 1;
	shadow->random = UINT64_C(0x9e3779b97f4a7c15);
	*out = shadow;
	return 0;
}

void iotlb_shadow_destroy(struct iotlb_shadow *shadow)
{
	free(shadow);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct entry *make_room(struct iotlb_shadow *shadow, struct entry *set, struct entry *oldest)
{
	if (oldest->page == 0)
		return oldest;
	switch (shadow->geometry.replacement) {
	case IOTLB_LRU:
	case IOTLB_FIFO:
		return oldest;
	case IOTLB_RANDOM:
		return &set[next_random(&shadow->random) % shadow->geometry.ways];
	case IOTLB_FLUSH:
		memset(set, 0, shadow->geometry.ways * sizeof(*set));
		return set;
	}
	return oldest;
}

bool iotlb_shadow_access(struct iotlb_shadow *shadow, uint64_t page)
{
	uint32_t ways = shadow->geometry.ways;
	struct entry *set = &shadow->entry[((uint32_t)page & shadow->set_mask) * (uint64_t)ways];
	struct entry *oldest = set;

	shadow->clock++;
	for (uint32_t way = 0; way < ways; way++) {
		struct entry *entry = &set[way];

		if (entry->page == page) {
			if (shadow->geometry.replacement == IOTLB_LRU)
				entry->age = shadow->clock;
			return true;
		}
		oldest = entry->age < oldest->age ? entry : oldest;
	}
	oldest = make_room(shadow, set, oldest);
	oldest->page = page;
	oldest->age = shadow->clock;
	return false;
}
