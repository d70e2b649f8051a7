/* SPDX-License-Identifier: BSD-3-Clause */
/* The port as ethdev sees it: what it can do, configure, start, stop, close. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dmanic_port.h"

#define DEFAULT_RING 256

static int infos_get(struct rte_eth_dev *dev __rte_unused, struct rte_eth_dev_info *info)
{
	const struct rte_eth_desc_lim limits = {
		.nb_max = DMANIC_RING_MAX,
		.nb_min = DMANIC_RING_MIN,
		.nb_align = DMANIC_FETCH,
		.nb_seg_max = DMANIC_FETCH,
		.nb_mtu_seg_max = DMANIC_FETCH,
	};

	info->max_rx_queues = DMANIC_QUEUES;
	info->max_tx_queues = DMANIC_QUEUES;
	info->max_mac_addrs = DMANIC_MAC_MAX;
	info->min_rx_bufsize = RTE_ALIGN_CEIL(DMANIC_FRAME_MAX / DMANIC_FETCH, 64);
	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = DMANIC_MTU_MAX;
	info->max_rx_pktlen = DMANIC_MTU_MAX + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER |
				RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH;
	info->rx_queue_offload_capa = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
				RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	info->tx_queue_offload_capa = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	info->flow_type_rss_offloads = DMANIC_RSS_TYPES;
	info->reta_size = DMANIC_RETA_SIZE;
	info->hash_key_size = DMANIC_KEY_SIZE;
	info->rx_desc_lim = info->tx_desc_lim = limits;
	info->speed_capa = RTE_ETH_LINK_SPEED_100G | RTE_ETH_LINK_SPEED_FIXED;
	info->default_rxportconf.ring_size = DEFAULT_RING;
	info->default_txportconf.ring_size = DEFAULT_RING;
	info->default_rxportconf.burst_size = DMANIC_FETCH;
	info->default_txportconf.burst_size = DMANIC_FETCH;
	info->default_rxportconf.nb_queues = 1;
	info->default_txportconf.nb_queues = 1;
	info->default_rxconf.rx_free_thresh = DMANIC_REFILL;
	info->default_txconf.tx_free_thresh = DMANIC_FETCH;
	return 0;
}

static int configure(struct rte_eth_dev *dev)
{
	return dmanic_rss_configure(dev);
}

static void queues_stop(struct rte_eth_dev *dev)
{
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++) {
		if (dev->data->tx_queues[i] != NULL)
			dmanic_tx_queue_stop(dev, i);
	}
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		if (dev->data->rx_queues[i] != NULL)
			dmanic_rx_queue_stop(dev, i);
	}
}

static int queues_start(struct rte_eth_dev *dev)
{
	int ret = 0;

	for (unsigned int i = 0; i < dev->data->nb_rx_queues && ret == 0; i++) {
		const struct dmanic_rxq *rxq = dev->data->rx_queues[i];

		if (!rxq->is_deferred)
			ret = dmanic_rx_queue_start(dev, i);
	}
	for (unsigned int i = 0; i < dev->data->nb_tx_queues && ret == 0; i++) {
		const struct dmanic_txq *txq = dev->data->tx_queues[i];

		if (!txq->is_deferred)
			ret = dmanic_tx_queue_start(dev, i);
	}
	return ret;
}

static int start(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	int ret;

	dmanic_filter_apply(dev);
	dev->rx_pkt_burst = dev->data->scattered_rx ? dmanic_rx_burst_scattered : dmanic_rx_burst;
	ret = queues_start(dev);
	if (ret != 0) {
		queues_stop(dev);
		return ret;
	}
	port->is_started = true;
	dmanic_link_refresh(port);
	return 0;
}

static int stop(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);

	/* The link first: frames that wait for the other end are dropped as such, and counted. */
	port->is_started = false;
	dmanic_link_refresh(port);
	queues_stop(dev);
	return 0;
}

