/* SPDX-License-Identifier: BSD-3-Clause */
/* Configure, start, stop, close and reset of a port. */
#include "port.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#include "capture.h"
#include "options.h"
#include "port_device.h"
#include "port_memory.h"
#include "port_pci.h"
#include "port_policy.h"
#include "port_replay.h"
#include "stats.h"

#define OVERHEAD_MAX 48

/*
 * What a frame has beside the MTU: the device says it where it knows (testpmd's way). More than
 * two tags and virtio's header is no overhead but two limits of their own (vmxnet3: 7 KiB).
 */
static uint32_t frame_overhead(const struct port *port)
{
	const struct rte_eth_dev_info *info = &port->info;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu &&
	    info->max_rx_pktlen - info->max_mtu <= OVERHEAD_MAX)
		return info->max_rx_pktlen - info->max_mtu;
	return RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
}

static uint32_t default_mtu(const struct port *port)
{
	uint32_t max_pkt_len = options_get()->max_pkt_len, overhead = frame_overhead(port);

	/* ethdev's own default, however much its driver adds */
	if (max_pkt_len == RTE_ETHER_MAX_LEN)
		return RTE_ETHER_MTU;
	return max_pkt_len > overhead + RTE_ETHER_MIN_MTU ? max_pkt_len - overhead
							  : RTE_ETHER_MIN_MTU;
}

static bool needs_scatter(const struct port *port, uint32_t frame)
{
	return frame + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(port->mempool);
}

static int choose_conf(struct port *port, struct base_error *err)
{
	const struct rte_eth_dev_info *info = &port->info;
	struct rte_eth_conf *conf = &port->conf;
	uint32_t overhead = frame_overhead(port);

	if (port->mtu == 0)
		port->mtu = default_mtu(port);
	if (port->mtu > info->max_mtu)
		return base_error_set(err, -EINVAL,
				      "port %u (%s) takes frames of at most %u bytes: lower "
				      "--max-pkt-len",
				      port->id, port->name, info->max_mtu + overhead);
	conf->rxmode.mtu = port->mtu;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	conf->rx_adv_conf.rss_conf.rss_hf = 0;
	if (port->rxq > 1) {
		conf->rx_adv_conf.rss_conf.rss_hf = port->rss_hf & info->flow_type_rss_offloads;
		if (conf->rx_adv_conf.rss_conf.rss_hf != 0)
			conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	}
	conf->rxmode.offloads &= ~RTE_ETH_RX_OFFLOAD_SCATTER;
	if (needs_scatter(port, port->mtu + overhead)) {
		if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0)
			return base_error_set(err, -ENOTSUP,
					      "port %u cannot spread a frame of %u bytes over "
					      "buffers: give --mbuf-size %u",
					      port->id, port->mtu + overhead,
					      port->mtu + overhead + RTE_PKTMBUF_HEADROOM);
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	}
	/* whatever comes in on one port may go out on another */
	conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	return 0;
}

static int set_up_queues(struct port *port, struct base_error *err)
{
	struct rte_eth_rxconf rx = port->info.default_rxconf;
	struct rte_eth_txconf tx = port->info.default_txconf;
	int ret = 0;

	rx.offloads = port->conf.rxmode.offloads;
	tx.offloads = port->conf.txmode.offloads;
	for (uint16_t q = 0; ret == 0 && q < port->rxq; q++)
		ret = rte_eth_rx_queue_setup(
			port->id, q, port->rxd, (unsigned int)port->heap_socket, &rx,
			port->queue_pool_count == 0 ? port->mempool : port->queue_pools[q]);
	if (ret != 0)
		return base_error_set(err, ret,
				      "port %u: a receive queue of %u descriptors cannot be set "
				      "up: %s",
				      port->id, port->rxd, rte_strerror(-ret));
	for (uint16_t q = 0; ret == 0 && q < port->txq; q++)
		ret = rte_eth_tx_queue_setup(port->id, q, port->txd,
					     (unsigned int)port->heap_socket, &tx);
	if (ret != 0)
		return base_error_set(err, ret,
				      "port %u: a transmit queue of %u descriptors cannot be set "
				      "up: %s",
				      port->id, port->txd, rte_strerror(-ret));
	return 0;
}

static int check_queues(const struct port *port, struct base_error *err)
{
	const struct options *options = options_get();

	if (options->rxq > port->info.max_rx_queues)
		return base_error_set(err, -EINVAL,
				      "port %u (%s) has at most %u receive queues: lower --rxq",
				      port->id, port->name, port->info.max_rx_queues);
	if (options->txq > port->info.max_tx_queues)
		return base_error_set(err, -EINVAL,
				      "port %u (%s) has at most %u transmit queues: lower --txq",
				      port->id, port->name, port->info.max_tx_queues);
	return 0;
}

