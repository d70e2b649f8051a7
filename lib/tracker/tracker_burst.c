/* SPDX-License-Identifier: BSD-3-Clause */
/* The hot path: pages of a burst, the time since each was used last, and histograms of that. */
#include "tracker_private.h"

static inline void bump(uint64_t *field, uint64_t by)
{
	__atomic_store_n(field, *field + by, __ATOMIC_RELAXED);
}

#define ONE_PART 8 /* packets */

/* --- pages of a burst ----------------------------------------------------------------------- */

/*
 * Pages of packets of one segment that each lie in one page of the range hit last. false: not all
 * do.
 */
static inline bool resolve_plain(const struct tracker_place *place, struct rte_mbuf *const *pkts,
				 uint16_t n, uint32_t *page)
{
	const uint64_t base = place->iova, size = place->size;
	const uint32_t first = place->first, shift = place->shift;

	for (unsigned int i = 0; i < n; i++) {
		const struct rte_mbuf *mbuf = pkts[i];
		uint64_t offset = mbuf->buf_iova + mbuf->data_off - base;
		uint64_t last = offset + mbuf->data_len - 1;

		if (unlikely(offset >= size))
			return false;
		if (unlikely((((offset ^ last) >> shift) | (mbuf->nb_segs ^ 1u)) != 0))
			return false;
		page[i] = first + (uint32_t)(offset >> shift);
	}
	return true;
}

/*
 * True when packets of one segment have all their buffers in one page, as those of large pages
 * often do: then one page is looked up. Where they have not, the first few tell. No buffer ends
 * before it starts, so where all bits of any end are bits of each start, all pages are the same.
 */
static inline bool resolve_one(const struct tracker_place *place, struct rte_mbuf *const *pkts,
			       uint16_t n, uint32_t *page)
{
	const uint64_t offset = pkts[0]->buf_iova - place->iova;
	struct rte_mbuf *const *end = pkts + n;
	uint64_t starts = UINT64_MAX, ends = 0;
	uint16_t segments = 0;

	if (unlikely(offset >= place->size))
		return false;
	while (pkts < end) {
		struct rte_mbuf *const *part = RTE_MIN(pkts + ONE_PART, end);

#pragma GCC unroll 4
		for (; pkts < part; pkts++) {
			uint64_t iova = (*pkts)->buf_iova;

			starts &= iova;
			ends |= iova + (*pkts)->buf_len - 1;
			segments |= (*pkts)->nb_segs;
		}
		if (((starts ^ ends) >> place->shift) != 0)
			return false;
	}
	*page = place->first + (uint32_t)(offset >> place->shift);
	return segments == 1;
}

static inline void resolve(struct tracker_probe *probe, struct rte_mbuf *const *pkts, uint16_t n)
{
	probe->is_one = resolve_one(&probe->place, pkts, n, probe->page);
	probe->is_plain = probe->is_one || resolve_plain(&probe->place, pkts, n, probe->page);
	if (likely(probe->is_plain)) {
		probe->offered = n;
		probe->page_count = n;
		probe->desc_count = n;
	} else {
		tracker_pages_resolve(probe, pkts, n);
	}
}

/* --- counting ------------------------------------------------------------------------------- */

/* What a burst needs at hand; clock is that of its next access. */
struct cursor {
	uint32_t *stamp;
	uint8_t *touched;
	uint64_t (*count)[IOTLB_REUSE_BUCKETS];
	uint32_t clock;
	uint32_t limit; /* a longer time reaches back behind the window */
	uint8_t window;
};

static inline struct cursor cursor_begin(struct tracker_probe *probe)
{
	const struct tracker_lane *lane = probe->lane;
	uint32_t age = lane->clock - lane->since;

	return (struct cursor){
		.stamp = probe->stamp,
		.touched = probe->touched,
		.count = probe->count,
		.clock = lane->clock,
		.limit = age + TRACKER_GAP / 2,
		.window = __atomic_load_n(&lane->tracker->window, __ATOMIC_RELAXED),
	};
}

/* A page not used in this window. */
static __rte_noinline void count_unseen(struct tracker_probe *probe, uint32_t stamp, uint32_t clock)
{
	const struct tracker_lane *lane = probe->lane;

	if (stamp == 0 && (!lane->is_sampling || lane->is_first))
		bump(&probe->counts.cold, 1);
	else
		bump(&probe->fresh[iotlb_reuse_index((clock - lane->since) | 1)], 1);
}

