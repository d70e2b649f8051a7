/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the tracker share: lanes, domains, probes and who writes what. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "iotlb_reuse.h"
#include "iotlb_shadow.h"
#include "tracker.h"

#define TRACKER_BURST_MAX 512  /* packets of one offer */
#define TRACKER_PAGES_MAX 2048 /* pages of one burst; the packets after them are not counted */
#define TRACKER_COPIES	  2    /* of the histogram: an add need not wait for the one before */
#define TRACKER_PAGES	  (UINT32_C(1) << 28) /* of a domain */

/* Where a lane's clock jumps when it goes on after a pause: far from every page's last access. */
#define TRACKER_GAP (4 * TRACKER_PAGES_MAX)

/* A range of a domain and the number of its first page; pages of a domain number through. */
struct tracker_place {
	uint64_t iova;
	uint64_t size;
	uint32_t first;
	uint32_t shift;
};

struct tracker_domain {
	struct tracker *tracker;
	struct tracker_domain *next;
	struct tracker_place *place;
	unsigned int place_count;
	uint32_t pages;
	uint32_t id;
};

/* A lane's pages of one domain: the lane's clock at the last access, 0: never. */
struct tracker_stamps {
	struct tracker_stamps *next;
	struct tracker_domain *domain;
	uint32_t *stamp;
};

struct tracker_probe;

/* Written by its lcore alone, but for what is said. */
struct tracker_lane {
	struct tracker *tracker;
	struct tracker_lane *next;     /* control */
	struct tracker_stamps *stamps; /* control, while no queue of the domain is polled */
	unsigned int lcore;
	unsigned int users; /* control: queues */

	uint32_t clock; /* accesses */
	uint32_t since; /* clock when the window began: earlier stamps tell nothing */
	uint32_t mode;	/* tracker_queue.mode when it was last looked at */
	bool is_counting;
	bool is_sampling;
	bool is_first;	/* the first window ever: what was not seen in it was not used before */
	uint32_t pause; /* bursts until the time is looked at again */
	uint64_t window_start; /* TSC */
	uint64_t window_next;
	struct tracker_probe *polled;  /* the receive queue polled last */
	struct tracker_probe *waiting; /* transmit queues to be counted when a round begins */
	uint32_t round;		       /* of polls: in each, a receive queue is polled once */

	/* Replacement by flush: a page is in when it was used since. */
	bool is_flushing;
	uint32_t flushed;
	uint32_t fills;

	/* Other replacements and sets: fed for a part of the time. */
	struct iotlb_shadow *shadow; /* NULL: not needed */
	bool is_shadowing;
	uint32_t shadow_turn; /* clock when the feeding stops or begins again */
	uint32_t shadow_warm; /* accesses that are not yet counted */

	uint32_t turn; /* clock of the next thing to do above */
} __rte_cache_aligned;

/* Counters of a probe: written by the lcore, read by control threads. */
struct tracker_counts {
	uint64_t packets;  /* seen */
	uint64_t counted;  /* of these, in bursts that were counted */
	uint64_t accesses; /* counted */
	uint64_t ring_accesses;
	uint64_t cold;
	uint64_t repeated; /* to the page of the access before: a reuse time of 1 */
	uint64_t beyond;
	uint64_t flush_misses;
	uint64_t shadow_accesses; /* seen by the shadow IOTLB, but for cold ones */
	uint64_t shadow_misses;
};

/* The ring's place, ready to be counted. */
struct tracker_lines {
	uint64_t offset; /* of the ring in its place */
	uint32_t size;	 /* bytes; 0: not counted */
	uint32_t at;	 /* bytes: where the next burst begins */
	uint32_t desc_size;
	uint32_t line_shift;
	uint32_t cached; /* rx: bytes that were fetched and not yet used */
	bool is_fetch;	 /* a line begins where the device stands */
	bool is_cabled;
	uint32_t first; /* page at offset 0 of the place */
	uint32_t shift;
};