/* Rounded up to what the device can have, but not to another order of size. */
static int check_ring(const struct port *port, const char *option, uint16_t count,
		      const struct rte_eth_desc_lim *limits, struct base_error *err)
{
	if (count >= limits->nb_min && count <= limits->nb_max)
		return 0;
	return base_error_set(err, -EINVAL,
			      "port %u (%s) has rings of %u to %u descriptors: change %s %u",
			      port->id, port->name, limits->nb_min, limits->nb_max, option, count);
}

static int configure(struct port *port, struct base_error *err)
{
	const struct options *options = options_get();
	int ret = check_queues(port, err);

	if (ret == 0)
		ret = check_ring(port, "--rxd", options->rxd, &port->info.rx_desc_lim, err);
	if (ret == 0)
		ret = check_ring(port, "--txd", options->txd, &port->info.tx_desc_lim, err);
	if (ret != 0)
		return ret;
	port->rxq = options->rxq;
	port->txq = options->txq;
	port->rxd = options->rxd;
	port->txd = options->txd;
	port->rss_hf = options->rss_hf;
	port->rx_stopped = 0;
	port->tx_stopped = 0;
	ret = choose_conf(port, err);
	if (ret == 0)
		ret = port_policy_configure(port, err);
	if (ret != 0)
		return ret;
	port_pci_enter_heap(port);
	ret = rte_eth_dev_configure(port->id, port->rxq, port->txq, &port->conf);
	port_pci_leave_heap(port);
	if (ret != 0)
		return base_error_set(err, ret,
				      "port %u (%s) does not take %u receive and %u transmit "
				      "queues with frames of %u bytes: %s",
				      port->id, port->name, port->rxq, port->txq,
				      port->mtu + frame_overhead(port), rte_strerror(-ret));
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &port->rxd, &port->txd);
	if (ret != 0)
		return base_error_set(err, ret, "port %u does not take rings of %u and %u: %s",
				      port->id, port->rxd, port->txd, rte_strerror(-ret));
	return set_up_queues(port, err);
}

/* Queues and rings have grown past the memory: new memory first, the old one goes at the end. */
static int configure_anew(struct port *port, struct base_error *err)
{
	struct port_memory old;
	int ret = port_memory_renew(port, &old, err);

	if (ret != 0)
		return ret;
	ret = configure(port, err);
	if (ret != 0) {
		port_memory_put_back(port, &old);
		return ret;
	}
	/* transmit rings of others may hold buffers of the old memory */
	ret = port_drain_others(port, err);
	port_memory_drop(port, &old);
	port_policy_reap(port);
	return ret;
}

/* The device has started all of them. */
static int stop_queues(struct port *port, struct base_error *err)
{
	int ret = 0;

	for (uint16_t q = 0; ret == 0 && q < PORT_QUEUES_MAX; q++) {
		if ((port->rx_stopped & (1ull << q)) != 0)
			ret = rte_eth_dev_rx_queue_stop(port->id, q);
		if (ret == 0 && (port->tx_stopped & (1ull << q)) != 0)
			ret = rte_eth_dev_tx_queue_stop(port->id, q);
	}
	if (ret != 0)
		base_error_set(err, ret, "port %u does not stop its queues again: %s", port->id,
			       rte_strerror(-ret));
	return ret;
}

/* As testpmd does; a device that has no such mode is fine too. */
static void set_promiscuous(const struct port *port)
{
	int ret = rte_eth_promiscuous_enable(port->id);

	if (ret != 0 && ret != -ENOTSUP)
		fprintf(stderr,
			"port %u (%s) does not become promiscuous (%s): it receives what is "
			"addressed to it\n",
			port->id, port->name, rte_strerror(-ret));
}

static int start_error(struct port *port, int ret, struct base_error *err)
{
	const char *mapping = port_policy_error(port);

	if (mapping[0] == '\0')
		return base_error_set(err, ret, "port %u (%s) does not start: %s", port->id,
				      port->name, rte_strerror(-ret));
	return base_error_set(err, ret,
			      "port %u (%s) does not start: its buffers cannot be mapped: %s; "
			      "lower --rxq or --rxd, or give --dma-policy static",
			      port->id, port->name, mapping);
}

