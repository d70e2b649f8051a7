/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: an ethdev with its IOMMU domain, its arena, its pools and its per-queue counters. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "base_error.h"
#include "dma.h"
#include "iommu.h"

#define PORT_QUEUES_MAX 64
/* An mbuf counts its buffer in 16 bits, and buffers begin at cache lines. */
#define PORT_MBUF_SIZE_MAX (UINT16_MAX + 1 - RTE_CACHE_LINE_SIZE)
#define PORT_NAME_SIZE	   IOMMU_NAME_SIZE

struct engine;
struct port_policy;

/* What a device's name says of it. */
enum port_kind {
	PORT_PLAIN,  /* net_null, net_memif ...: no domain */
	PORT_DMANIC, /* ioplane's software NIC, behind a software unit */
	PORT_PCI,    /* "0000:03:00.0" */
};

/* What of EAL's memory, where drivers may keep what a device reads, a PCI device reaches. */
enum port_eal_memory {
	PORT_EAL_MEMORY_NO,   /* none: the driver keeps nothing there */
	PORT_EAL_MEMORY_HEAP, /* none: at its probe the driver takes from the port's heap */
	PORT_EAL_MEMORY_YES,  /* all of it, at EAL's own IOVAs */
};

/* One queue's traffic. The lcore that polls the queue: write; any thread: read (relaxed). */
struct port_counters {
	uint64_t packets;
	uint64_t bytes;
	uint64_t drops; /* tx: not taken by the device and freed; rx: 0, the device counts */
} __rte_cache_aligned;

/* Buffers that a port transmits from and does not receive into: an arena, mapped read-only. */
struct port_pool {
	TAILQ_ENTRY(port_pool) link;
	struct port *port;
	struct dma_arena *arena;
	struct rte_mempool *mempool;
	bool is_retired; /* given back by its owner; mbufs of it may wait in a ring */
};

enum port_state {
	PORT_STOPPED,
	PORT_STARTED,
	PORT_CLOSED, /* the ethdev is gone; the id stays taken until detach */
};

struct port {
	/* set when the port is added */
	uint16_t id; /* ethdev's */
	char name[PORT_NAME_SIZE];
	char driver[PORT_NAME_SIZE];
	char devargs[1024]; /* as the user gave them, name first; "" when EAL plugged it */
	enum port_kind kind;
	int node;     /* NUMA, -1: unknown */
	bool is_ours; /* plugged by us, after attach and map (design 3.11) */
	enum port_eal_memory eal_memory;
	const char *eal_memory_why;  /* "as asked for", or why auto chose it; NULL: not PCI */
	bool is_link_waived;	     /* nobody waits for its link any more, until it was up */
	struct iommu_device *device; /* NULL: a port without a domain */
	struct iommu_domain *domain; /* the device's; outlives it when a reset fails */
	struct dma_arena *arena;     /* rings (only with a domain) and receive buffers */
	char heap[32];		     /* external malloc heap of the ring part, or "" */
	int heap_socket;	     /* its socket id, else the node's */
	struct rte_mempool *mempool; /* receive buffers, in the arena */
	/* under strict and deferred, and with --pool-per-queue: one each, mempool the first */
	struct rte_mempool *queue_pools[PORT_QUEUES_MAX];
	uint16_t queue_pool_count;
	struct port_policy *policy; /* acts at hand-over; NULL: static */
	LIST_HEAD(, port_policy) old_policies;
	/* why no PMU counts for it, or what is missing; "": nothing */
	char pmu_reason[BASE_ERROR_TEXT_SIZE];
	struct dma_ledger ledger; /* the arena's mappings, static; main lcore: write */
	TAILQ_HEAD(, port_pool) pools;

	/* configuration; written by the main lcore while the port is stopped */
	enum port_state state;
	uint16_t rxq, txq, rxd, txd;
	struct dma_policy_config dma_policy; /* from the next start on */
	uint32_t mtu;			     /* 0: as --max-pkt-len says */
	uint64_t rss_hf;		     /* what is hashed, as asked for */
	uint64_t rx_stopped, tx_stopped;     /* by port P rxq Q stop; a bit a queue */
	bool was_started;
	uint32_t starts; /* how often */
	struct rte_eth_conf conf;
	struct rte_eth_dev_info info;
	bool needs_configure;	     /* queue counts or conf changed since the last start */
	const struct engine *engine; /* what this port does when forwarding starts */
	void *engine_data;	     /* the engine's, from port_begin to port_end */

	/* the lcore of the queue's stream: write; any: read; main lcore clears while stopped */
	struct port_counters rx[PORT_QUEUES_MAX];
	struct port_counters tx[PORT_QUEUES_MAX];
};

/* --- the table ------------------------------------------------------------------------------ */

/** The port of this ethdev id, or NULL. */
struct port *port_find(uint16_t id);

/** All ports by id: the one after `prev`, NULL: the first. Main lcore. */
struct port *port_next(const struct port *prev);
unsigned int port_count(void);

/** True for net_null: a poll of it always gives packets, made up on the spot. */
bool port_makes_packets(const struct port *port);

/** The process's IOVA plan, made with the first port. */
struct dma_space *port_space(void);
/** True when it is there, and IOVAs are physical addresses, as EAL's mode PA asks. */
bool port_space_is_physical(void);

/* --- life; main lcore, forwarding stopped ----------------------------------------------------- */

/** Takes a port that EAL has plugged already (net_null, net_memif ...): no domain. */
int port_add(uint16_t id, struct port **out, struct base_error *err);

/**
 * Plugs a device from "name[,args]" or "0000:03:00.0[,args]". A net_dmanic and a PCI device get a
 * domain, an arena and a heap first (design 3.2, 3.3, 3.11). On failure nothing is left behind.
 */
int port_attach(const char *devargs, struct port **out, struct base_error *err);

/** Unplugs it and gives everything back; refused with -EBUSY while it is started. */
int port_detach(struct port *port, struct base_error *err);

/** Starts it with all its queues. */
int port_start(struct port *port, struct base_error *err);
/** The same, but for queues that were stopped: for a port that only we have stopped. */
int port_resume(struct port *port, struct base_error *err);
int port_stop(struct port *port, struct base_error *err);
int port_close(struct port *port, struct base_error *err);
int port_reset(struct port *port, struct base_error *err);

/**
 * Stops and starts the other ports: no transmit ring holds a buffer of this one any more. Goes
 * through all of them; the error of one that does not start again.
 */
int port_drain_others(const struct port *port, struct base_error *err);

/** Stops, closes and detaches all: the end of the program. */
void port_cleanup(void);

/* --- buffers -------------------------------------------------------------------------------- */

/**
 * Makes n mbufs with data_room bytes each (headroom included) for what `port` transmits; its
 * domain may read them and nothing else. The caller owns the pool. Main lcore; the port
 * may be started. -ENOMEM with the next step in err.
 */
int port_pool_create(struct port *port, const char *name, uint32_t n, uint16_t data_room,
		     struct port_pool **out, struct base_error *err);

/** Freed now, or, while some of its mbufs wait in a ring, once they are back. NULL is fine. */
void port_pool_destroy(struct port_pool *pool);
