/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes second-stage tables; translators walk them meanwhile, so each entry is one store. */
#include <errno.h>
#include <string.h>

#include "iommu_ops.h"
#include "vtd_tables.h"

#define SPARE_MAX 16 /* pages kept for the next maps */

static inline void store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

/* Our table pages are at their own address (vtd_pages_get()). */
static inline uint64_t *table_of(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & VTD_PTE_ADDRESS);
}

static inline uint64_t level_size(unsigned int level)
{
	return UINT64_C(1) << vtd_level_shift(level);
}

static void count_leaves(struct vtd_tables *tables, unsigned int level, int64_t count)
{
	struct iommu_domain_usage *usage = tables->usage;
	uint64_t *leaves = level == 1	? &usage->leaves_4k
			   : level == 2 ? &usage->leaves_2m
					: &usage->leaves_1g;

	*leaves += (uint64_t)count;
}

int vtd_tables_init(struct vtd_tables *tables, struct vtd_pages *pages, uint8_t levels,
		    struct iommu_domain_usage *usage)
{
	void *page;

	memset(tables, 0, sizeof(*tables));
	if (vtd_pages_get(pages, 1, &page) != 0)
		return -ENOMEM;
	tables->top = page;
	tables->levels = levels;
	tables->pages = pages;
	tables->usage = usage;
	return 0;
}

void vtd_tables_fini(struct vtd_tables *tables)
{
	vtd_pages_put(tables->pages, tables->spare);
	vtd_pages_put(tables->pages, tables->top);
}

/* --- map ------------------------------------------------------------------------------------ */

static unsigned int largest_level(uint64_t page_size)
{
	if (page_size >= level_size(3))
		return 3;
	return page_size >= level_size(2) ? 2 : 1;
}

/* The largest leaf for the next address: both aligned to it, and that much left. */
static unsigned int leaf_level(uint64_t iova, uint64_t pa, uint64_t size, unsigned int largest)
{
	unsigned int level = largest;

	while (level > 1 &&
	       (((iova | pa) & (level_size(level) - 1)) != 0 || size < level_size(level)))
		level--;
	return level;
}

/* Tables that a map can need at most: those of small leaves stand only at its two ends. */
static uint32_t pages_needed(const struct vtd_tables *tables, uint64_t iova, uint64_t pa,
			     uint64_t size, unsigned int largest)
{
	uint64_t needed = 0, last = iova + (size - 1);

	while (largest > 1 && ((iova ^ pa) & (level_size(largest) - 1)) != 0)
		largest--;
	for (unsigned int level = 1; level < tables->levels; level++) {
		unsigned int shift = vtd_level_shift(level + 1);
		uint64_t count = (last >> shift) - (iova >> shift) + 1;

		needed += level < largest && count > 2 ? 2 : count;
	}
	return (uint32_t)needed;
}

static int reserve(struct vtd_tables *tables, uint32_t needed)
{
	void *chain, *page;
	int ret;

	if (tables->spare_count >= needed)
		return 0;
	needed -= tables->spare_count;
	ret = vtd_pages_get(tables->pages, needed, &chain);
	if (ret != 0)
		return ret;
	for (page = chain; vtd_page_info(page)->next != NULL;)
		page = vtd_page_info(page)->next;
	vtd_page_info(page)->next = tables->spare;
	tables->spare = chain;
	tables->spare_count += needed;
	return 0;
}

/* A large map may have asked for more than it needed, where most tables were there already. */
static void trim(struct vtd_tables *tables)
{
	if (tables->spare_count <= SPARE_MAX)
		return;
	vtd_pages_put(tables->pages, tables->spare);
	tables->spare = NULL;
	tables->spare_count = 0;
}

static void link_table(struct vtd_tables *tables, uint64_t *parent, uint64_t *entry)
{
	uint64_t *page = tables->spare;

	tables->spare = vtd_page_info(page)->next;
	tables->spare_count--;
	vtd_page_info(page)->next = NULL;
	vtd_page_info(parent)->used++;
	/* A walk that finds the table must find it zeroed. */
	__atomic_store_n(entry, (uintptr_t)page | VTD_PTE_RW, __ATOMIC_RELEASE);
}

static uint64_t *table_for(struct vtd_tables *tables, uint64_t iova, unsigned int leaf,
			   bool *writes_above)
{
	uint64_t *table = tables->top;

	for (unsigned int level = tables->levels; level > leaf; level--) {
		uint64_t *entry = &table[vtd_level_index(iova, level)];

		if (*entry == 0) {
			link_table(tables, table, entry);
			*writes_above = true;
		}
		table = table_of(*entry);
	}
	if (leaf == 1) {
		tables->cursor = table;
		tables->cursor_region = iova >> vtd_level_shift(2);
	}
	return table;
}

static inline bool is_at_cursor(const struct vtd_tables *tables, uint64_t iova)
{
	return tables->cursor != NULL && tables->cursor_region == iova >> vtd_level_shift(2);
}