static __rte_noinline void count_flush(struct tracker_probe *probe, uint32_t stamp, uint32_t clock)
{
	struct tracker_lane *lane = probe->lane;

	if (clock - stamp <= clock - lane->flushed)
		return;
	bump(&probe->counts.flush_misses, 1);
	/* As QEMU's vtd_update_iotlb() does: a full table is emptied before the next insert. */
	if (lane->fills == lane->tracker->profile.entries) {
		lane->fills = 0;
		lane->flushed = clock;
	}
	lane->fills++;
}

static __rte_noinline void count_shadow(struct tracker_probe *probe, uint32_t page, uint32_t stamp)
{
	struct tracker_lane *lane = probe->lane;
	bool is_hit = iotlb_shadow_access(lane->shadow, tracker_page_name(probe->domain, page));

	if (lane->shadow_warm > 0) {
		lane->shadow_warm--;
		return;
	}
	/* Cold accesses are rare after the first period, but all are known: not to be scaled. */
	if (stamp == 0)
		return;
	bump(&probe->counts.shadow_accesses, 1);
	bump(&probe->counts.shadow_misses, !is_hit);
}

static inline __attribute__((always_inline)) void count_page(struct tracker_probe *probe,
							     struct cursor *cursor, uint32_t page,
							     unsigned int copy, bool has_more)
{
	uint32_t stamp = cursor->stamp[page], time = cursor->clock - stamp;

	if (unlikely(time > cursor->limit))
		count_unseen(probe, stamp, cursor->clock);
	else
		bump(&cursor->count[copy][iotlb_reuse_index(time)], 1);
	if (has_more && probe->lane->is_flushing)
		count_flush(probe, stamp, cursor->clock);
	if (has_more && probe->lane->is_shadowing)
		count_shadow(probe, page, stamp);
	cursor->stamp[page] = cursor->clock++;
	__atomic_store_n(&cursor->touched[page], cursor->window, __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) void count_pages(struct tracker_probe *probe,
							      struct cursor *to, unsigned int n,
							      bool has_more)
{
	struct cursor cursor = *to; /* in registers */
	const uint32_t *page = probe->page, *end = page + n, *pairs = page + n / 2 * 2;

	for (; page < pairs; page += 2) {
		count_page(probe, &cursor, page[0], 0, has_more);
		count_page(probe, &cursor, page[1], 1, has_more);
	}
	if (page < end)
		count_page(probe, &cursor, page[0], 0, has_more);
	to->clock = cursor.clock;
}

/* `times` accesses in a row to one page: after the first they are hits in any IOTLB. */
static inline __attribute__((always_inline)) void count_run(struct tracker_probe *probe,
							    struct cursor *cursor, uint32_t page,
							    uint32_t times)
{
	struct tracker_lane *lane = probe->lane;
	uint32_t more = times - 1;

	count_page(probe, cursor, page, 0, true);
	if (more == 0)
		return;
	bump(&probe->counts.repeated, more);
	if (lane->is_shadowing && lane->shadow_warm == 0)
		bump(&probe->counts.shadow_accesses, more);
	else if (lane->is_shadowing)
		lane->shadow_warm -= RTE_MIN(lane->shadow_warm, more);
	cursor->clock += more;
	cursor->stamp[page] = cursor->clock - 1;
}

/* --- the ring ------------------------------------------------------------------------------- */

static inline uint32_t lines_between(const struct tracker_lines *ring, uint32_t start, uint32_t end)
{
	if (ring->is_fetch)
		return ((end - start - 1) >> ring->line_shift) + 1;
	return ((end - 1) >> ring->line_shift) - (start >> ring->line_shift) + 1;
}

/* From start to end without the ring's end between; page by page. Returns accesses. */
static uint32_t count_lines_between(struct tracker_probe *probe, struct cursor *cursor,
				    uint32_t start, uint32_t end)
{
	const struct tracker_lines *ring = &probe->ring;
	uint32_t total = 0;

	while (start < end) {
		uint64_t page = (ring->offset + start) >> ring->shift;
		uint64_t page_end = ((page + 1) << ring->shift) - ring->offset;
		uint32_t stop = page_end < end ? (uint32_t)page_end : end;
		uint32_t lines = lines_between(ring, start, stop);

		count_run(probe, cursor, ring->first + (uint32_t)page, lines);
		total += lines;
		start = stop;
	}
	return total;
}

/* The lines of some bytes, once; `at` is below the ring's size. */
static inline uint32_t count_lines(struct tracker_probe *probe, struct cursor *cursor, uint32_t at,
				   uint32_t bytes)
{
	const struct tracker_lines *ring = &probe->ring;
	uint32_t total;

	if (ring->size == 0 || bytes == 0)
		return 0;
	if (likely(at + bytes <= ring->size))
		return count_lines_between(probe, cursor, at, at + bytes);
	if (unlikely(bytes > ring->size))
		bytes = ring->size;
	total = count_lines_between(probe, cursor, at, ring->size);
	return total + count_lines_between(probe, cursor, 0, at + bytes - ring->size);
}

/*
 * Descriptors to send are fetched as they come. Those to receive into are there before: a device
 * that takes a large line at once has some left of it for the next burst.
 */
static inline uint32_t count_fetch(struct tracker_probe *probe, struct cursor *cursor,
				   uint32_t bytes)
{
	struct tracker_lines *ring = &probe->ring;
	const uint32_t line = UINT32_C(1) << ring->line_shift;
	uint32_t total = 0, at = ring->at + ring->cached;

	if (!probe->is_rx || !ring->is_fetch)
		return count_lines(probe, cursor, ring->at, bytes);
	for (; ring->cached < bytes && ring->size != 0; ring->cached += line) {
		while (at >= ring->size)
			at -= ring->size;
		total += count_lines(probe, cursor, at, line);
		at += line;
	}
	ring->cached -= bytes;
	return total;
}

static inline void advance_ring(struct tracker_lines *ring, uint32_t descs)
{
	if (ring->size == 0)
		return;
	ring->at += descs * ring->desc_size;
	while (unlikely(ring->at >= ring->size))
		ring->at -= ring->size;
}

/* --- bursts --------------------------------------------------------------------------------- */

static inline void end_count(struct tracker_probe *probe, const struct cursor *cursor,
			     uint32_t ring)
{
	struct tracker_lane *lane = probe->lane;

	bump(&probe->counts.accesses, cursor->clock - lane->clock);
	bump(&probe->counts.ring_accesses, ring);
	lane->clock = cursor->clock;
	if (unlikely((int32_t)(cursor->clock - lane->turn) >= 0))
		tracker_lane_turn(lane);
}

/* Descriptors are fetched, and data moves. */
static inline uint32_t count_data(struct tracker_probe *probe, struct cursor *cursor,
				  unsigned int packets, unsigned int pages, unsigned int descs)
{
	const struct tracker_lane *lane = probe->lane;
	uint32_t ring = count_fetch(probe, cursor, descs * probe->ring.desc_size);

	if (probe->is_one && pages > 0)
		count_run(probe, cursor, probe->page[0], pages);
	else if (unlikely(lane->is_flushing || lane->is_shadowing))
		count_pages(probe, cursor, pages, true);
	else
		count_pages(probe, cursor, pages, false);
	bump(&probe->counts.counted, packets);
	return ring;
}

/* Descriptors are handed back. */
static inline uint32_t count_back(struct tracker_probe *probe, struct cursor *cursor,
				  unsigned int descs)
{
	uint32_t ring = count_lines(probe, cursor, probe->ring.at, descs * probe->ring.desc_size);

	advance_ring(&probe->ring, descs);
	return ring;
}

static inline void count_burst(struct tracker_probe *probe, unsigned int packets,
			       unsigned int pages, unsigned int descs)
{
	struct cursor cursor = cursor_begin(probe);
	uint32_t ring = count_data(probe, &cursor, packets, pages, descs);

	ring += count_back(probe, &cursor, descs);
	end_count(probe, &cursor, ring);
}

static inline unsigned int sent_descs(const struct tracker_probe *probe)
{
	return probe->is_plain || probe->sent == 0 ? probe->sent : probe->desc_end[probe->sent - 1];
}

static inline unsigned int sent_pages(const struct tracker_probe *probe)
{
	return probe->is_plain || probe->sent == 0 ? probe->sent : probe->page_end[probe->sent - 1];
}

void tracker_burst_count_sent(struct tracker_probe *probe)
{
	probe->is_waiting = false;
	count_burst(probe, probe->sent, sent_pages(probe), sent_descs(probe));
}

/*
 * A device fills the rings while the driver goes round, not just before the driver looks. What was
 * sent therefore waits until a round is over, and then comes before all that the next one finds: a
 * buffer that is forwarded is read half a round after it was written, as it is on the average.
 */
static __rte_noinline void begin_round(struct tracker_lane *lane)
{
	struct tracker_probe *probe = lane->waiting;

	lane->round++;
	lane->waiting = NULL;
	for (; probe != NULL; probe = probe->waiting_next) {
		probe->is_linked = false;
		if (probe->is_waiting && lane->is_counting)
			tracker_burst_count_sent(probe);
		probe->is_waiting = false;
	}
}

/*
 * What went over a cable has arrived in the queue that is polled now: read, then written there, and
 * only then handed back.
 */
static void count_cabled(const struct tracker_probe *rx)
{
	struct tracker_probe *probe = rx->waiting;

	for (; probe != NULL; probe = probe->waiting_next) {
		struct cursor cursor = cursor_begin(probe);

		if (probe->is_waiting && probe->lane->is_counting)
			end_count(probe, &cursor,
				  count_data(probe, &cursor, probe->sent, sent_pages(probe),
					     sent_descs(probe)));
		else
			probe->is_waiting = false;
	}
}

static void count_cabled_back(struct tracker_probe *rx)
{
	struct tracker_probe *probe = rx->waiting;

	rx->waiting = NULL;
	for (; probe != NULL; probe = probe->waiting_next) {
		struct cursor cursor = cursor_begin(probe);

		probe->is_linked = false;
		if (probe->is_waiting)
			end_count(probe, &cursor, count_back(probe, &cursor, sent_descs(probe)));
		probe->is_waiting = false;
	}
}

static inline bool lane_counts(struct tracker_probe *probe)
{
	struct tracker_lane *lane = probe->lane;
	uint32_t mode = __atomic_load_n(&probe->queue.mode, __ATOMIC_RELAXED);

	if (likely(mode == lane->mode && lane->is_counting))
		return true;
	return tracker_lane_wakes(lane, mode);
}

/* Packets that the device hands over at once: where it takes large lines, those of a line. */
static inline uint16_t part_of(const struct tracker_probe *probe, struct rte_mbuf *const *pkts,
			       uint16_t n)
{
	const struct tracker_lines *ring = &probe->ring;
	unsigned int most = TRACKER_BURST_MAX, descs = 0;
	uint16_t part = 0;

	if (ring->is_fetch)
		most = (UINT32_C(1) << ring->line_shift) / ring->desc_size;
	if (likely(!ring->is_fetch || pkts[0]->nb_segs == 1))
		return n < most ? n : (uint16_t)most;
	do
		descs += pkts[part++]->nb_segs;
	while (part < n && descs + pkts[part]->nb_segs <= most);
	return part;
}

static inline void count_received(struct tracker_probe *probe, struct rte_mbuf *const *pkts,
				  uint16_t n)
{
	for (uint16_t part; n > 0; n -= part, pkts += part) {
		part = part_of(probe, pkts, n);
		resolve(probe, pkts, part);
		count_burst(probe, probe->offered, probe->page_count, probe->desc_count);
	}
}

void tracker_rx_burst(struct tracker_queue *queue, struct rte_mbuf *const *pkts, uint16_t n)
{
	struct tracker_probe *probe = tracker_probe(queue);
	struct tracker_lane *lane = probe->lane;
	bool is_counting = lane_counts(probe);

	bump(&probe->counts.packets, n);
	if (probe->round == lane->round)
		begin_round(lane);
	probe->round = lane->round;
	lane->polled = probe;
	if (probe->waiting != NULL)
		count_cabled(probe);
	if (n > 0 && is_counting)
		count_received(probe, pkts, n);
	if (probe->waiting != NULL)
		count_cabled_back(probe);
}

void tracker_tx_burst_offer(struct tracker_queue *queue, struct rte_mbuf *const *pkts, uint16_t n)
{
	struct tracker_probe *probe = tracker_probe(queue);

	probe->offered = 0;
	if (!lane_counts(probe))
		return;
	if (probe->is_waiting)
		tracker_burst_count_sent(probe);
	resolve(probe, pkts, n < TRACKER_BURST_MAX ? n : TRACKER_BURST_MAX);
}

void tracker_tx_burst_commit(struct tracker_queue *queue, uint16_t sent)
{
	struct tracker_probe *probe = tracker_probe(queue);
	struct tracker_probe *rx = probe->lane->polled, **list;

	bump(&probe->counts.packets, sent);
	if (probe->offered == 0)
		return;
	probe->sent = sent < probe->offered ? sent : probe->offered;
	probe->offered = 0;
	if (probe->sent == 0)
		return;
	if (rx == NULL) {
		tracker_burst_count_sent(probe);
		return;
	}
	probe->is_waiting = true;
	if (probe->is_linked)
		return;
	list = probe->ring.is_cabled ? &rx->waiting : &probe->lane->waiting;
	probe->is_linked = true;
	probe->waiting_next = *list;
	*list = probe;
}
