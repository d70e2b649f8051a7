/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the dump of Intel's driver: one line a leaf, levels 5 to 1, 0 where there is none. */
#include "type1_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DEBUGFS "/sys/kernel/debug/iommu/intel"
#define LEVELS	5

/* VT-d specification, second-stage entries (9.8) and fault reasons */
#define ENTRY_LARGE   (UINT64_C(1) << 7)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define NO_READ	      6

struct leaf {
	uint64_t iova;
	uint64_t entry[LEVELS + 1]; /* by level */
	unsigned int level;
};

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static bool read_leaf(const char *line, struct leaf *leaf)
{
	uint64_t page, *entry = leaf->entry;

	if (sscanf(line, "%" SCNx64 " | %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
		   &page, &entry[5], &entry[4], &entry[3], &entry[2], &entry[1]) != 6)
		return false;
	leaf->iova = page << 12;
	leaf->level = 1;
	while (leaf->level < 3 && entry[leaf->level] == 0)
		leaf->level++;
	return entry[leaf->level] != 0 &&
	       (leaf->level == 1 || (entry[leaf->level] & ENTRY_LARGE) != 0);
}

/* The root is the table of the highest level there is; each entry names the next table. */
static void fill(const struct leaf *leaf, uint64_t root, uint64_t iova, struct iommu_walk *walk)
{
	uint64_t table = root, offset = iova & ((UINT64_C(1) << shift_of(leaf->level)) - 1);
	unsigned int level = LEVELS;

	while (leaf->entry[level] == 0)
		level--;
	walk->prot = IOMMU_READ | IOMMU_WRITE;
	for (; level >= leaf->level; level--) {
		uint64_t entry = leaf->entry[level];
		uint16_t index = (iova >> shift_of(level)) & 511;
		unsigned int step = walk->step_count++;

		snprintf(walk->step[step].name, sizeof(walk->step[step].name), "level %u", level);
		walk->step[step].index = index;
		walk->step[step].entry_pa = table + index * sizeof(entry);
		walk->step[step].entry[0] = entry;
		walk->prot &= (uint32_t)entry;
		table = entry & ENTRY_ADDRESS;
	}
	walk->page_size = UINT64_C(1) << shift_of(leaf->level);
	walk->pa = (table & ~(walk->page_size - 1)) + offset;
}

/* "Device 0000:00:02.0 @0x1234000", newer: "Device 0000:00:02.0 with pasid 0 @0x1234000" */
static bool read_heading(const char *line, const char *address, bool *is_ours, uint64_t *root)
{
	char device[IOMMU_NAME_SIZE];
	const char *at = strchr(line, '@');

	if (sscanf(line, "Device %63s", device) != 1 || at == NULL)
		return false;
	*is_ours = strcmp(device, address) == 0 && sscanf(at + 1, "%" SCNx64, root) == 1;
	return true;
}

int type1_tables_read(FILE *dump, const char *address, uint64_t iova, struct iommu_walk *walk)
{
	char line[256];
	bool is_ours = false, is_seen = false;
	uint64_t root = 0;

	snprintf(walk->source, sizeof(walk->source), "debugfs");
	walk->reason = NO_READ;
	while (fgets(line, sizeof(line), dump) != NULL) {
		struct leaf leaf;

		if (read_heading(line, address, &is_ours, &root)) {
			is_seen |= is_ours;
			continue;
		}
		if (!is_ours || !read_leaf(line, &leaf) ||
		    iova >> shift_of(leaf.level) != leaf.iova >> shift_of(leaf.level))
			continue;
		walk->reason = 0;
		fill(&leaf, root, iova, walk);
		return 0;
	}
	return is_seen ? 0 : -ENOENT;
}

/* Since Linux 6.6 a file a device, before it one with all of them. */
static FILE *open_dump(const char *root, const char *address)
{
	char path[512];
	FILE *dump;

	snprintf(path, sizeof(path), "%s" DEBUGFS "/%s/domain_translation_struct", root, address);
	dump = fopen(path, "re");
	if (dump != NULL)
		return dump;
	snprintf(path, sizeof(path), "%s" DEBUGFS "/domain_translation_struct", root);
	return fopen(path, "re");
}

int type1_tables_walk(const char *root, const char *address, uint64_t iova, struct iommu_walk *walk)
{
	FILE *dump = open_dump(root, address);
	int ret;

	if (dump == NULL)
		return -ENOTSUP;
	ret = type1_tables_read(dump, address, iova, walk);
	fclose(dump);
	return ret == 0 ? 0 : -ENOTSUP;
}
