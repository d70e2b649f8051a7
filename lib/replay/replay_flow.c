/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes the addresses and ports of a frame. */
#include "replay_flow.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_thash.h>

#define TUPLE_WORDS (RTE_THASH_V6_L4_LEN)

/* One word more than the longest tuple: the hash of a word reaches into the next. */
static const uint8_t symmetric_key[(TUPLE_WORDS + 1) * 4] = {
	0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
	0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
	0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
};
_Static_assert(sizeof(symmetric_key) == 40, "the key covers an IPv6 tuple and one word");

/* Copies `size` bytes at an offset into words; false when the frame ends before. */
static bool read_words(const struct rte_mbuf *frame, uint32_t offset, uint32_t size,
		       uint32_t *words)
{
	const uint8_t *data = rte_pktmbuf_read(frame, offset, size, words);

	if (data == NULL)
		return false;
	if (data != (const uint8_t *)words)
		memcpy(words, data, size);
	return true;
}

/* Words of addresses at the front of the tuple; 0: not IP, or cut off. */
static uint32_t read_hosts(const struct rte_mbuf *frame, uint32_t type,
			   const struct rte_net_hdr_lens *lens, uint32_t *tuple)
{
	if (RTE_ETH_IS_IPV4_HDR(type) &&
	    read_words(frame, lens->l2_len + offsetof(struct rte_ipv4_hdr, src_addr), 8, tuple))
		return 2;
	if (RTE_ETH_IS_IPV6_HDR(type) &&
	    read_words(frame, lens->l2_len + offsetof(struct rte_ipv6_hdr, src_addr), 32, tuple))
		return 8;
	return 0;
}

static bool has_ports(uint32_t type)
{
	uint32_t l4 = type & RTE_PTYPE_L4_MASK;

	return l4 == RTE_PTYPE_L4_TCP || l4 == RTE_PTYPE_L4_UDP || l4 == RTE_PTYPE_L4_SCTP;
}

void replay_flow_find(const struct rte_mbuf *frame, struct replay_flow *flow)
{
	uint32_t tuple[TUPLE_WORDS] = {0};
	struct rte_net_hdr_lens lens = {0};
	uint32_t type = rte_net_get_ptype(
		frame, &lens, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK);
	uint32_t words = read_hosts(frame, type, &lens, tuple);

	if (words == 0) {
		/* Two MAC addresses are three words, and swapping them swaps 16-bit halves. */
		if (!read_words(frame, 0, 2 * RTE_ETHER_ADDR_LEN, tuple))
			memset(tuple, 0, sizeof(tuple));
		flow->hosts = rte_softrss(tuple, 3, symmetric_key);
		flow->ports = flow->hosts;
		flow->is_fragment = false;
		return;
	}
	flow->is_fragment = (type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_FRAG;
	flow->hosts = rte_softrss(tuple, words, symmetric_key);
	flow->ports = flow->hosts;
	if (has_ports(type) &&
	    read_words(frame, (uint32_t)lens.l2_len + lens.l3_len, 4, &tuple[words]))
		flow->ports = rte_softrss(tuple, words + 1, symmetric_key);
}