int dmanic_close(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	struct dmanic_port *peer = port->peer;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	if (port->is_started)
		stop(dev);
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++)
		dmanic_rx_queue_release(dev, i);
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++)
		dmanic_tx_queue_release(dev, i);
	dmanic_control_lock();
	dmanic_port_unregister(port);
	dmanic_control_unlock();
	if (peer != NULL)
		dmanic_link_refresh(peer);
	dmanic_device_destroy(port->device);
	dmanic_memory_detach(&port->memory);
	return 0;
}

/* As after probe, but for the address, which ethdev keeps. */
static int reset(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	int ret;

	ret = dmanic_stats_reset(dev);
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++)
		dmanic_rx_queue_release(dev, i);
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++)
		dmanic_tx_queue_release(dev, i);
	dmanic_control_lock();
	dmanic_wire_lock(port->device);
	memset(port->device->filter.vlan, 0, sizeof(port->device->filter.vlan));
	port->device->filter.mcast_count = 0;
	port->device->filter.has_rss = false;
	dmanic_wire_unlock(port->device);
	dmanic_control_unlock();
	port->is_admin_up = true;
	return ret;
}

static int rx_burst_mode_get(struct rte_eth_dev *dev, uint16_t queue __rte_unused,
			     struct rte_eth_burst_mode *mode)
{
	snprintf(mode->info, sizeof(mode->info), "%s",
		 dev->data->scattered_rx ? "Scalar Scattered" : "Scalar");
	return 0;
}

static int tx_burst_mode_get(struct rte_eth_dev *dev __rte_unused, uint16_t queue __rte_unused,
			     struct rte_eth_burst_mode *mode)
{
	snprintf(mode->info, sizeof(mode->info), "Scalar");
	return 0;
}

const struct eth_dev_ops dmanic_ops = {
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_close = dmanic_close,
	.dev_reset = reset,
	.dev_infos_get = infos_get,
	.dev_set_link_up = dmanic_set_link_up,
	.dev_set_link_down = dmanic_set_link_down,
	.link_update = dmanic_link_update,
	.promiscuous_enable = dmanic_promiscuous_enable,
	.promiscuous_disable = dmanic_promiscuous_disable,
	.allmulticast_enable = dmanic_allmulticast_enable,
	.allmulticast_disable = dmanic_allmulticast_disable,
	.mac_addr_add = dmanic_mac_addr_add,
	.mac_addr_remove = dmanic_mac_addr_remove,
	.mac_addr_set = dmanic_mac_addr_set,
	.set_mc_addr_list = dmanic_set_mc_addr_list,
	.mtu_set = dmanic_mtu_set,
	.flow_ctrl_get = dmanic_flow_ctrl_get,
	.flow_ctrl_set = dmanic_flow_ctrl_set,
	.vlan_filter_set = dmanic_vlan_filter_set,
	.vlan_offload_set = dmanic_vlan_offload_set,
	.vlan_strip_queue_set = dmanic_vlan_strip_queue_set,
	.rss_hash_update = dmanic_rss_hash_update,
	.rss_hash_conf_get = dmanic_rss_hash_conf_get,
	.reta_update = dmanic_reta_update,
	.reta_query = dmanic_reta_query,
	.stats_get = dmanic_stats_get,
	.stats_reset = dmanic_stats_reset,
	.xstats_get = dmanic_xstats_get,
	.xstats_get_names = dmanic_xstats_get_names,
	.xstats_reset = dmanic_stats_reset,
	.rx_queue_setup = dmanic_rx_queue_setup,
	.rx_queue_release = dmanic_rx_queue_release,
	.rx_queue_start = dmanic_rx_queue_start,
	.rx_queue_stop = dmanic_rx_queue_stop,
	.rxq_info_get = dmanic_rxq_info_get,
	.tx_queue_setup = dmanic_tx_queue_setup,
	.tx_queue_release = dmanic_tx_queue_release,
	.tx_queue_start = dmanic_tx_queue_start,
	.tx_queue_stop = dmanic_tx_queue_stop,
	.txq_info_get = dmanic_txq_info_get,
	.tx_done_cleanup = dmanic_tx_done_cleanup,
	.rx_burst_mode_get = rx_burst_mode_get,
	.tx_burst_mode_get = tx_burst_mode_get,
};
