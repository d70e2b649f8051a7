/* SPDX-License-Identifier: BSD-3-Clause */
/* Per-queue probes on any ethdev: what the traffic asks of an IOTLB, without one to look into. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "iotlb_geometry.h"

/*
 * All queues that one lcore polls behind one unit are a lane: they share a clock, which counts
 * their accesses, and the time of the last access to each page. A reuse time so is counted in
 * accesses of the lane, whoever used the page last, as a shared IOTLB has it. Lanes are composed by
 * their rates, as if no page were used by two of them.
 *
 * An access is one page of one segment of a packet, or one line of a descriptor ring: read when it
 * is fetched, written when it is handed back.
 */
enum tracker_mode {
	TRACKER_OFF,
	TRACKER_SAMPLED, /* as full in one of 16 windows of 2^18 accesses of a lane */
	TRACKER_FULL,	 /* every burst */
};

struct tracker;	       /* all that stands behind one IOTLB: one IOMMU unit */
struct tracker_domain; /* the addresses of one domain */

/* One receive or transmit queue; what the polling lcore looks at first, the rest is private. */
struct tracker_queue {
	uint32_t mode; /* 0: off; control thread: write, lcore: read */
};

/* Mapped memory of a domain; iova and size are multiples of the page. */
struct tracker_range {
	uint64_t iova;
	uint64_t size;
	uint8_t page_shift;
};

/* A descriptor ring as the device reads and writes it. size 0: not known, not counted. */
struct tracker_ring {
	uint64_t iova;
	uint16_t size;	    /* descriptors */
	uint16_t desc_size; /* bytes */
	/*
	 * Bytes that the device takes at once, a power of two. Up to 64: cache lines, each that a
	 * burst touches. More: a fetch from wherever the device stands (dmanic: 512).
	 */
	uint16_t line;
	/*
	 * What is sent arrives behind the same unit at once, in a queue of the lcore that sends: a
	 * cable between software devices. Descriptors are handed back when it has arrived.
	 */
	bool is_cabled;
};

/** profile: the IOTLB that misses are predicted for. Control threads, as all without a word. */
int tracker_create(const struct iotlb_geometry *profile, struct tracker **out);
/** Frees its domains and queues, too; nobody polls them any more. */
void tracker_destroy(struct tracker *tracker);

/** Any time, while traffic runs: takes effect at each queue's next burst. */
void tracker_set_mode(struct tracker *tracker, enum tracker_mode mode);
enum tracker_mode tracker_mode(const struct tracker *tracker);

/** Begins anew: figures from now on; while traffic runs. Pages seen before stay seen. */
void tracker_clear(struct tracker *tracker);

/**
 * Ranges are copied. -EINVAL: not whole pages, or ranges overlap. id tells domains apart where the
 * profile's IOTLB does.
 */
int tracker_domain_create(struct tracker *tracker, uint32_t id, const struct tracker_range *ranges,
			  unsigned int n, struct tracker_domain **out);
/** One range more; while no queue of the domain is polled. */
int tracker_domain_add_range(struct tracker_domain *domain, const struct tracker_range *range);
/** With its queues. */
void tracker_domain_destroy(struct tracker_domain *domain);

/** A queue that `lcore` polls. ring may be NULL: not counted. -EINVAL: a ring outside all ranges.
 */
int tracker_queue_create(struct tracker_domain *domain, unsigned int lcore, bool is_rx,
			 uint16_t queue, const struct tracker_ring *ring,
			 struct tracker_queue **out);
void tracker_queue_destroy(struct tracker_queue *queue);
/** Moves it to another lcore or ring (queue started anew); not while it is polled. Figures stay. */
int tracker_queue_bind(struct tracker_queue *queue, unsigned int lcore,
		       const struct tracker_ring *ring);

/*
 * Hot path, the polling lcore. Order matters to a model of reuse: call tracker_rx() after every
 * receive burst, an empty one too, and the tracker_tx_*() around each transmit burst.
 */
void tracker_rx_burst(struct tracker_queue *queue, struct rte_mbuf *const *pkts, uint16_t n);
void tracker_tx_burst_offer(struct tracker_queue *queue, struct rte_mbuf *const *pkts, uint16_t n);
void tracker_tx_burst_commit(struct tracker_queue *queue, uint16_t sent);

static inline bool tracker_is_on(const struct tracker_queue *queue)
{
	return unlikely(__atomic_load_n(&queue->mode, __ATOMIC_RELAXED) != 0);
}

