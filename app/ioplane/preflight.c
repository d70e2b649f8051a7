/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known to go wrong with a PCI device, asked before anything is touched. */
#include "preflight.h"

#include <errno.h>

#include "dma.h"
#include "hugemem.h"
#include "iommu.h"
#include "options.h"
#include "port_memory.h"
#include "preflight_checks.h"

/* Own rings and buffers, and the buffers and a pool of every other port that it forwards for. */
#define ENTRIES_OWN  2
#define ENTRIES_PEER 2

static uint64_t page_round(uint64_t bytes)
{
	return (bytes + HUGEMEM_2M - 1) & ~(uint64_t)(HUGEMEM_2M - 1);
}

static void fill_need(struct preflight_need *need)
{
	const struct options *options = options_get();
	bool is_apart = options->dma_policy.policy != DMA_STATIC;
	struct port_need port;

	port_memory_need(PORT_PCI, false, is_apart, &port);
	*need = (struct preflight_need){
		.ring_bytes = page_round(port.ring_bytes),
		.buffer_bytes = page_round(port.buffer_bytes),
		.entries = ENTRIES_OWN + (uint64_t)ENTRIES_PEER * port_count(),
		.window_count = 2,
		.window = {{DMA_PLAN_BASE, DMA_EAL_BASE}, {DMA_EAL_LIMIT, DMA_PLAN_LIMIT}},
		.pages = hugemem_pages,
	};
	if (is_apart)
		need->entries += (uint64_t)options->rxq * options->rxd +
				 (uint64_t)options->txq * options->txd;
	if ((uint64_t)options->arena_mb << 20 > need->ring_bytes + need->buffer_bytes)
		need->buffer_bytes = ((uint64_t)options->arena_mb << 20) - need->ring_bytes;
}

/* What we hold ourselves: the device, or another one of its group. */
static int check_ours(const struct preflight *out, struct base_error *err)
{
	if (iommu_device_find(out->device.address) != NULL)
		return base_error_set(err, -EEXIST,
				      "%s is a port already: see show port summary all",
				      out->device.address);
	for (unsigned int i = 0; i < out->group.device_count; i++) {
		const char *member = out->group.device[i].address;

		if (options_get()->shares_domain || iommu_device_find(member) == NULL)
			continue;
		return base_error_set(
			err, -EBUSY,
			"%s is in IOMMU group %d with %s, which is a port: a group has "
			"one domain; use --domain shared, or detach that port first",
			out->device.address, out->group.number, member);
	}
	return 0;
}

int preflight_check(const char *address, struct preflight *out, struct base_error *err)
{
	struct preflight_need need;
	const struct preflight_subject subject = {"", address, &need, out};
	int ret;

	fill_need(&need);
	ret = preflight_run(&subject, err);
	return ret != 0 ? ret : check_ours(out, err);
}
