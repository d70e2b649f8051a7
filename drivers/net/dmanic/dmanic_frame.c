/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on the wire: address and VLAN filters, choice of the queue, copies. */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include "dmanic_wire.h"

const uint8_t *dmanic_frame_header(const struct dmanic_batch *batch,
				   const struct dmanic_frame *frame, uint8_t buf[DMANIC_HEADER])
{
	const struct iommu_span *span = &batch->span[frame->span];
	uint32_t len = frame->len < DMANIC_HEADER ? frame->len : DMANIC_HEADER;

	if (likely(span->len >= len))
		return span->vaddr;
	for (uint32_t at = 0; at < len; span++) {
		uint32_t part = span->len < len - at ? span->len : len - at;

		memcpy(buf + at, span->vaddr, part);
		at += part;
	}
	return buf;
}

static bool has_address(const struct rte_ether_addr *list, unsigned int count,
			const struct rte_ether_addr *addr)
{
	for (unsigned int i = 0; i < count; i++) {
		if (rte_is_same_ether_addr(&list[i], addr))
			return true;
	}
	return false;
}

static bool is_for_us(const struct dmanic_filter *filter, const uint8_t *header, uint32_t len)
{
	const struct rte_ether_addr *addr = (const void *)header;

	if (filter->is_promiscuous)
		return true;
	if (len < RTE_ETHER_HDR_LEN)
		return false;
	if (!rte_is_multicast_ether_addr(addr))
		return has_address(filter->mac, filter->mac_count, addr);
	return filter->is_allmulti || rte_is_broadcast_ether_addr(addr) ||
	       has_address(filter->mcast, filter->mcast_count, addr);
}

static uint16_t read_be16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

int dmanic_classify(struct dmanic_batch *batch, struct dmanic_frame *frame)
{
	const struct dmanic_device *to = batch->receiver;
	const struct dmanic_filter *filter = &to->filter;
	uint8_t buf[DMANIC_HEADER];
	const uint8_t *header = dmanic_frame_header(batch, frame, buf);
	bool has_tag = frame->is_tagging;
	uint16_t tci = frame->vlan_tci;
	unsigned int queue = to->rx_count ? batch->queue % to->rx_count : 0;

	if (!is_for_us(filter, header, frame->len)) {
		batch->drops[DMANIC_DROP_MAC]++;
		return -1;
	}
	if (!has_tag && frame->len >= RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN &&
	    read_be16(header + 12) == RTE_ETHER_TYPE_VLAN) {
		has_tag = true;
		tci = read_be16(header + 14);
	}
	if (has_tag && filter->is_vlan_filtering &&
	    !(filter->vlan[(tci & 0xfff) / 64] & UINT64_C(1) << (tci & 63))) {
		batch->drops[DMANIC_DROP_VLAN]++;
		return -1;
	}
	frame->status = 0;
	frame->hash = 0;
	if (filter->has_rss) {
		queue = 0;
		if (dmanic_rss_hash(filter, header, frame->len, &frame->hash)) {
			frame->status |= DMANIC_RSS;
			queue = filter->reta[frame->hash % DMANIC_RETA_SIZE];
		}
	}
	frame->is_stripping = has_tag && to->rx[queue].is_stripping;
	if (frame->is_stripping) {
		frame->vlan_tci = tci;
		frame->status |= DMANIC_VLAN;
	}
	return queue;
}

/* Where a copy writes next. */
struct sink {
	const struct iommu_span *span;
	uint64_t at;
};

static void sink_write(struct sink *sink, const uint8_t *data, uint64_t len)
{
	while (len > 0) {
		uint64_t part = sink->span->len - sink->at;

		if (part > len)
			part = len;
		memcpy(sink->span->vaddr + sink->at, data, part);
		data += part;
		len -= part;
		sink->at += part;
		if (sink->at == sink->span->len) {
			sink->span++;
			sink->at = 0;
		}
	}
}

/* The frame from byte `from` up to byte `to`. */
static void sink_frame(struct sink *sink, const struct dmanic_batch *batch,
		       const struct dmanic_frame *frame, uint64_t from, uint64_t to)
{
	const struct iommu_span *span = &batch->span[frame->span];
	uint64_t at = 0;

	for (; at < to; at += span->len, span++) {
		uint64_t first = from > at ? from - at : 0;
		uint64_t last = to - at < span->len ? to - at : span->len;

		if (first < last)
			sink_write(sink, span->vaddr + first, last - first);
	}
}

/* Tags come and go behind the two addresses; one that does both stays out of the data. */
static void copy_by_parts(const struct dmanic_batch *batch, const struct dmanic_frame *frame,
			  const struct iommu_span *spans)
{
	const uint32_t addresses = 2 * RTE_ETHER_ADDR_LEN;
	struct sink sink = {.span = spans};
	uint8_t tag[RTE_VLAN_HLEN] = {RTE_ETHER_TYPE_VLAN >> 8, RTE_ETHER_TYPE_VLAN & 0xff,
				      frame->vlan_tci >> 8, frame->vlan_tci & 0xff};

	if (frame->is_tagging == frame->is_stripping || frame->len < addresses) {
		sink_frame(&sink, batch, frame, 0, frame->len);
		return;
	}
	sink_frame(&sink, batch, frame, 0, addresses);
	if (frame->is_tagging)
		sink_write(&sink, tag, sizeof(tag));
	sink_frame(&sink, batch, frame, addresses + (frame->is_stripping ? RTE_VLAN_HLEN : 0),
		   frame->len);
}

static inline void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t len)
{
	if (likely(len == 64))
		memcpy(to, from, 64);
	else
		memcpy(to, from, len);
}

void dmanic_frame_copy(const struct dmanic_batch *batch, const struct dmanic_frame *frame,
		       const struct iommu_span *spans, unsigned int span_count)
{
	if (likely(span_count == 1 && frame->span_count == 1 && !frame->is_tagging &&
		   !frame->is_stripping))
		copy_bytes(spans[0].vaddr, batch->span[frame->span].vaddr, frame->len);
	else
		copy_by_parts(batch, frame, spans);
}
