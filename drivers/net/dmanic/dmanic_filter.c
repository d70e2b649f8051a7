/* SPDX-License-Identifier: BSD-3-Clause */
/* Address and VLAN filters, flow control and the MTU, as ethdev sets them. */
#include <errno.h>
#include <string.h>

#include "dmanic_port.h"

/* No destination is ever compared with it: it is a multicast address in a list of unicast ones. */
static const struct rte_ether_addr no_address = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* All changes are made while no frame is on its way to us. */
static struct dmanic_filter *filter_begin(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);

	dmanic_control_lock();
	dmanic_wire_lock(port->device);
	return &port->device->filter;
}

static void filter_end(struct rte_eth_dev *dev)
{
	struct dmanic_device *device = dmanic_port_of(dev)->device;
	struct dmanic_filter *filter = &device->filter;
	bool is_stripping = false;

	for (unsigned int i = 0; i < DMANIC_QUEUES; i++)
		is_stripping |= device->rx[i].is_stripping;
	filter->needs_header = !filter->is_promiscuous || filter->is_vlan_filtering ||
			       filter->has_rss || is_stripping;
	dmanic_wire_unlock(device);
	dmanic_control_unlock();
}

int dmanic_promiscuous_enable(struct rte_eth_dev *dev)
{
	filter_begin(dev)->is_promiscuous = true;
	filter_end(dev);
	return 0;
}

int dmanic_promiscuous_disable(struct rte_eth_dev *dev)
{
	filter_begin(dev)->is_promiscuous = false;
	filter_end(dev);
	return 0;
}

int dmanic_allmulticast_enable(struct rte_eth_dev *dev)
{
	filter_begin(dev)->is_allmulti = true;
	filter_end(dev);
	return 0;
}

int dmanic_allmulticast_disable(struct rte_eth_dev *dev)
{
	filter_begin(dev)->is_allmulti = false;
	filter_end(dev);
	return 0;
}

static void mac_put(struct dmanic_filter *filter, uint32_t index, const struct rte_ether_addr *addr)
{
	for (; filter->mac_count <= index; filter->mac_count++)
		filter->mac[filter->mac_count] = no_address;
	filter->mac[index] = *addr;
}

int dmanic_mac_addr_add(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t index,
			uint32_t vmdq __rte_unused)
{
	if (index >= DMANIC_MAC_MAX)
		return -ENOSPC;
	mac_put(filter_begin(dev), index, addr);
	filter_end(dev);
	return 0;
}

void dmanic_mac_addr_remove(struct rte_eth_dev *dev, uint32_t index)
{
	if (index >= DMANIC_MAC_MAX)
		return;
	mac_put(filter_begin(dev), index, &no_address);
	filter_end(dev);
}

int dmanic_mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	mac_put(filter_begin(dev), 0, addr);
	filter_end(dev);
	return 0;
}

int dmanic_set_mc_addr_list(struct rte_eth_dev *dev, struct rte_ether_addr *list, uint32_t count)
{
	struct dmanic_filter *filter;

	if (count > DMANIC_MCAST_MAX)
		return -ENOSPC;
	filter = filter_begin(dev);
	if (count > 0)
		memcpy(filter->mcast, list, count * sizeof(*list));
	filter->mcast_count = count;
	filter_end(dev);
	return 0;
}

int dmanic_vlan_filter_set(struct rte_eth_dev *dev, uint16_t vlan, int is_on)
{
	struct dmanic_filter *filter = filter_begin(dev);
	uint64_t bit = UINT64_C(1) << (vlan % 64);

	if (is_on)
		filter->vlan[vlan / 64 % RTE_DIM(filter->vlan)] |= bit;
	else
		filter->vlan[vlan / 64 % RTE_DIM(filter->vlan)] &= ~bit;
	filter_end(dev);
	return 0;
}

int dmanic_vlan_offload_set(struct rte_eth_dev *dev, int mask)
{
	uint64_t offloads = dev->data->dev_conf.rxmode.offloads;
	struct dmanic_port *port = dmanic_port_of(dev);
	struct dmanic_filter *filter = filter_begin(dev);

	if (mask & RTE_ETH_VLAN_STRIP_MASK) {
		for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++)
			port->device->rx[i].is_stripping = offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	}
	if (mask & RTE_ETH_VLAN_FILTER_MASK)
		filter->is_vlan_filtering = offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	filter_end(dev);
	return 0;
}

void dmanic_vlan_strip_queue_set(struct rte_eth_dev *dev, uint16_t queue, int is_on)
{
	filter_begin(dev);
	dmanic_port_of(dev)->device->rx[queue].is_stripping = is_on;
	filter_end(dev);
}

static bool needs_scatter(const struct rte_eth_dev *dev, uint32_t mtu)
{
	if (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER)
		return true;
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct dmanic_rxq *rxq = dev->data->rx_queues[i];

		if (rxq != NULL && mtu + DMANIC_OVERHEAD > rxq->buf_len)
			return true;
	}
	return false;
}

int dmanic_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	/* The receive function is chosen at the start. */
	if (dev->data->dev_started && !dev->data->scattered_rx && needs_scatter(dev, mtu)) {
		DMANIC_LOG(ERR, "%s: frames of MTU %u need several buffers: stop the port first",
			   dev->data->name, mtu);
		return -EBUSY;
	}
	filter_begin(dev)->frame_max = mtu + DMANIC_OVERHEAD;
	filter_end(dev);
	return 0;
}

void dmanic_filter_apply(struct rte_eth_dev *dev)
{
	uint64_t offloads = dev->data->dev_conf.rxmode.offloads;
	struct dmanic_device *device = dmanic_port_of(dev)->device;
	struct dmanic_filter *filter = filter_begin(dev);

	device->rx_count = dev->data->nb_rx_queues;
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct dmanic_rxq *rxq = dev->data->rx_queues[i];

		device->rx[i].is_stripping =
			(rxq->offloads | offloads) & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	}
	filter->is_vlan_filtering = offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	filter->frame_max = dev->data->mtu + DMANIC_OVERHEAD;
	filter_end(dev);
	dev->data->scattered_rx = needs_scatter(dev, dev->data->mtu);
}

int dmanic_flow_ctrl_get(struct rte_eth_dev *dev, struct rte_eth_fc_conf *conf)
{
	const struct dmanic_device *device = dmanic_port_of(dev)->device;

	memset(conf, 0, sizeof(*conf));
	conf->mode = device->is_pausing ? RTE_ETH_FC_TX_PAUSE : RTE_ETH_FC_NONE;
	return 0;
}

/* The other end always obeys: what counts is whether we ask it to wait (IEEE 802.3x). */
int dmanic_flow_ctrl_set(struct rte_eth_dev *dev, struct rte_eth_fc_conf *conf)
{
	filter_begin(dev);
	dmanic_port_of(dev)->device->is_pausing =
		conf->mode == RTE_ETH_FC_TX_PAUSE || conf->mode == RTE_ETH_FC_FULL;
	filter_end(dev);
	return 0;
}
