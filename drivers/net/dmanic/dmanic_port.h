/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver side of dmanic: an ethdev port and its queues. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ethdev_driver.h>
#include <rte_log.h>

#include "dmanic_args.h"
#include "dmanic_device.h"
#include "dmanic_memory.h"

extern int dmanic_logtype;
#define DMANIC_LOG(level, format, ...) \
	rte_log(RTE_LOG_##level, dmanic_logtype, "net_dmanic: " format "\n", ##__VA_ARGS__)

#define DMANIC_REFILL 32 /* receive buffers posted at a time */
#define DMANIC_AHEAD  4	 /* mbufs prefetched before they are filled in */

/* Counters of a queue, all of them uint64_t: a reset keeps the values of that moment. */
struct dmanic_rx_stats {
	struct dmanic_rx_counters ring;
	struct iommu_counters iommu;
};

struct dmanic_tx_stats {
	struct dmanic_tx_counters ring;
	struct iommu_counters iommu;
};

struct dmanic_rxq {
	/* polling lcore: write */
	union dmanic_rx_done *ring;
	struct rte_mbuf **mbufs;
	uint64_t rearm;	   /* an mbuf's rearm_data as received */
	uint64_t ol_flags; /* RTE_MBUF_F_EXTERNAL with pinned buffers */
	uint16_t next;	   /* next descriptor to look at */
	uint16_t post;	   /* next descriptor to post a buffer in */
	uint16_t unposted; /* descriptors between post and next */
	uint16_t size;
	uint16_t buf_len;
	uint16_t queue;
	struct rte_mempool *pool;
	struct dmanic_device *device;
	struct rte_eth_dev_data *data;
	struct rte_mbuf *head; /* of the scattered frame so far */
	struct rte_mbuf *last;
	/* control: write */
	struct iommu_translator *translator;
	const struct rte_memzone *zone;
	struct dmanic_rx_stats base;
	uint64_t offloads;
	bool is_deferred;
};

struct dmanic_txq {
	/* transmitting lcore: write */
	union dmanic_tx_desc *ring;
	struct rte_mbuf **mbufs;
	uint16_t tail;	/* next descriptor to fill */
	uint16_t clean; /* next descriptor to get back */
	uint16_t vacant;
	uint16_t size;
	uint16_t queue;
	bool is_fast_free;
	struct dmanic_device *device;
	/* control: write */
	struct iommu_translator *translator;
	const struct rte_memzone *zone;
	struct dmanic_tx_stats base;
	uint64_t offloads;
	uint16_t free_thresh;
	bool is_deferred;
};

struct dmanic_port {
	struct rte_eth_dev *dev;
	struct dmanic_device *device;
	struct dmanic_memory memory;
	struct dmanic_args args;
	struct dmanic_port *peer; /* at the other end of the cable, or NULL */
	bool is_started;
	bool is_admin_up;
	bool is_link_event_due;
	uint64_t drops_base[DMANIC_DROPS];
	uint8_t rss_key[DMANIC_KEY_SIZE];
	TAILQ_ENTRY(dmanic_port) link;
};

static inline struct dmanic_port *dmanic_port_of(const struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

/* dmanic_cable.c: the ports of the process, who is joined to whom, and the state of links. */
void dmanic_control_lock(void);
void dmanic_control_unlock(void);
void dmanic_port_register(struct dmanic_port *port);
void dmanic_port_unregister(struct dmanic_port *port);
struct dmanic_port *dmanic_port_find(const char *name);
/** Brings the links of a port and its peer up to date and tells applications. Not locked. */
void dmanic_link_refresh(struct dmanic_port *port);
int dmanic_link_update(struct rte_eth_dev *dev, int wait_to_complete);
int dmanic_set_link_up(struct rte_eth_dev *dev);
int dmanic_set_link_down(struct rte_eth_dev *dev);

/* dmanic_rx.c, dmanic_tx.c: bursts. */
uint16_t dmanic_rx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t n);
uint16_t dmanic_rx_burst_scattered(void *queue, struct rte_mbuf **mbufs, uint16_t n);
uint32_t dmanic_rx_queue_count(void *queue);
int dmanic_rx_descriptor_status(void *queue, uint16_t offset);
uint16_t dmanic_tx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t n);
uint16_t dmanic_tx_prepare(void *queue, struct rte_mbuf **mbufs, uint16_t n);
int dmanic_tx_descriptor_status(void *queue, uint16_t offset);
int dmanic_tx_done_cleanup(void *queue, uint32_t count);

