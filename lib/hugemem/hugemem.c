/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps regions of the largest pages to be had, bound to a NUMA node, and touches them. */
#include <errno.h>
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hugemem.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* <linux/mman.h>, 5.14 */
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static const size_t page_sizes[] = {HUGEMEM_1G, HUGEMEM_2M, HUGEMEM_4K};

#define PAGE_SIZES (sizeof(page_sizes) / sizeof(page_sizes[0]))

static void describe_node(int node, char *text, size_t text_size)
{
	if (node < 0)
		snprintf(text, text_size, "the machine");
	else
		snprintf(text, text_size, "node %d", node);
}

/* The reason and next step when `need` pages could not be had. */
static int explain_shortage(size_t page_size, uint64_t need, int node, const char *call, int code,
			    struct base_error *why)
{
	const char *name = hugemem_page_size_name(page_size);
	uint64_t free_pages, total;
	char where[32], folder[64] = "/sys/kernel/mm/hugepages";

	describe_node(node, where, sizeof(where));
	if (hugemem_pages(page_size, node, &free_pages, &total) != 0)
		return base_error_set(why, -ENOMEM,
				      "%s has no %s pages; boot with hugepagesz=%zuM hugepages=N",
				      where, name, page_size >> 20);
	if (page_size == HUGEMEM_4K && free_pages < need)
		return base_error_set(why, -ENOMEM,
				      "%s has %" PRIu64 " MiB available, %" PRIu64
				      " MiB are needed; ask for less, or end other programs",
				      where, free_pages >> 8, need >> 8);
	if (free_pages >= need)
		return base_error_set(why, code, "%s of %" PRIu64 " %s pages on %s: %s%s", call,
				      need, name, where, strerror(-code),
				      code == -EINVAL ? " (Linux 5.14 is needed)" : "");
	if (node >= 0)
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%d/hugepages", node);
	return base_error_set(why, -ENOMEM,
			      "%s has %" PRIu64 " free %s pages of the %" PRIu64
			      " needed; write %" PRIu64 " into %s/hugepages-%zukB/nr_hugepages%s",
			      where, free_pages, name, need, total + need - free_pages, folder,
			      page_size >> 10,
			      page_size == HUGEMEM_2M ? ", or run config/quickstart" : "");
}

/* libnuma's own calls print on failure and return nothing: the system call behind them. */
static int bind_to_node(void *vaddr, size_t size, int node)
{
	struct bitmask *nodes;
	int ret = 0;

	if (node < 0)
		return 0;
	nodes = numa_allocate_nodemask();
	numa_bitmask_setbit(nodes, (unsigned int)node);
	if (mbind(vaddr, size, MPOL_BIND, nodes->maskp, nodes->size + 1, 0) != 0)
		ret = -errno;
	numa_free_nodemask(nodes);
	return ret;
}

/*
 * Asking is the check: mmap() reserves huge pages but of any node, and touching one that the
 * node lacks would be SIGBUS, which MADV_POPULATE_WRITE returns instead (madvise(2)).
 */
static int map_pages(size_t size, size_t page_size, int node, void **out, struct base_error *why)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, ret;
	uint64_t free_pages, total, need = size / page_size;
	const char *call = "mmap";
	void *vaddr;

	if (page_size != HUGEMEM_4K)
		flags |= MAP_HUGETLB | __builtin_ctzl(page_size) << MAP_HUGE_SHIFT;
	else if (hugemem_pages(page_size, node, &free_pages, &total) == 0 && free_pages < need)
		/* Small pages are never refused: the kernel would end a process instead. */
		return explain_shortage(page_size, need, node, call, -ENOMEM, why);

	vaddr = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (vaddr == MAP_FAILED)
		return explain_shortage(page_size, need, node, call, -errno, why);
	call = "mbind";
	ret = bind_to_node(vaddr, size, node);
	if (ret != 0)
		goto unmap;
	/* 4 KiB means 4 KiB; a kernel without transparent huge pages refuses, and has none. */
	if (page_size == HUGEMEM_4K)
		(void)madvise(vaddr, size, MADV_NOHUGEPAGE);
	call = "madvise(MADV_DONTFORK)";
	if (madvise(vaddr, size, MADV_DONTFORK) != 0) {
		ret = -errno;
		goto unmap;
	}
	call = "madvise(MADV_POPULATE_WRITE)";
	if (madvise(vaddr, size, MADV_POPULATE_WRITE) != 0) {
		ret = errno == EFAULT ? -ENOMEM : -errno;
		goto unmap;
	}
	*out = vaddr;
	return 0;

unmap:
	munmap(vaddr, size);
	return explain_shortage(page_size, need, node, call, ret, why);
}

static int check_request(const struct hugemem_request *request, struct base_error *err)
{
	if (request->size == 0 || request->size > SIZE_MAX / 2)
		return base_error_set(err, -EINVAL, "a region of %zu bytes cannot be mapped",
				      request->size);
	if (request->page_size != 0 && hugemem_page_size_name(request->page_size) == NULL)
		return base_error_set(err, -EINVAL,
				      "pages of %zu bytes do not exist; use 4 KiB, 2 MiB or 1 GiB",
				      request->page_size);
	if (request->needs_huge && request->page_size == HUGEMEM_4K)
		return base_error_set(err, -EINVAL,
				      "4 KiB pages may move in physical memory; use pages of 2 MiB "
				      "or 1 GiB");
	if (numa_available() >= 0 && request->node >= 0 &&
	    (request->node > numa_max_node() ||
	     !numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)request->node)))
		return base_error_set(err, -EINVAL,
				      "NUMA node %d has no memory here; nodes go up to %d",
				      request->node, numa_max_node());
	return 0;
}

/* Tries each page size downwards; region->step_back gathers the reasons. */
static int map_region(const struct hugemem_request *request, struct hugemem_region *region,
		      struct base_error *err)
{
	size_t largest = request->page_size;
	size_t smallest = request->needs_huge ? HUGEMEM_2M : HUGEMEM_4K;
	int ret = -ENOMEM;

	for (unsigned int i = 0; i < PAGE_SIZES; i++) {
		size_t page_size = page_sizes[i], used = strlen(region->step_back);
		struct base_error why = {0};

		if (page_size < smallest)
			break;
		if (page_size > (largest != 0 ? largest : request->size) && page_size != smallest)
			continue;
		region->page_size = page_size;
		region->size = (request->size + page_size - 1) & ~(page_size - 1);
		ret = map_pages(region->size, page_size, region->node, &region->vaddr, &why);
		if (ret == 0)
			return 0;
		snprintf(region->step_back + used, sizeof(region->step_back) - used, "%s%s",
			 used != 0 ? "; " : "", why.text);
		if (request->is_exact)
			break;
	}
	return base_error_set(err, ret, "region of %zu MiB: %s", (request->size + 0xfffff) >> 20,
			      region->step_back);
}

int hugemem_create(const struct hugemem_request *request, struct hugemem_region **out,
		   struct base_error *err)
{
	struct hugemem_region *region;
	int ret = check_request(request, err);

	if (ret != 0)
		return ret;
	region = calloc(1, sizeof(*region));
	if (region == NULL)
		return base_error_set(err, -ENOMEM, "no memory for a region's description");
	region->node = numa_available() >= 0 ? request->node : -1;
	ret = map_region(request, region, err);
	if (ret != 0) {
		free(region);
		return ret;
	}
	*out = region;
	return 0;
}

void hugemem_destroy(struct hugemem_region *region)
{
	if (region == NULL)
		return;
	munmap(region->vaddr, region->size);
	free(region);
}
