/* SPDX-License-Identifier: BSD-3-Clause */
/* The rights that each domain has on each port's buffers: what the streams need and no more. */
#include "forward.h"

#include <string.h>

#include "dma.h"
#include "iommu.h"
#include "port_policy.h"

static struct iommu_domain *domain_of(const struct port *port)
{
	return port->device == NULL ? NULL : iommu_device_domain(port->device);
}

/* Rights of a domain on the buffers of `owner`: its devices receive into them, or send them. */
static uint32_t rights_needed(const struct port *owner, const struct iommu_domain *domain)
{
	uint32_t rights = domain_of(owner) == domain ? IOMMU_WRITE : 0;

	/* strict and deferred map each buffer when it is handed over */
	if (port_policy_pool_is(owner->mempool))
		return 0;
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		if (s->rx_port == owner && s->tx_port != NULL && domain_of(s->tx_port) == domain)
			rights |= IOMMU_READ;
	return rights;
}

/* The domains of all ports in turn, each once. */
static bool is_first_of_domain(const struct port *port)
{
	if (port->device == NULL)
		return false;
	for (struct port *p = NULL; (p = port_next(p)) != NULL && p != port;)
		if (domain_of(p) == domain_of(port))
			return false;
	return true;
}

/* Changing rights unmaps for a moment: devices of that domain must be still. */
static int stop_domain(const struct iommu_domain *domain, bool *was_stopped, struct base_error *err)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		int ret;

		if (domain_of(port) != domain || port->state != PORT_STARTED)
			continue;
		ret = port_stop(port, err);
		if (ret != 0)
			return ret;
		was_stopped[port->id] = true;
	}
	return 0;
}

static int grant_to(struct port *owner, struct iommu_domain *domain, bool *was_stopped,
		    struct base_error *err)
{
	uint32_t needed = rights_needed(owner, domain);
	uint32_t present = dma_arena_rights(owner->arena, DMA_BUFFERS, domain);
	int ret = 0;

	if (needed == present)
		return 0;
	if (present != 0)
		ret = stop_domain(domain, was_stopped, err);
	if (ret == 0) {
		ret = dma_arena_grant(owner->arena, DMA_BUFFERS, domain, needed, &owner->ledger);
		if (ret != 0)
			base_error_set(err, ret,
				       "granting the buffers of port %u to domain %u failed: %s",
				       owner->id, iommu_domain_id(domain), strerror(-ret));
	}
	return ret;
}

static int grant_all(bool *was_stopped, struct base_error *err)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		if (!is_first_of_domain(port))
			continue;
		for (struct port *owner = NULL; (owner = port_next(owner)) != NULL;) {
			int ret;

			if (owner->arena == NULL)
				continue;
			ret = grant_to(owner, domain_of(port), was_stopped, err);
			if (ret != 0)
				return ret;
		}
	}
	return 0;
}

int forward_grant(struct base_error *err)
{
	bool was_stopped[RTE_MAX_ETHPORTS] = {false};
	int ret = port_policy_begin(err);

	if (ret != 0)
		return ret;
	ret = grant_all(was_stopped, err);
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		int started = was_stopped[port->id] ? port_resume(port, err) : 0;

		ret = ret == 0 ? started : ret;
	}
	return ret;
}
