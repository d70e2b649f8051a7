/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of what the port will ask for: addresses, table entries, locked memory, pages. */
#include "preflight_checks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"

#define MIB(bytes) (((bytes) + (1u << 20) - 1) >> 20)
#define HUGE_2M	   (UINT64_C(1) << 21)
#define HUGE_1G	   (UINT64_C(1) << 30)

/* VT-d specification, Capability Register: MGAW is bits 21:16, less one; SAGAW bits 12:8. */
static unsigned int vtd_width(uint64_t cap)
{
	unsigned int gaw = (unsigned int)(cap >> 16 & 0x3f) + 1, levels = 39;

	for (unsigned int bit = 1; bit <= 3; bit++)
		if (cap >> (8 + bit) & 1)
			levels = 30 + 9 * bit;
	return gaw < levels ? gaw : levels;
}

static uint64_t overlap(const struct preflight_window *window, uint64_t start, uint64_t last)
{
	uint64_t from = start > window->start ? start : window->start;
	uint64_t to = last < window->limit - 1 ? last : window->limit - 1;

	return from > to ? 0 : to - from + 1;
}

/* Bytes of the plan below 2^width that the group leaves. Regions that overlap count twice. */
static uint64_t plan_bytes(const struct preflight_subject *subject, unsigned int width)
{
	const struct host_group *group = &subject->out->group;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < subject->need->window_count; i++) {
		struct preflight_window window = subject->need->window[i];
		uint64_t taken = 0;

		if (width < 64 && window.limit > UINT64_C(1) << width)
			window.limit = UINT64_C(1) << width;
		if (window.limit <= window.start)
			continue;
		for (unsigned int r = 0; r < group->reserved_count; r++)
			if (strcmp(group->reserved[r].type, "direct-relaxable") != 0)
				taken += overlap(&window, group->reserved[r].start,
						 group->reserved[r].last);
		if (taken < window.limit - window.start)
			bytes += window.limit - window.start - taken;
	}
	return bytes;
}

/* Only VT-d tells its width in sysfs; the others tell it when the container is made. */
int preflight_check_width(const struct preflight_subject *subject, struct base_error *err)
{
	const struct preflight *out = subject->out;
	uint64_t bytes = subject->need->ring_bytes + subject->need->buffer_bytes, room;
	unsigned int width = 64;
	char path[PATH_MAX], text[64];

	if (out->way != PREFLIGHT_TYPE1)
		return 0;
	snprintf(path, sizeof(path), "/sys/class/iommu/%s/intel-iommu/cap", out->device.iommu);
	if (host_read_line(subject->root, path, text, sizeof(text)) == 0)
		width = vtd_width(strtoull(text, NULL, 16));
	room = plan_bytes(subject, width);
	if (bytes <= room)
		return 0;
	return base_error_set(
		err, -ENOSPC,
		"%s: its IOMMU takes addresses of %u bits, where the plan has %" PRIu64
		" MiB for it (show iommu groups tells what is reserved), and it needs "
		"%" PRIu64 " MiB; lower --total-num-mbufs, --rxd or --txd",
		out->device.address, width, room >> 20, MIB(bytes));
}

int preflight_check_entries(const struct preflight_subject *subject, struct base_error *err)
{
	static const char parameter[] = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
	uint64_t limit;

	if (subject->out->way != PREFLIGHT_TYPE1 ||
	    host_read_number(subject->root, parameter, &limit) != 0 ||
	    subject->need->entries <= limit)
		return 0;
	return base_error_set(err, -ENOSPC,
			      "%s needs %" PRIu64 " mappings and VFIO allows %" PRIu64
			      " a container: echo 65535 > %s",
			      subject->out->device.address, subject->need->entries, limit,
			      parameter);
}

/* "Max locked memory  8388608  8388608  bytes", where "unlimited" may stand for a number. */
static uint64_t memlock_limit(const char *root)
{
	uint64_t limit = UINT64_MAX;
	char path[PATH_MAX], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/limits", root);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "Max locked memory %" SCNu64, &limit);
	if (file != NULL)
		fclose(file);
	return limit;
}

static uint64_t locked_bytes(const char *root)
{
	uint64_t kib = 0;
	char path[PATH_MAX], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/status", root);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "VmLck: %" SCNu64 " kB", &kib);
	if (file != NULL)
		fclose(file);
	return kib << 10;
}

/* type1 counts each page that it pins, huge ones too, unless CAP_IPC_LOCK is there. */
int preflight_check_memlock(const struct preflight_subject *subject, struct base_error *err)
{
	uint64_t bytes = subject->need->ring_bytes + subject->need->buffer_bytes;
	uint64_t limit = memlock_limit(subject->root), used = locked_bytes(subject->root);

	if (subject->out->way != PREFLIGHT_TYPE1 || limit == UINT64_MAX ||
	    preflight_capabilities(subject->root) >> CAP_IPC_LOCK & 1 ||
	    (used <= limit && bytes <= limit - used))
		return 0;
	return base_error_set(err, -ENOMEM,
			      "%s will lock %" PRIu64 " MiB of memory; %" PRIu64 " of the %" PRIu64
			      " MiB that this user may lock are locked: ulimit -l unlimited "
			      "(memlock in /etc/security/limits.conf), or run as root",
			      subject->out->device.address, MIB(bytes), used >> 20, limit >> 20);
}

static uint64_t free_bytes(const struct preflight_subject *subject, uint64_t page_size)
{
	uint64_t free_pages, total_pages;

	if (subject->need->pages(page_size, subject->out->device.node, &free_pages, &total_pages) !=
	    0)
		return 0;
	return free_pages * page_size;
}

/*
 * Pages of 4 KiB are the way back that hugemem tells of, but not without an IOMMU: the kernel
 * moves them.
 */
int preflight_check_pages(const struct preflight_subject *subject, struct base_error *err)
{
	const struct host_pci_device *device = &subject->out->device;
	uint64_t bytes = subject->need->ring_bytes + subject->need->buffer_bytes;
	uint64_t huge = free_bytes(subject, HUGE_2M) + free_bytes(subject, HUGE_1G);
	char where[32] = "", option[32] = "";

	if (device->node >= 0) {
		snprintf(where, sizeof(where), " on node %d", device->node);
		snprintf(option, sizeof(option), "--node %d ", device->node);
	}
	if (subject->out->way == PREFLIGHT_TYPE1)
		huge += free_bytes(subject, 4096);
	if (bytes <= huge)
		return 0;
	if (subject->out->way == PREFLIGHT_DIRECT)
		return base_error_set(err, -ENOMEM,
				      "%s has no IOMMU, so its %" PRIu64
				      " MiB must be hugepages%s, where %" PRIu64
				      " MiB are free: config/host/reserve %s--mib %" PRIu64,
				      device->address, MIB(bytes), where, huge >> 20, option,
				      MIB(bytes));
	return base_error_set(err, -ENOMEM,
			      "%s needs %" PRIu64 " MiB of memory%s, where %" PRIu64
			      " MiB are free: lower --total-num-mbufs, --rxd or --txd",
			      device->address, MIB(bytes), where, huge >> 20);
}