/** Before a receive burst, which takes long enough: what tracker_rx() will need is on its way. */
static inline void tracker_prefetch(const struct tracker_queue *queue)
{
	if (!tracker_is_on(queue))
		return;
	for (unsigned int line = 1; line < 4; line++)
		rte_prefetch0(RTE_PTR_ADD(queue, line * RTE_CACHE_LINE_SIZE));
}

/** After a receive burst; addresses are those of the mbufs as they are now. */
static inline void tracker_rx(struct tracker_queue *queue, struct rte_mbuf *const *pkts, uint16_t n)
{
	if (tracker_is_on(queue))
		tracker_rx_burst(queue, pkts, n);
}

/** Before a transmit burst, which may free the mbufs: keeps the addresses of 512 packets at most.
 */
static inline void tracker_tx_offer(struct tracker_queue *queue, struct rte_mbuf *const *pkts,
				    uint16_t n)
{
	if (tracker_is_on(queue))
		tracker_tx_burst_offer(queue, pkts, n);
}

/** After it: the first `sent` packets are counted. */
static inline void tracker_tx_commit(struct tracker_queue *queue, uint16_t sent)
{
	if (tracker_is_on(queue))
		tracker_tx_burst_commit(queue, sent);
}

/**
 * Counts the transmit bursts, one a queue at most, that wait for their place among the receive
 * bursts. When the lcores have stopped, before figures that must be complete are read.
 */
void tracker_settle(struct tracker *tracker);

/**
 * The same as rx/tx callbacks of an ethdev, for programs that are not ioplane. A tx callback does
 * not hear what the device refused: packets that are offered again are counted again.
 */
int tracker_attach(struct tracker_queue *queue, uint16_t port_id);
/** The queue may be destroyed once no burst is under way any more. */
int tracker_detach(struct tracker_queue *queue);

#define TRACKER_CURVE_POINTS 8 /* 32, 64, ... 4096 entries */
static inline uint32_t tracker_curve_entries(unsigned int point)
{
	return UINT32_C(32) << point;
}

#define TRACKER_NONE UINT64_MAX /* a working set before the first window has ended */

struct tracker_figures {
	enum tracker_mode mode;
	uint64_t packets;	/* seen in bursts, counted or not */
	uint64_t accesses;	/* sampled: scaled up by packets seen / counted */
	uint64_t ring_accesses; /* of these, to descriptors */
	uint64_t cold; /* of these, the first to their page; sampled: of the first window */
	uint64_t pages_touched;	   /* different pages since start or clear; sampled: at least */
	uint64_t working_set;	   /* different pages in the last whole window, see tracker_tick */
	uint64_t entries_needed;   /* for 99 % of accesses that are not the first to their page */
	uint64_t predicted_misses; /* with the profile, among all queues behind the unit */
	uint32_t share_ppm;	   /* of the unit's predicted misses; 0 when there are none */
	uint32_t alone_ppm[TRACKER_CURVE_POINTS];  /* with an IOTLB for itself; a guess if pages are
						      shared */
	uint32_t shared_ppm[TRACKER_CURVE_POINTS]; /* among all queues behind the unit */
	uint64_t beyond;			   /* accesses outside all ranges: not modelled */
};

/** Figures while the lcore goes on. One control thread at a time; -ENOMEM. */
int tracker_queue_read(struct tracker_queue *queue, struct tracker_figures *out);

/**
 * The next run of neighbouring pages that the queue has touched since start or clear, from page
 * number *page on (0 at first), which it moves behind them. false: no more. While its lcore goes
 * on; sampled: not all. Control threads.
 */
bool tracker_queue_touched(struct tracker_queue *queue, uint32_t *page, struct tracker_range *out);

struct tracker_unit_figures {
	enum tracker_mode mode;
	unsigned int lanes; /* that have counted anything */
	uint64_t packets;
	uint64_t accesses;
	uint64_t pages_touched; /* a page that several queues use counts once */
	uint64_t working_set;
	uint64_t entries_needed;
	uint64_t predicted_misses;
	uint32_t miss_ppm[TRACKER_CURVE_POINTS];
	uint64_t beyond;
	/*
	 * How predicted_misses came about. "flush": with the time of each page's last access, exact
	 * in mode full; "shadow": an IOTLB of the profile's geometry that sees one access of 16;
	 * "curve": LRU of one set and that many entries.
	 */
	const char *method;
	struct iotlb_geometry profile;
};

/** Of all queues behind the unit; as tracker_queue_read(). */
int tracker_read(struct tracker *tracker, struct tracker_unit_figures *out);

/** Once a second or so: closes the window of the working sets and opens the next. */
void tracker_tick(struct tracker *tracker);
