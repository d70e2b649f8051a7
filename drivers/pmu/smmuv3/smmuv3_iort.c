/* SPDX-License-Identifier: BSD-3-Clause */
/* What the firmware's IORT tells: a PCI device's stream id, and whose counters a group has. */
#include "smmuv3_iort.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IORT_PATH     "/sys/firmware/acpi/tables/IORT"
#define IORT_SIZE_MAX (1u << 20)

/* Offsets in the table, a node, its data and a mapping; all little endian. */
#define TABLE_NODE_COUNT     36
#define TABLE_NODE_OFFSET    40
#define TABLE_HEADER_SIZE    48
#define NODE_TYPE	     0
#define NODE_LENGTH	     1
#define NODE_MAPPING_COUNT   8
#define NODE_MAPPING_OFFSET  12
#define NODE_HEADER_SIZE     16
#define ROOT_COMPLEX_SEGMENT 28
#define ROOT_COMPLEX_SIZE    32
#define UNIT_ADDRESS	     16
#define UNIT_SIZE	     24
#define GROUP_ADDRESS	     16
#define GROUP_REFERENCE	     28
#define GROUP_SIZE	     32
#define MAPPING_INPUT	     0
#define MAPPING_COUNT	     4
#define MAPPING_OUTPUT	     8
#define MAPPING_REFERENCE    12
#define MAPPING_SIZE	     20

enum node_type { ROOT_COMPLEX = 2, UNIT = 4, GROUP = 5 };

static uint64_t read_bytes(const uint8_t *at, unsigned int count)
{
	uint64_t value = 0;

	while (count-- != 0)
		value = value << 8 | at[count];
	return value;
}

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)read_bytes(at, 4);
}

int smmuv3_iort_read(const char *root, struct smmuv3_iort *out)
{
	char path[PATH_MAX];
	FILE *file;

	*out = (struct smmuv3_iort){0};
	if (snprintf(path, sizeof(path), "%s" IORT_PATH, root) >= PATH_MAX)
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	out->table = malloc(IORT_SIZE_MAX);
	if (out->table != NULL)
		out->size = fread(out->table, 1, IORT_SIZE_MAX, file);
	fclose(file);
	if (out->table == NULL)
		return -ENOMEM;
	if (out->size >= TABLE_HEADER_SIZE && memcmp(out->table, "IORT", 4) == 0)
		return 0;
	smmuv3_iort_free(out);
	return -EINVAL;
}

void smmuv3_iort_free(struct smmuv3_iort *iort)
{
	free(iort->table);
	*iort = (struct smmuv3_iort){0};
}

/* The node at an offset when it is of the type and whole, or NULL. */
static const uint8_t *node_at(const struct smmuv3_iort *iort, uint64_t offset, enum node_type type,
			      size_t size)
{
	const uint8_t *node;

	if (offset > iort->size || iort->size - offset < size)
		return NULL;
	node = iort->table + offset;
	return node[NODE_TYPE] == type && read_bytes(node + NODE_LENGTH, 2) >= size ? node : NULL;
}

/* Calls visit for each node, its offset in hand, until one returns true. */
static bool each_node(const struct smmuv3_iort *iort,
		      bool (*visit)(const struct smmuv3_iort *iort, uint64_t offset, void *arg),
		      void *arg)
{
	uint64_t offset = read_u32(iort->table + TABLE_NODE_OFFSET);
	uint32_t count = read_u32(iort->table + TABLE_NODE_COUNT);

	for (; count != 0; count--) {
		uint64_t length;

		if (offset > iort->size || iort->size - offset < NODE_HEADER_SIZE)
			return false;
		length = read_bytes(iort->table + offset + NODE_LENGTH, 2);
		if (length < NODE_HEADER_SIZE || iort->size - offset < length)
			return false;
		if (visit(iort, offset, arg))
			return true;
		offset += length;
	}
	return false;
}

static bool unit_address(const struct smmuv3_iort *iort, uint32_t reference, uint64_t *address)
{
	const uint8_t *unit = node_at(iort, reference, UNIT, UNIT_SIZE);

	if (unit != NULL)
		*address = read_bytes(unit + UNIT_ADDRESS, 8);
	return unit != NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

struct stream {
	uint32_t segment;
	uint16_t requester_id;
	uint64_t unit_address;
	uint32_t id;
};

static bool map_stream(const struct smmuv3_iort *iort, const uint8_t *mapping,
		       struct stream *stream)
{
	uint32_t input = read_u32(mapping + MAPPING_INPUT);

	/* the count is of those after the first */
	if (stream->requester_id < input ||
	    stream->requester_id - input > read_u32(mapping + MAPPING_COUNT) ||
	    !unit_address(iort, read_u32(mapping + MAPPING_REFERENCE), &stream->unit_address))
		return false;
	stream->id = read_u32(mapping + MAPPING_OUTPUT) + (stream->requester_id - input);
	return true;
}

static bool find_stream(const struct smmuv3_iort *iort, uint64_t offset, void *arg)
{
	const uint8_t *node = node_at(iort, offset, ROOT_COMPLEX, ROOT_COMPLEX_SIZE);
	struct stream *stream = arg;
	uint64_t length, at;
	uint32_t count;

	if (node == NULL || read_u32(node + ROOT_COMPLEX_SEGMENT) != stream->segment)
		return false;
	length = read_bytes(node + NODE_LENGTH, 2);
	at = read_u32(node + NODE_MAPPING_OFFSET);
	for (count = read_u32(node + NODE_MAPPING_COUNT); count != 0 && at + MAPPING_SIZE <= length;
	     count--, at += MAPPING_SIZE) {
		if (map_stream(iort, node + at, stream))
			return true;
	}
	return false;
}

int smmuv3_iort_stream(const struct smmuv3_iort *iort, uint32_t segment, uint16_t requester_id,
		       uint64_t *address, uint32_t *stream_id)
{
	struct stream stream = {.segment = segment, .requester_id = requester_id};

	if (!each_node(iort, find_stream, &stream))
		return -ENOENT;
	*address = stream.unit_address;
	*stream_id = stream.id;
	return 0;
}

/* --- counter groups --------------------------------------------------------------------------- */

struct group {
	uint64_t address;
	uint64_t unit_address;
};

static bool find_group(const struct smmuv3_iort *iort, uint64_t offset, void *arg)
{
	const uint8_t *node = node_at(iort, offset, GROUP, GROUP_SIZE);
	struct group *group = arg;

	return node != NULL && read_bytes(node + GROUP_ADDRESS, 8) == group->address &&
	       unit_address(iort, read_u32(node + GROUP_REFERENCE), &group->unit_address);
}

int smmuv3_iort_unit(const struct smmuv3_iort *iort, uint64_t group_address, uint64_t *address)
{
	struct group group = {.address = group_address};

	if (!each_node(iort, find_group, &group))
		return -ENOENT;
	*address = group.unit_address;
	return 0;
}
