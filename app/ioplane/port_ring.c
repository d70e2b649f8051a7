/* SPDX-License-Identifier: BSD-3-Clause */
/* Where drivers keep the descriptors of a queue: found by the name of its memzone. */
#include "port_ring.h"

#include <stdio.h>
#include <string.h>

#include <rte_memzone.h>

#include "dmanic_desc.h"

#define LINE 64 /* what most devices fetch and write back at once: a cache line of PCIe's hosts */
/* dmanic copies as many descriptors as there are, up to 32, in one access. */
#define DMANIC_LINE (32 * DMANIC_DESC_SIZE)

/* How a driver names the zone. */
enum naming {
	BY_ETHDEV, /* rte_eth_dma_zone_reserve(): "eth_p0_q1_rx_ring" */
	BY_VIRTIO, /* both directions count on: "port0_vq2", rx first */
};

/*
 * A line a driver, with the sizes of its descriptors in bytes: those of DPDK 22.11 as Debian
 * builds it (i40e, ice and iavf receive with 32 bytes then).
 */
static const struct driver {
	const char *name;
	enum naming naming;
	const char *rx, *tx;
	uint16_t rx_size, tx_size, line;
} drivers[] = {
	{"net_dmanic", BY_ETHDEV, "rx_ring", "tx_ring", DMANIC_DESC_SIZE, DMANIC_DESC_SIZE,
	 DMANIC_LINE},
	{"net_e1000_em", BY_ETHDEV, "rx_ring", "tx_ring", 16, 16, LINE},
	{"net_e1000_igb", BY_ETHDEV, "rx_ring", "tx_ring", 16, 16, LINE},
	{"net_e1000_igb_vf", BY_ETHDEV, "rx_ring", "tx_ring", 16, 16, LINE},
	{"net_ixgbe", BY_ETHDEV, "rx_ring", "tx_ring", 16, 16, LINE},
	{"net_ixgbe_vf", BY_ETHDEV, "rx_ring", "tx_ring", 16, 16, LINE},
	{"net_i40e", BY_ETHDEV, "rx_ring", "tx_ring", 32, 16, LINE},
	{"net_ice", BY_ETHDEV, "rx_ring", "tx_ring", 32, 16, LINE},
	{"net_iavf", BY_ETHDEV, "rx_ring", "tx_ring", 32, 16, LINE},
	{"net_vmxnet3", BY_ETHDEV, "rxdesc", "txdesc", 16, 16, LINE},
	{"net_virtio", BY_VIRTIO, NULL, NULL, 16, 16, LINE},
};

static const struct driver *find_driver(const char *name)
{
	for (unsigned int i = 0; i < RTE_DIM(drivers); i++)
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	return NULL;
}

bool port_ring_zone(const char *driver, uint16_t port_id, bool is_rx, uint16_t queue, char *name,
		    size_t size)
{
	const struct driver *known = find_driver(driver);

	if (known == NULL)
		return false;
	if (known->naming == BY_VIRTIO)
		snprintf(name, size, "port%u_vq%u", port_id, 2u * queue + !is_rx);
	else
		snprintf(name, size, "eth_p%u_q%u_%s", port_id, queue,
			 is_rx ? known->rx : known->tx);
	return true;
}

/* What the driver made of the size that it was asked for. */
static uint16_t descriptors(const struct port *port, bool is_rx, uint16_t queue)
{
	struct rte_eth_rxq_info rx;
	struct rte_eth_txq_info tx;

	if (is_rx)
		return rte_eth_rx_queue_info_get(port->id, queue, &rx) == 0 ? rx.nb_desc
									    : port->rxd;
	return rte_eth_tx_queue_info_get(port->id, queue, &tx) == 0 ? tx.nb_desc : port->txd;
}

bool port_ring_find(const struct port *port, bool is_rx, uint16_t queue, struct tracker_ring *ring)
{
	const struct driver *known = find_driver(port->driver);
	const struct rte_memzone *zone;
	char name[RTE_MEMZONE_NAMESIZE];

	memset(ring, 0, sizeof(*ring)); /* its padding, too: rings are compared */
	if (!port_ring_zone(port->driver, port->id, is_rx, queue, name, sizeof(name)))
		return false;
	zone = rte_memzone_lookup(name);
	if (zone == NULL)
		return false;
	ring->iova = zone->iova;
	ring->size = descriptors(port, is_rx, queue);
	ring->desc_size = is_rx ? known->rx_size : known->tx_size;
	ring->line = known->line;
	/* its peer nearly always stands behind the same unit: the default of both */
	ring->is_cabled = known->line == DMANIC_LINE;
	return true;
}
