/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes what type1 reads of the kernel: the limits of a container, and tables in debugfs. */
#include <stdio.h>

#include "fuzz_input.h"
#include "type1_info.h"
#include "type1_tables.h"

#define DEVICE "0000:00:02.0"
#define IOVA   UINT64_C(0x40000000)

/* Holes ascend, do not touch, and lie below the width. */
static void check_limits(const struct iommu_limits *limits)
{
	uint64_t next = 0;

	fuzz_require(limits->addr_bits >= 1 && limits->addr_bits <= 64, "there is a width");
	fuzz_require(limits->hole_count <= IOMMU_HOLES_MAX, "holes have room");
	for (unsigned int i = 0; i < limits->hole_count; i++) {
		uint64_t last = limits->hole[i].iova + (limits->hole[i].size - 1);

		fuzz_require(limits->hole[i].size != 0, "a hole has a size");
		fuzz_require(i == 0 || limits->hole[i].iova > next, "holes ascend");
		fuzz_require(last >= limits->hole[i].iova, "a hole does not wrap");
		fuzz_require(limits->addr_bits == 64 || last >> limits->addr_bits == 0,
			     "holes are below the width");
		next = last;
	}
}

static void check_walk(const struct iommu_walk *walk)
{
	fuzz_require(walk->step_count <= 5, "tables have at most 5 levels");
	if (walk->reason != 0)
		fuzz_require(walk->step_count == 0, "a fault has no steps");
	else
		fuzz_require(walk->step_count >= 1 && walk->page_size >= IOMMU_PAGE_SIZE &&
				     walk->page_size <= UINT64_C(1) << 30,
			     "a leaf has a size");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iommu_limits limits;
	struct iommu_walk walk = {0};
	FILE *dump;

	if (type1_info_parse(data, size, &limits) == 0)
		check_limits(&limits);
	if (size == 0)
		return 0;
	dump = fmemopen((void *)(uintptr_t)data, size, "rb");
	fuzz_require(dump != NULL, "a stream can be opened");
	if (type1_tables_read(dump, DEVICE, IOVA, &walk) == 0)
		check_walk(&walk);
	fclose(dump);
	return 0;
}
