/* SPDX-License-Identifier: BSD-3-Clause */
/* The device side of dmanic: registers, rings, and the DMA engine that a doorbell runs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "dmanic_desc.h"
#include "iommu.h"

#define DMANIC_QUEUES	 32 /* a bit each in masks of 32 bits */
#define DMANIC_FETCH	 32 /* descriptors a fetch: 512 bytes, one PCIe read of MRRS 512 */
#define DMANIC_RX_CACHE	 (2 * DMANIC_FETCH)
#define DMANIC_RING_MIN	 64
#define DMANIC_RING_MAX	 4096
#define DMANIC_MTU_MAX	 9600
#define DMANIC_OVERHEAD	 (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)
#define DMANIC_FRAME_MAX (DMANIC_MTU_MAX + DMANIC_OVERHEAD)
#define DMANIC_MAC_MAX	 32
#define DMANIC_MCAST_MAX 128
#define DMANIC_RETA_SIZE 128
#define DMANIC_KEY_SIZE	 40
#define DMANIC_TUPLE_MAX 36 /* IPv6 addresses and ports */

/* Why a frame that reached the receiver had no ring to go to. */
enum dmanic_drop {
	DMANIC_DROP_MAC,     /* not our address */
	DMANIC_DROP_VLAN,    /* VLAN filtered */
	DMANIC_DROP_STOPPED, /* its receive queue is stopped */
	DMANIC_DROPS,
};

/* token holder: write; any thread: read */
struct dmanic_tx_counters {
	uint64_t frames; /* that left the device, whatever the receiver did with them */
	uint64_t bytes;
	uint64_t desc_errors; /* frames dropped for a bad descriptor, no DMA tried */
	uint64_t refused;     /* frames dropped because a DMA was refused */
	uint64_t link_drops;  /* frames dropped without a link */
};

/* token holder: write; any thread: read */
struct dmanic_rx_counters {
	uint64_t frames;
	uint64_t bytes;
	uint64_t missed;      /* frames without a buffer (pause=off) */
	uint64_t desc_errors; /* bad descriptors */
	uint64_t refused;     /* frames dropped for a refused or bad buffer */
	uint64_t oversize;    /* frames larger than the MTU or than 32 buffers */
};

struct dmanic_tx_ring {
	/* any pumping lcore: exchange; control holds it while the ring is stopped */
	uint32_t token;
	bool is_running; /* control: write */
	/* driver: write; device: read. The tail register: index in the low 16 bits, a count above
	 */
	uint64_t doorbell __attribute__((aligned(64)));
	/* what follows belongs to the token holder */
	struct iommu_translator *translator __attribute__((aligned(64)));
	uint64_t iova;
	uint16_t size;
	uint16_t fetch;	   /* index of the next descriptor to fetch */
	uint16_t done;	   /* index of the next one to write back */
	uint16_t cached;   /* fetched and not yet written back, from `done` */
	uint32_t bad;	   /* of those, a bit each: refused and counted already */
	bool is_skipping;  /* dropping the rest of a chain that was too long */
	bool is_halted;	   /* the ring itself could not be reached */
	int8_t stalled_on; /* receive ring waited for, -1: none */
	bool is_stalled_for_room;
	uint64_t stall_doorbell; /* that ring's when it had no room */
	struct dmanic_tx_counters counters;
	union dmanic_tx_desc cache[DMANIC_FETCH];
} __attribute__((aligned(64)));

struct dmanic_rx_ring {
	uint32_t token;
	bool is_running;
	uint32_t stalled; /* atomic: transmit queues of the sender that wait for this ring */
	/* driver: write; device: read */
	uint64_t doorbell __attribute__((aligned(64)));
	/* what follows belongs to the token holder */
	struct iommu_translator *translator __attribute__((aligned(64)));
	uint64_t iova;
	uint16_t size;
	uint16_t fetch;	 /* index of the next descriptor to fetch */
	uint16_t done;	 /* index of the next one to write back */
	uint16_t cached; /* descriptors in the cache */
	uint16_t next;	 /* of those, the next to use */
	uint16_t staged; /* used, not yet written back */
	uint16_t access_count;
	bool is_halted;
	bool is_stripping; /* control under the wire lock: write */
	struct dmanic_rx_counters counters;
	union dmanic_rx_desc cache[DMANIC_RX_CACHE];
	union dmanic_rx_done back[DMANIC_RX_CACHE];
	uint8_t frame[DMANIC_RX_CACHE]; /* of each staged descriptor, index in the batch */
	struct iommu_access access[DMANIC_RX_CACHE];
} __attribute__((aligned(64)));

