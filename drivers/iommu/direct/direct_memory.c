/* SPDX-License-Identifier: BSD-3-Clause */
/* Adds and removes memory under bursts that read the table: copy, replace, wait, free. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "direct_memory.h"

static struct direct_table *table_create(unsigned int count)
{
	struct direct_table *table =
		malloc(sizeof(*table) + (size_t)count * sizeof(table->range[0]));

	if (table != NULL)
		table->count = count;
	return table;
}

int direct_memory_init(struct direct_memory *memory, const struct iommu_unit *unit)
{
	memory->table = table_create(0);
	memory->unit = unit;
	pthread_mutex_init(&memory->lock, NULL);
	return memory->table == NULL ? -ENOMEM : 0;
}

void direct_memory_fini(struct direct_memory *memory)
{
	pthread_mutex_destroy(&memory->lock);
	free(memory->table);
}

/* Returns the old table: it can be freed once no burst can hold it. */
static struct direct_table *replace(struct direct_memory *memory, struct direct_table *table)
{
	struct direct_table *old = memory->table;

	__atomic_store_n(&memory->table, table, __ATOMIC_RELEASE);
	return old;
}

static void retire(struct direct_memory *memory, struct direct_table *old)
{
	iommu_wait_for_bursts(memory->unit);
	free(old);
}

/* The place of a new range, or -EEXIST. */
static int find_place(const struct direct_table *table, uint64_t pa, uint64_t last,
		      unsigned int *place)
{
	unsigned int i = 0;

	while (i < table->count && table->range[i].last < pa)
		i++;
	*place = i;
	return i < table->count && table->range[i].pa <= last ? -EEXIST : 0;
}

int direct_memory_add(struct direct_memory *memory, uint64_t pa, void *vaddr, size_t size)
{
	struct direct_table *table, *old;
	unsigned int place;
	int ret;

	pthread_mutex_lock(&memory->lock);
	old = memory->table;
	ret = find_place(old, pa, pa + size - 1, &place);
	if (ret != 0)
		goto unlock;
	table = table_create(old->count + 1);
	if (table == NULL) {
		ret = -ENOMEM;
		goto unlock;
	}
	memcpy(table->range, old->range, place * sizeof(old->range[0]));
	table->range[place].pa = pa;
	table->range[place].last = pa + size - 1;
	table->range[place].vaddr = vaddr;
	memcpy(&table->range[place + 1], &old->range[place],
	       (old->count - place) * sizeof(old->range[0]));
	replace(memory, table);
unlock:
	pthread_mutex_unlock(&memory->lock);
	if (ret == 0)
		retire(memory, old);
	return ret;
}

int direct_memory_remove(struct direct_memory *memory, uint64_t pa, size_t size)
{
	const struct direct_range *range;
	struct direct_table *table, *old;
	unsigned int place;
	int ret = 0;

	pthread_mutex_lock(&memory->lock);
	old = memory->table;
	range = direct_table_find(old, pa);
	if (range == NULL || range->pa != pa || range->last - range->pa != size - 1) {
		ret = -ENOENT;
		goto unlock;
	}
	table = table_create(old->count - 1);
	if (table == NULL) {
		ret = -ENOMEM;
		goto unlock;
	}
	place = (unsigned int)(range - old->range);
	memcpy(table->range, old->range, place * sizeof(old->range[0]));
	memcpy(&table->range[place], &old->range[place + 1],
	       (table->count - place) * sizeof(old->range[0]));
	replace(memory, table);
unlock:
	pthread_mutex_unlock(&memory->lock);
	if (ret == 0)
		retire(memory, old);
	return ret;
}
