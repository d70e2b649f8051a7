/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: Toeplitz hash of addresses and ports, with a table for each byte. */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_thash.h>

#include "dmanic_rss.h"
#include "dmanic_wire.h"

/* The kinds of a protocol as the application may choose them. */
struct kinds {
	uint64_t any; /* addresses of any packet */
	uint64_t fragment;
	uint64_t tcp, udp, sctp, other;
};

static const struct kinds kinds_v4 = {
	.any = RTE_ETH_RSS_IPV4,
	.fragment = RTE_ETH_RSS_FRAG_IPV4,
	.tcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP,
	.udp = RTE_ETH_RSS_NONFRAG_IPV4_UDP,
	.sctp = RTE_ETH_RSS_NONFRAG_IPV4_SCTP,
	.other = RTE_ETH_RSS_NONFRAG_IPV4_OTHER,
};

static const struct kinds kinds_v6 = {
	.any = RTE_ETH_RSS_IPV6,
	.fragment = RTE_ETH_RSS_FRAG_IPV6,
	.tcp = RTE_ETH_RSS_NONFRAG_IPV6_TCP,
	.udp = RTE_ETH_RSS_NONFRAG_IPV6_UDP,
	.sctp = RTE_ETH_RSS_NONFRAG_IPV6_SCTP,
	.other = RTE_ETH_RSS_NONFRAG_IPV6_OTHER,
};

void dmanic_rss_key_set(struct dmanic_filter *filter, const uint8_t key[DMANIC_KEY_SIZE])
{
	uint32_t tuple[DMANIC_TUPLE_MAX / 4];

	/* The hash is linear over its input bits: that of a tuple is the xor of its bytes'. */
	for (unsigned int place = 0; place < DMANIC_TUPLE_MAX; place++) {
		for (uint32_t byte = 0; byte < 256; byte++) {
			memset(tuple, 0, sizeof(tuple));
			tuple[place / 4] = byte << 8 * (3 - place % 4);
			filter->toeplitz[place][byte] = rte_softrss(tuple, RTE_DIM(tuple), key);
		}
	}
}

static uint32_t hash_bytes(const struct dmanic_filter *filter, unsigned int place,
			   const uint8_t *bytes, unsigned int count)
{
	uint32_t hash = 0;

	for (unsigned int i = 0; i < count; i++)
		hash ^= filter->toeplitz[place + i][bytes[i]];
	return hash;
}

/* Hashes addresses, and ports where that is asked for; false: not this kind of packet. */
static bool hash_tuple(const struct dmanic_filter *filter, const struct kinds *kinds,
		       const uint8_t *addresses, unsigned int size, const uint8_t *l4,
		       bool has_ports, uint8_t proto, bool is_fragment, uint32_t *hash)
{
	uint64_t hf = filter->rss_hf;
	uint64_t kind = is_fragment		? kinds->fragment
			: proto == IPPROTO_TCP	? kinds->tcp
			: proto == IPPROTO_UDP	? kinds->udp
			: proto == IPPROTO_SCTP ? kinds->sctp
						: kinds->other;

	if (!(hf & (kind | kinds->any)))
		return false;
	*hash = hash_bytes(filter, 0, addresses, size);
	if ((hf & kind) && kind != kinds->fragment && kind != kinds->other && has_ports)
		*hash ^= hash_bytes(filter, size, l4, 4);
	return true;
}

static bool hash_v4(const struct dmanic_filter *filter, const uint8_t *l3, uint32_t len,
		    uint32_t *hash)
{
	const struct rte_ipv4_hdr *ip = (const void *)l3;

	if (len < sizeof(*ip) || ip->version_ihl >> 4 != 4)
		return false;
	uint32_t header = (ip->version_ihl & 0xfu) * 4;
	bool is_fragment = ip->fragment_offset &
			   rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);

	return hash_tuple(filter, &kinds_v4, l3 + offsetof(struct rte_ipv4_hdr, src_addr), 8,
			  l3 + header, header >= sizeof(*ip) && len >= header + 4,
			  ip->next_proto_id, is_fragment, hash);
}

static bool hash_v6(const struct dmanic_filter *filter, const uint8_t *l3, uint32_t len,
		    uint32_t *hash)
{
	const struct rte_ipv6_hdr *ip = (const void *)l3;

	if (len < sizeof(*ip))
		return false;
	return hash_tuple(filter, &kinds_v6, l3 + offsetof(struct rte_ipv6_hdr, src_addr), 32,
			  l3 + sizeof(*ip), len >= sizeof(*ip) + 4, ip->proto,
			  ip->proto == IPPROTO_FRAGMENT, hash);
}

bool dmanic_rss_hash(const struct dmanic_filter *filter, const uint8_t *header, uint32_t len,
		     uint32_t *hash)
{
	uint32_t at = 2 * RTE_ETHER_ADDR_LEN;

	if (len > DMANIC_HEADER)
		len = DMANIC_HEADER;
	/* At most two tags: more are not looked through. */
	for (unsigned int tags = 0; at + 2 <= len; tags++, at += RTE_VLAN_HLEN) {
		uint16_t type = (uint16_t)(header[at] << 8 | header[at + 1]);
		uint32_t l3 = at + 2;

		if (type == RTE_ETHER_TYPE_IPV4)
			return hash_v4(filter, header + l3, len - l3, hash);
		if (type == RTE_ETHER_TYPE_IPV6)
			return hash_v6(filter, header + l3, len - l3, hash);
		if (tags == 2 || (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ))
			return false;
	}
	return false;
}
