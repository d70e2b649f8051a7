/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts free pages of each size, from sysfs and meminfo. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hugemem.h"

const char *hugemem_page_size_name(size_t page_size)
{
	switch (page_size) {
	case HUGEMEM_4K:
		return "4 KiB";
	case HUGEMEM_2M:
		return "2 MiB";
	case HUGEMEM_1G:
		return "1 GiB";
	default:
		return NULL;
	}
}

/* Linux admin-guide/mm/hugetlbpage.rst; reserved pages are counted for all nodes together. */
static int read_counter(size_t page_size, int node, const char *name, uint64_t *value)
{
	char path[128], folder[64] = "/sys/kernel/mm/hugepages";
	int found;
	FILE *file;

	if (node >= 0)
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%d/hugepages", node);
	snprintf(path, sizeof(path), "%s/hugepages-%zukB/%s", folder, page_size / 1024, name);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	found = fscanf(file, "%" SCNu64, value);
	fclose(file);
	return found == 1 ? 0 : -EIO;
}

/* Sums the lines of a meminfo file whose key is in the list; "Node 0 MemFree:  12 kB" too. */
static int read_meminfo(int node, const char *const *keys, uint64_t *pages)
{
	char path[64] = "/proc/meminfo", line[128], key[64];
	uint64_t kib, sum = 0;
	FILE *file;

	if (node >= 0)
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *text = line;
		int skip = 0;

		if (sscanf(line, "Node %*d %n", &skip) == 0 && skip > 0)
			text += skip;
		if (sscanf(text, "%63[^:]: %" SCNu64, key, &kib) != 2)
			continue;
		for (unsigned int i = 0; keys[i] != NULL; i++)
			sum += strcmp(key, keys[i]) == 0 ? kib : 0;
	}
	fclose(file);
	*pages = sum / (HUGEMEM_4K / 1024);
	return 0;
}

static int count_small(int node, uint64_t *free_pages, uint64_t *total_pages)
{
	/* A node's meminfo has no MemAvailable: what is free or can be dropped. */
	static const char *const of_node[] = {"MemFree", "Active(file)", "Inactive(file)",
					      "SReclaimable", NULL};
	static const char *const of_all[] = {"MemAvailable", NULL};
	static const char *const total[] = {"MemTotal", NULL};
	int ret = read_meminfo(node, node >= 0 ? of_node : of_all, free_pages);

	return ret != 0 ? ret : read_meminfo(node, total, total_pages);
}

int hugemem_pages(size_t page_size, int node, uint64_t *free_pages, uint64_t *total_pages)
{
	uint64_t reserved, all_free;
	int ret;

	if (page_size == HUGEMEM_4K)
		return count_small(node, free_pages, total_pages);
	if ((ret = read_counter(page_size, node, "free_hugepages", free_pages)) != 0 ||
	    (ret = read_counter(page_size, node, "nr_hugepages", total_pages)) != 0 ||
	    (ret = read_counter(page_size, -1, "free_hugepages", &all_free)) != 0 ||
	    (ret = read_counter(page_size, -1, "resv_hugepages", &reserved)) != 0)
		return ret;
	all_free = all_free > reserved ? all_free - reserved : 0;
	if (*free_pages > all_free)
		*free_pages = all_free;
	return 0;
}