/* dmanic_rx_queue.c, dmanic_tx_queue.c: their life. */
int dmanic_rx_queue_setup(struct rte_eth_dev *dev, uint16_t queue, uint16_t size,
			  unsigned int socket, const struct rte_eth_rxconf *conf,
			  struct rte_mempool *pool);
void dmanic_rx_queue_release(struct rte_eth_dev *dev, uint16_t queue);
int dmanic_rx_queue_start(struct rte_eth_dev *dev, uint16_t queue);
int dmanic_rx_queue_stop(struct rte_eth_dev *dev, uint16_t queue);
void dmanic_rxq_info_get(struct rte_eth_dev *dev, uint16_t queue, struct rte_eth_rxq_info *info);
int dmanic_tx_queue_setup(struct rte_eth_dev *dev, uint16_t queue, uint16_t size,
			  unsigned int socket, const struct rte_eth_txconf *conf);
void dmanic_tx_queue_release(struct rte_eth_dev *dev, uint16_t queue);
int dmanic_tx_queue_start(struct rte_eth_dev *dev, uint16_t queue);
int dmanic_tx_queue_stop(struct rte_eth_dev *dev, uint16_t queue);
void dmanic_txq_info_get(struct rte_eth_dev *dev, uint16_t queue, struct rte_eth_txq_info *info);

/* dmanic_filter.c: what is received. */
int dmanic_promiscuous_enable(struct rte_eth_dev *dev);
int dmanic_promiscuous_disable(struct rte_eth_dev *dev);
int dmanic_allmulticast_enable(struct rte_eth_dev *dev);
int dmanic_allmulticast_disable(struct rte_eth_dev *dev);
int dmanic_mac_addr_add(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t index,
			uint32_t vmdq);
void dmanic_mac_addr_remove(struct rte_eth_dev *dev, uint32_t index);
int dmanic_mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr);
int dmanic_set_mc_addr_list(struct rte_eth_dev *dev, struct rte_ether_addr *list, uint32_t count);
int dmanic_vlan_filter_set(struct rte_eth_dev *dev, uint16_t vlan, int is_on);
int dmanic_vlan_offload_set(struct rte_eth_dev *dev, int mask);
void dmanic_vlan_strip_queue_set(struct rte_eth_dev *dev, uint16_t queue, int is_on);
int dmanic_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);
int dmanic_flow_ctrl_get(struct rte_eth_dev *dev, struct rte_eth_fc_conf *conf);
int dmanic_flow_ctrl_set(struct rte_eth_dev *dev, struct rte_eth_fc_conf *conf);
/** All of the configuration, as a start applies it. */
void dmanic_filter_apply(struct rte_eth_dev *dev);

/* dmanic_rss_conf.c: which queue it goes to. */
int dmanic_rss_configure(struct rte_eth_dev *dev);
int dmanic_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int dmanic_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int dmanic_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *conf,
		       uint16_t size);
int dmanic_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *conf,
		      uint16_t size);

/* dmanic_stats.c */
int dmanic_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int dmanic_stats_reset(struct rte_eth_dev *dev);
int dmanic_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int dmanic_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
			    unsigned int n);

/* dmanic_ops.c */
extern const struct eth_dev_ops dmanic_ops;
/** Gives back all that the port has but its ethdev. */
int dmanic_close(struct rte_eth_dev *dev);

#define DMANIC_RSS_TYPES                                                             \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |   \
	 RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_SCTP |              \
	 RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | \
	 RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP |               \
	 RTE_ETH_RSS_NONFRAG_IPV6_SCTP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER)
