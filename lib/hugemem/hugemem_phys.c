/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads physical addresses from /proc/self/pagemap, and where memory ends from /proc/iomem. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hugemem.h"

/* Linux admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FRAME	((UINT64_C(1) << 55) - 1)

static int read_pagemap(uint64_t page, uint64_t *entry)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t got;

	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	got = pread(fd, entry, sizeof(*entry), (off_t)(page * sizeof(*entry)));
	if (got < 0)
		ret = -errno;
	else if (got != sizeof(*entry))
		ret = -ENOENT; /* past the end of the address space */
	close(fd);
	return ret;
}

int hugemem_virt_to_phys(const void *vaddr, uint64_t *pa)
{
	uint64_t base_page = (uint64_t)sysconf(_SC_PAGESIZE), addr = (uintptr_t)vaddr, entry;
	int ret = read_pagemap(addr / base_page, &entry);

	if (ret != 0)
		return ret;
	if ((entry & PAGEMAP_PRESENT) == 0)
		return -ENOENT;
	/* Without CAP_SYS_ADMIN the kernel reports each frame as 0, which no program owns. */
	if ((entry & PAGEMAP_FRAME) == 0)
		return -EPERM;
	*pa = (entry & PAGEMAP_FRAME) * base_page + addr % base_page;
	return 0;
}

/* "100000000-27fffffff : System RAM"; addresses are 0 without CAP_SYS_ADMIN. */
int hugemem_physical_end(uint64_t *end)
{
	FILE *file = fopen("/proc/iomem", "re");
	uint64_t first, last, highest = 0;
	bool is_listed = false;
	char line[128];

	if (file == NULL)
		return -errno;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strstr(line, ": System RAM") == NULL ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &first, &last) != 2)
			continue;
		is_listed = true;
		if (last > highest)
			highest = last;
	}
	fclose(file);
	if (highest == 0)
		return is_listed ? -EPERM : -ENOENT;
	*end = highest + 1;
	return 0;
}