/* What the receiver does to frames; read under a transmit token, written under the wire lock. */
struct dmanic_filter {
	bool is_promiscuous;
	bool is_allmulti;
	bool is_vlan_filtering;
	bool has_rss;
	bool needs_header; /* any of the above asks for a look at the frame */
	uint16_t frame_max;
	uint16_t mac_count;
	uint16_t mcast_count;
	struct rte_ether_addr mac[DMANIC_MAC_MAX];
	struct rte_ether_addr mcast[DMANIC_MCAST_MAX];
	uint64_t vlan[4096 / 64];
	uint64_t rss_hf;
	uint8_t reta[DMANIC_RETA_SIZE];
	uint32_t toeplitz[DMANIC_TUPLE_MAX][256]; /* hash of each byte at each place */
};

/*
 * Device structs are reused and never given back, so that a pump that lost a race with a close
 * finds tokens that it cannot take, not freed memory.
 */
struct dmanic_device {
	struct dmanic_tx_ring tx[DMANIC_QUEUES];
	struct dmanic_rx_ring rx[DMANIC_QUEUES];
	/* control under the wire lock: write */
	struct dmanic_device *receiver; /* who gets what we send; ourselves without a cable */
	struct dmanic_device *sender;	/* atomic: whose frames we get */
	bool has_link;
	bool is_pausing; /* frames wait for buffers instead of being missed */
	uint16_t rx_count;
	struct dmanic_filter filter;
	uint64_t drops[DMANIC_DROPS]; /* atomic */
	struct dmanic_device *next_free;
};

/** A device with all rings stopped, in loopback, promiscuous, without a link. NULL: no memory. */
struct dmanic_device *dmanic_device_create(void);
/** All rings must be stopped, and no cable in. */
void dmanic_device_destroy(struct dmanic_device *device);

/**
 * Gives a stopped ring its memory and starts it empty; translator is used by whoever holds the
 * token until the ring is stopped. -EINVAL: size or alignment. Control thread.
 */
int dmanic_tx_ring_start(struct dmanic_device *device, uint16_t queue, uint64_t iova, uint16_t size,
			 struct iommu_translator *translator);
int dmanic_rx_ring_start(struct dmanic_device *device, uint16_t queue, uint64_t iova, uint16_t size,
			 struct iommu_translator *translator);
/** On return the device touches neither ring, buffers nor translator. Control thread. */
void dmanic_tx_ring_stop(struct dmanic_device *device, uint16_t queue);
void dmanic_rx_ring_stop(struct dmanic_device *device, uint16_t queue);

/** Stops all transmission towards `device` for a change of filter, cable or link. */
void dmanic_wire_lock(struct dmanic_device *device);
void dmanic_wire_unlock(struct dmanic_device *device);

/** Joins two devices, both of them in loopback; or puts them back into loopback. */
void dmanic_cable_plug(struct dmanic_device *a, struct dmanic_device *b);
void dmanic_cable_unplug(struct dmanic_device *a, struct dmanic_device *b);

/** Moves what the transmit queues of this bitmap hold to the receiver. Any thread; never waits. */
void dmanic_pump(struct dmanic_device *device, uint32_t queues);

/** Tail registers. The driver's lcore of that queue; descriptors before `tail` are the device's. */
static inline void dmanic_ring_doorbell(uint64_t *doorbell, uint16_t tail)
{
	uint64_t count = (*doorbell >> 16) + 1;

	__atomic_store_n(doorbell, count << 16 | tail, __ATOMIC_RELEASE);
}

static inline void dmanic_tx_doorbell(struct dmanic_device *device, uint16_t queue, uint16_t tail)
{
	dmanic_ring_doorbell(&device->tx[queue].doorbell, tail);
	dmanic_pump(device, 1u << queue);
}

static inline void dmanic_rx_doorbell(struct dmanic_device *device, uint16_t queue, uint16_t tail)
{
	dmanic_ring_doorbell(&device->rx[queue].doorbell, tail);
}

/** Lets frames in that waited for this receive ring; what rx_burst calls after it refilled. */
static inline void dmanic_rx_resume(struct dmanic_device *device, uint16_t queue)
{
	uint32_t queues = __atomic_load_n(&device->rx[queue].stalled, __ATOMIC_RELAXED);

	if (__builtin_expect(queues != 0, 0))
		dmanic_pump(__atomic_load_n(&device->sender, __ATOMIC_ACQUIRE), queues);
}