static int start_locked(struct port *port, struct base_error *err)
{
	int ret = 0;

	if (port->needs_configure)
		ret = port_memory_is_enough(port) ? configure(port, err)
						  : configure_anew(port, err);
	if (ret != 0)
		return ret;
	port->needs_configure = false;
	port_policy_reap(port);
	port_pci_enter_heap(port);
	ret = rte_eth_dev_start(port->id);
	port_pci_leave_heap(port);
	if (ret != 0)
		return start_error(port, ret, err);
	port->state = PORT_STARTED;
	port->starts++;
	ret = port_policy_start(port, err);
	if (ret == 0)
		ret = stop_queues(port, err);
	if (ret != 0)
		return ret;
	if (!port->was_started)
		set_promiscuous(port);
	port->was_started = true;
	return 0;
}

int port_resume(struct port *port, struct base_error *err)
{
	int ret;

	if (port->state == PORT_STARTED)
		return base_error_set(err, -EALREADY, "port %u is started already", port->id);
	if (port->state == PORT_CLOSED)
		return base_error_set(err, -ENODEV, "port %u is closed: port detach %u", port->id,
				      port->id);
	stats_lock();
	ret = start_locked(port, err);
	stats_unlock();
	return ret;
}

int port_start(struct port *port, struct base_error *err)
{
	if (port->state == PORT_STOPPED)
		port->rx_stopped = port->tx_stopped = 0;
	return port_resume(port, err);
}

int port_stop(struct port *port, struct base_error *err)
{
	int ret;

	if (port->state != PORT_STARTED)
		return base_error_set(err, -EALREADY, "port %u is not started", port->id);
	stats_lock();
	ret = rte_eth_dev_stop(port->id);
	if (ret == 0) {
		port->state = PORT_STOPPED;
		port_policy_stop(port);
		port_pool_reap(port, false);
	}
	stats_unlock();
	if (ret != 0)
		return base_error_set(err, ret, "port %u does not stop: %s", port->id,
				      rte_strerror(-ret));
	return 0;
}

static int close_quietly(const struct port *port)
{
	int level = port_device_hush_eal();
	int ret = rte_eth_dev_close(port->id);

	port_device_unhush_eal(level);
	return ret;
}

static void forget_traffic(struct port *port)
{
	port_pool_reap(port, false);
	port_replay_drop(port);
	capture_drop(port, NULL);
}

int port_close(struct port *port, struct base_error *err)
{
	int ret;

	if (port->state == PORT_STARTED)
		return base_error_set(err, -EBUSY, "port %u is started: port stop %u first",
				      port->id, port->id);
	if (port->state == PORT_CLOSED)
		return base_error_set(err, -EALREADY, "port %u is closed already", port->id);
	stats_lock();
	ret = close_quietly(port);
	if (ret == 0) {
		port->state = PORT_CLOSED;
		forget_traffic(port);
	}
	stats_unlock();
	if (ret != 0)
		return base_error_set(err, ret, "port %u does not close: %s", port->id,
				      rte_strerror(-ret));
	return 0;
}

/* A driver without a reset: VFIO resets a function when it is closed and when it is opened. */
static int plug_anew(struct port *port, struct base_error *err)
{
	uint16_t id;
	int ret = close_quietly(port);

	if (ret != 0)
		return ret;
	port->state = PORT_CLOSED;
	ret = port_device_unplug(port, err);
	if (ret == 0)
		ret = port_pci_attach_anew(port, err);
	if (ret == 0)
		ret = port_device_plug(port, &id, err);
	if (ret != 0) {
		forget_traffic(port);
		return ret;
	}
	if (id != port->id) {
		port_device_unplug(port, NULL);
		forget_traffic(port);
		return base_error_set(err, -EBUSY,
				      "port %u would become port %u with its reset: port detach "
				      "%u, then port attach %s",
				      port->id, id, port->id, port->devargs);
	}
	port->state = PORT_STOPPED;
	return 0;
}

int port_reset(struct port *port, struct base_error *err)
{
	int ret;

	if (port->state != PORT_STOPPED)
		return base_error_set(err, -EBUSY, "port %u is not stopped: port stop %u first",
				      port->id, port->id);
	stats_lock();
	port_pci_enter_heap(port);
	ret = rte_eth_dev_reset(port->id);
	port_pci_leave_heap(port);
	if (ret == -ENOTSUP && port->kind == PORT_PCI)
		ret = plug_anew(port, err);
	stats_unlock();
	if (ret != 0)
		return base_error_set(err, ret, "port %u cannot be reset: %s", port->id,
				      rte_strerror(-ret));
	port->needs_configure = true;
	port->was_started = false;
	return 0;
}
