/* SPDX-License-Identifier: BSD-3-Clause */
/* The descriptors that driver and device exchange: 16 bytes, IOVAs only, DD in bit 0 of word 0. */
#pragma once

#include <assert.h>
#include <stdint.h>

#define DMANIC_DESC_SIZE  16
#define DMANIC_RING_ALIGN 128 /* of a ring's IOVA: no descriptor straddles a page */

/* status, written by the device */
#define DMANIC_DD   (1u << 0) /* done: the descriptor is the driver's again */
#define DMANIC_EOP  (1u << 1) /* rx: last buffer of a frame */
#define DMANIC_ERR  (1u << 2) /* refused, or part of a frame that was dropped for it */
#define DMANIC_VLAN (1u << 3) /* rx: a tag was stripped into vlan_tci */
#define DMANIC_RSS  (1u << 4) /* rx: rss_hash is a hash */
/* flags, written by the driver */
#define DMANIC_TX_EOP  (1u << 0) /* last segment of a frame */
#define DMANIC_TX_VLAN (1u << 1) /* first segment: insert vlan_tci */

/* A segment to transmit; the device writes word 0 back with DD, and ERR when it was dropped. */
union dmanic_tx_desc {
	struct {
		uint16_t status;
		uint16_t flags;
		uint16_t len;
		uint16_t vlan_tci;
		uint64_t iova;
	};
	uint64_t word[2];
};

/* A receive buffer as the driver posts it. */
union dmanic_rx_desc {
	struct {
		uint16_t status; /* 0 */
		uint16_t reserved0;
		uint16_t buf_len;
		uint16_t reserved1;
		uint64_t iova;
	};
	uint64_t word[2];
};

/* The same descriptor as the device writes it back: word 1 first, then word 0 with DD. */
union dmanic_rx_done {
	struct {
		uint16_t status;
		uint16_t reserved;
		uint32_t frame_len; /* of the whole frame, in each of its descriptors */
		uint16_t data_len;  /* bytes in this buffer */
		uint16_t vlan_tci;
		uint32_t rss_hash;
	};
	uint64_t word[2];
};

static_assert(sizeof(union dmanic_tx_desc) == DMANIC_DESC_SIZE, "tx descriptor");
static_assert(sizeof(union dmanic_rx_desc) == DMANIC_DESC_SIZE, "rx descriptor");
static_assert(sizeof(union dmanic_rx_done) == DMANIC_DESC_SIZE, "rx write-back");

/** Word 0 of a tx descriptor as the driver writes it. */
static inline uint64_t dmanic_tx_word(uint16_t len, uint16_t flags, uint16_t vlan_tci)
{
	return (uint64_t)flags << 16 | (uint64_t)len << 32 | (uint64_t)vlan_tci << 48;
}
