/* SPDX-License-Identifier: BSD-3-Clause */
/* What a walk does for reports only: notes its steps. */
#include <assert.h>
#include <stdio.h>

#include "vtd_walk.h"

static_assert(VTD_PTE_R == IOMMU_READ && VTD_PTE_W == IOMMU_WRITE, "rights are used as they are");

void vtd_walker_trace(struct vtd_walker *walker, unsigned int index)
{
	struct iommu_walk *trace = walker->trace;

	snprintf(trace->step[trace->step_count].name, sizeof(trace->step[0].name), "level %u",
		 walker->level);
	trace->step[trace->step_count].index = (uint16_t)index;
	trace->step[trace->step_count].entry_pa = walker->table_pa + index * sizeof(uint64_t);
	trace->step[trace->step_count].entry[0] = walker->entry;
	trace->step[trace->step_count].entry[1] = 0;
	trace->step_count++;
}