/* Leaves of one size up to the end of their table or of the mapping; returns their number. */
static uint64_t map_run(uint64_t *table, uint64_t iova, uint64_t entry, uint64_t size,
			unsigned int level)
{
	uint64_t first = vtd_level_index(iova, level), count = size >> vtd_level_shift(level);

	if (count > VTD_TABLE_SIZE - first)
		count = VTD_TABLE_SIZE - first;
	for (uint64_t i = 0; i < count; i++) {
		store(&table[first + i], entry);
		entry += level_size(level);
	}
	vtd_page_info(table)->used += (uint32_t)count;
	return count;
}

int vtd_tables_map(struct vtd_tables *tables, const struct iommu_mapping *mapping, uint64_t pa,
		   bool *is_stale)
{
	uint64_t iova = mapping->iova, size = mapping->size;
	uint64_t rights = ((mapping->prot & IOMMU_READ) != 0 ? VTD_PTE_R : 0) |
			  ((mapping->prot & IOMMU_WRITE) != 0 ? VTD_PTE_W : 0);
	unsigned int largest = largest_level(mapping->page_size);
	bool writes_above = false;
	int ret = 0;

	if (size != VTD_PAGE_SIZE || !is_at_cursor(tables, iova))
		ret = reserve(tables, pages_needed(tables, iova, pa, size, largest));
	if (ret != 0)
		return ret;
	while (size != 0) {
		unsigned int level = leaf_level(iova, pa, size, largest);
		uint64_t *table = level == 1 && is_at_cursor(tables, iova)
					  ? tables->cursor
					  : table_for(tables, iova, level, &writes_above);
		uint64_t entry = pa | rights | (level > 1 ? VTD_PTE_PS : 0);
		uint64_t count = map_run(table, iova, entry, size, level);
		uint64_t bytes = count << vtd_level_shift(level);

		writes_above |= level > 1;
		count_leaves(tables, level, (int64_t)count);
		iova += bytes;
		pa += bytes;
		size -= bytes;
	}
	trim(tables);
	/* Tables that wait for a sync stood under entries above level 1 only. */
	*is_stale = writes_above && tables->unsynced != 0;
	return 0;
}

/* --- unmap ---------------------------------------------------------------------------------- */

static uint64_t *find_leaf(struct vtd_tables *tables, uint64_t iova, unsigned int *level)
{
	uint64_t *table = tables->top;

	for (*level = tables->levels; *level > 1; (*level)--) {
		uint64_t entry = table[vtd_level_index(iova, *level)];

		if (entry == 0 || (entry & VTD_PTE_PS) != 0)
			return table;
		table = table_of(entry);
	}
	tables->cursor = table;
	tables->cursor_region = iova >> vtd_level_shift(2);
	return table;
}

/* Takes out the tables above iova that hold nothing any more, lowest first. */
static void release_empty(struct vtd_tables *tables, uint64_t iova, unsigned int level,
			  struct iommu_gather *gather)
{
	uint64_t *path[VTD_LEVELS_MAX + 1];

	path[tables->levels] = tables->top;
	for (unsigned int i = tables->levels; i > level; i--)
		path[i - 1] = table_of(path[i][vtd_level_index(iova, i)]);
	for (; level < tables->levels && vtd_page_info(path[level])->used == 0; level++) {
		uint64_t *parent = path[level + 1];

		store(&parent[vtd_level_index(iova, level + 1)], 0);
		vtd_page_info(parent)->used--;
		vtd_page_info(path[level])->next = gather->freelist;
		gather->freelist = path[level];
		tables->unsynced++;
		if (level == 1)
			tables->cursor = NULL;
	}
}

static uint64_t clear_run(uint64_t *table, unsigned int first, uint64_t count, unsigned int level)
{
	uint64_t cleared = 0;

	if (count > VTD_TABLE_SIZE - first)
		count = VTD_TABLE_SIZE - first;
	/* Beside large leaves stand tables; in level 1 there are leaves only. */
	for (; cleared < count; cleared++) {
		if (level > 1 && (table[first + cleared] & VTD_PTE_PS) == 0)
			break;
		store(&table[first + cleared], 0);
	}
	return cleared;
}

void vtd_tables_unmap(struct vtd_tables *tables, uint64_t iova, uint64_t size,
		      struct iommu_gather *gather)
{
	uint64_t start = iova, pages = 0, left = size;

	while (left != 0) {
		unsigned int level = 1;
		uint64_t *table = is_at_cursor(tables, iova) ? tables->cursor
							     : find_leaf(tables, iova, &level);
		uint64_t count = clear_run(table, vtd_level_index(iova, level),
					   left >> vtd_level_shift(level), level);
		uint64_t bytes = count << vtd_level_shift(level);

		/* The generic layer names whole mappings: a hole would be its broken promise. */
		if (count == 0)
			break;
		vtd_page_info(table)->used -= (uint32_t)count;
		count_leaves(tables, level, -(int64_t)count);
		if (vtd_page_info(table)->used == 0)
			release_empty(tables, iova, level, gather);
		pages += count;
		iova += bytes;
		left -= bytes;
	}
	iommu_gather_add(gather, start, start + (size - 1), pages);
}

void vtd_tables_free(struct vtd_tables *tables, void *freelist)
{
	for (void *page = freelist; page != NULL; page = vtd_page_info(page)->next)
		tables->unsynced--;
	vtd_pages_put(tables->pages, freelist);
}