struct tracker_probe {
	struct tracker_queue queue; /* first: the public part */
	bool is_rx;
	bool is_waiting; /* tx: `pages` are of a burst that was sent and not yet counted */
	bool is_linked;	 /* tx: in a list of those that wait */
	bool is_plain;	 /* tx: one page and descriptor for each packet offered */
	bool is_one;	 /* plain, and all in page[0]: the others are not set */
	struct tracker_lane *lane;
	uint32_t *stamp;
	uint8_t *touched; /* a byte a page: number of the window of the last access, 0: none */
	struct tracker_place place; /* the one hit last */
	struct tracker_lines ring;
	struct tracker_counts counts;
	uint32_t round;		       /* rx: when it was polled last */
	struct tracker_probe *waiting; /* rx: cabled transmit queues, to be counted at its poll */
	struct tracker_probe *waiting_next;
	uint16_t offered; /* packets whose pages are known */
	uint16_t sent;
	uint16_t page_count;
	uint16_t desc_count;
	uint64_t count[TRACKER_COPIES][IOTLB_REUSE_BUCKETS];
	uint64_t fresh[IOTLB_REUSE_BUCKETS];
	uint32_t page[TRACKER_PAGES_MAX];
	uint16_t page_end[TRACKER_BURST_MAX]; /* not plain: behind the pages of each packet */
	uint16_t desc_end[TRACKER_BURST_MAX];

	/* Control threads only. */
	struct tracker_domain *domain;
	struct tracker_probe *next;
	uint16_t number;
	uint64_t working_set;
	struct tracker_counts base; /* at the last clear */
	struct iotlb_reuse base_reuse;
	const struct rte_eth_rxtx_callback *callback;
	uint16_t port;
} __rte_cache_aligned;

struct tracker {
	struct iotlb_geometry profile;
	uint32_t mode;	/* generation << 2 | enum tracker_mode; generations tell changes apart */
	uint8_t window; /* 2 to 255; control: write, lcores: read */
	struct tracker_domain *domains;
	struct tracker_lane *lanes;
	struct tracker_probe *probes;
	uint64_t working_set;
};

/* Touched long before this window; pages touched in one have its number. */
#define TRACKER_EARLIER	     1
#define TRACKER_WINDOW_FIRST 2

static inline struct tracker_probe *tracker_probe(struct tracker_queue *queue)
{
	return (struct tracker_probe *)queue;
}

/* --- domains -------------------------------------------------------------------------------- */

/* The place of an address, or NULL. */
const struct tracker_place *tracker_place_find(const struct tracker_domain *domain, uint64_t iova);
/* The name that a page has in a shadow IOTLB. */
uint64_t tracker_page_name(const struct tracker_domain *domain, uint32_t page);

/* --- lanes ---------------------------------------------------------------------------------- */

/* Finds or makes the lane of an lcore with stamps for the domain; counts its users up. */
int tracker_lane_take(struct tracker_domain *domain, unsigned int lcore, struct tracker_lane **lane,
		      uint32_t **stamp);
void tracker_lane_give(struct tracker_lane *lane);
/* Frees what lanes have of a domain that has no queues any more. */
void tracker_lanes_forget(const struct tracker_domain *domain);
/* Counts what its transmit queues have sent; while none of its queues is polled. */
void tracker_lane_settle(struct tracker_lane *lane);
/* Whether this burst counts, after a change of mode or in a pause of the sampling. */
bool tracker_lane_wakes(struct tracker_lane *lane, uint32_t mode);
/* Ends a window or a period of the shadow when its time has come. */
void tracker_lane_turn(struct tracker_lane *lane);

/* --- probes --------------------------------------------------------------------------------- */

/* Pages of a burst with chains, of several ranges or across pages; see tracker_probe. */
void tracker_pages_resolve(struct tracker_probe *probe, struct rte_mbuf *const *pkts, uint16_t n);
/* Counts a burst that a transmit queue has sent. */
void tracker_burst_count_sent(struct tracker_probe *probe);
/* Copies what a probe has counted since the last clear, while its lcore goes on. */
void tracker_probe_snapshot(const struct tracker_probe *probe, struct tracker_counts *counts,
			    struct iotlb_reuse *reuse);
/* Counts from now on. */
void tracker_probe_rebase(struct tracker_probe *probe);
