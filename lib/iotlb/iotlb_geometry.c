/* SPDX-License-Identifier: BSD-3-Clause */
/* The default IOTLB geometry, and which geometries can be. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "iotlb_geometry.h"

static const char *const names[] = {
	[IOTLB_LRU] = "lru",
	[IOTLB_FIFO] = "fifo",
	[IOTLB_RANDOM] = "random",
	[IOTLB_FLUSH] = "flush",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

struct iotlb_geometry iotlb_geometry_default(void)
{
	return (struct iotlb_geometry){
		.name = "generic-128",
		.entries = 128,
		.ways = 8,
		.replacement = IOTLB_LRU,
		.walk_entries = 64,
	};
}

static int is_power_of_two(uint32_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

int iotlb_geometry_check(const struct iotlb_geometry *geometry, struct base_error *err)
{
	uint32_t entries = geometry->entries, ways = geometry->ways;

	if (entries == 0 || entries > IOTLB_ENTRIES_MAX)
		return base_error_set(err, -EINVAL, "entries=%u is not 1 to %u", entries,
				      IOTLB_ENTRIES_MAX);
	if (ways == 0 || entries % ways != 0 || !is_power_of_two(entries / ways))
		return base_error_set(err, -EINVAL,
				      "entries=%u in ways=%u is not a power of two of sets",
				      entries, ways);
	if (geometry->replacement >= NAMES)
		return base_error_set(err, -EINVAL, "replacement %d does not exist",
				      (int)geometry->replacement);
	if (geometry->replacement == IOTLB_FLUSH && ways != entries)
		return base_error_set(err, -EINVAL, "replacement=flush needs ways=%u, all entries",
				      entries);
	if (geometry->walk_entries != 0 &&
	    (!is_power_of_two(geometry->walk_entries) || geometry->walk_entries > 4096))
		return base_error_set(err, -EINVAL,
				      "walk_entries=%u is not 0 or a power of two to 4096",
				      geometry->walk_entries);
	return 0;
}

const char *iotlb_replacement_name(enum iotlb_replacement replacement)
{
	return replacement < NAMES ? names[replacement] : NULL;
}

int iotlb_replacement_parse(const char *name, enum iotlb_replacement *replacement)
{
	for (unsigned int i = 0; i < NAMES; i++) {
		if (strcmp(name, names[i]) == 0) {
			*replacement = (enum iotlb_replacement)i;
			return 0;
		}
	}
	return -EINVAL;
}
