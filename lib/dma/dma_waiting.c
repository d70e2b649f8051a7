/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the unmaps that wait: taken once, so that an unmap allocates nothing. */
#include "dma_waiting.h"

#include <errno.h>
#include <stdlib.h>

int dma_waiting_init(struct dma_waiting *waiting, uint32_t capacity, bool has_index)
{
	uint32_t bits = 1;

	*waiting = (struct dma_waiting){.capacity = capacity};
	waiting->entry = calloc(capacity, sizeof(*waiting->entry));
	if (waiting->entry == NULL)
		return -ENOMEM;
	if (!has_index)
		return 0;
	while (UINT32_C(1) << bits < 2 * capacity)
		bits++;
	waiting->shift = 64 - bits;
	waiting->bucket = calloc(UINT32_C(1) << bits, sizeof(*waiting->bucket));
	return waiting->bucket == NULL ? -ENOMEM : 0;
}

void dma_waiting_fini(struct dma_waiting *waiting)
{
	free(waiting->bucket);
	free(waiting->entry);
}
