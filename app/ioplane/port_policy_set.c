/* SPDX-License-Identifier: BSD-3-Clause */
/* Which policy a port has from its next start on, and what does not go with it. */
#include "port_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "forward.h"
#include "options.h"
#include "port_memory.h"

/* A pool's element size has 16 bits in DPDK. */
#define SIZE_MAX_APART (UINT16_MAX + 1 - PORT_POLICY_PAGE)

int port_policy_check_options(const struct dma_policy_config *config, struct base_error *err)
{
	const struct options *options = options_get();
	const char *name = dma_policy_name(config->policy);

	if (config->policy == DMA_STATIC)
		return 0;
	if (options->is_inline)
		return base_error_set(err, -EINVAL,
				      "the %s policy maps data pages at hand-over, and with "
				      "--mbuf-layout inline the mbufs' headers would be in them: "
				      "give --mbuf-layout split",
				      name);
	if (options->mbuf_size > SIZE_MAX_APART)
		return base_error_set(err, -EINVAL,
				      "the %s policy gives each buffer pages of its own, of %u "
				      "bytes at most: lower --mbuf-size %u",
				      name, SIZE_MAX_APART, options->mbuf_size);
	return 0;
}

static bool is_protected(const struct port *port)
{
	return iommu_unit_limits(iommu_domain_unit(iommu_device_domain(port->device)))
		->is_protected;
}

void port_policy_choose(struct port *port)
{
	port->dma_policy = options_get()->dma_policy;
	if (!port_policy_is_wanted(port) || port->device == NULL || is_protected(port))
		return;
	fprintf(stderr,
		"%s: no IOMMU stands before it, so it keeps the static policy: unmapping would "
		"take nothing from it\n",
		port->name);
	port->dma_policy = (struct dma_policy_config){.policy = DMA_STATIC};
}

bool port_policy_is_same(const struct dma_policy_config *a, const struct dma_policy_config *b)
{
	char text_a[DMA_POLICY_TEXT_SIZE], text_b[DMA_POLICY_TEXT_SIZE];

	return strcmp(dma_policy_print(a, text_a), dma_policy_print(b, text_b)) == 0;
}

int port_policy_set(struct port *port, const char *text, struct base_error *err)
{
	struct dma_policy_config config;
	struct base_error why = {0};
	int ret = dma_policy_parse(text, &config, &why);

	if (ret != 0)
		return base_error_set(err, ret, "set dma policy %s", why.text);
	ret = port_policy_check_options(&config, err);
	if (ret != 0)
		return ret;
	if (port->device == NULL)
		return base_error_set(err, -ENOTSUP,
				      "port %u has no IOMMU domain, so nothing is mapped for it",
				      port->id);
	if (config.policy != DMA_STATIC && !is_protected(port))
		return base_error_set(err, -ENOTSUP,
				      "port %u (%s): no IOMMU stands before it, so unmapping "
				      "would take nothing from it: only static",
				      port->id, port->name);
	if (port_policy_is_same(&config, &port->dma_policy))
		return 0;
	if (port->state != PORT_STOPPED)
		return base_error_set(err, -EBUSY,
				      "port %u is not stopped: port stop %u, then set dma policy, "
				      "then port start %u",
				      port->id, port->id, port->id);
	if (port->eal_memory == PORT_EAL_MEMORY_HEAP &&
	    (config.policy == DMA_STATIC) != (port->dma_policy.policy == DMA_STATIC))
		return base_error_set(err, -ENOTSUP,
				      "port %u (%s): its driver holds the memory that it has from "
				      "its probe on: give --dma-policy %s at the start",
				      port->id, port->name, text);
	port->dma_policy = config;
	port->needs_configure = true;
	return 0;
}
