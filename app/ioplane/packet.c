/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP packets between the test addresses of RFC 2544: what txonly and tx_first send. */
#include "packet.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_memcpy.h>

#include "forward.h"
#include "port_policy.h"

#define IP_SOURCE      0xc6120001u /* 198.18.0.1 */
#define IP_DESTINATION 0xc6120002u /* 198.18.0.2 */
#define UDP_DISCARD    9	   /* RFC 863 */
#define TIME_TO_LIVE   64

int packet_pool_create(struct port *port, const char *name, struct port_pool **out,
		       struct base_error *err)
{
	const struct options *options = options_get();
	uint32_t queue = port->txd + 2u * options->burst + 2u * options->mbcache;
	uint32_t room = 0;
	int ret;

	for (unsigned int i = 0; i < options->txpkts_count; i++)
		room = RTE_MAX(room, (uint32_t)options->txpkts[i]);
	room = RTE_MAX(room + RTE_PKTMBUF_HEADROOM, (uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE);
	ret = port_pool_create(port, name, options->txpkts_count * port->txq * queue + 1024,
			       (uint16_t)RTE_MIN(room, (uint32_t)PORT_MBUF_SIZE_MAX), out, err);
	if (ret == 0 && port->policy != NULL && port->txq > 1)
		port_policy_pool_share((*out)->mempool);
	return ret;
}

int packet_template_init(struct packet_template *template, uint16_t port_id,
			 struct rte_mempool *pool)
{
	const struct options *options = options_get();
	struct packet_headers *headers = &template->headers;
	int ret;

	memset(template, 0, sizeof(*template));
	template->pool = pool;
	template->segs = options->txpkts_count;
	template->is_multi_flow = options->is_multi_flow;
	template->flows = options->tx_flows;
	template->random = UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned int i = 0; i < template->segs; i++) {
		template->lengths[i] = options->txpkts[i];
		template->pkt_len += options->txpkts[i];
	}
	ret = rte_eth_macaddr_get(port_id, &headers->ether.src_addr);
	if (ret != 0)
		return ret;
	forward_peer_address(port_id, &headers->ether.dst_addr);
	headers->ether.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	headers->ipv4 = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length =
			rte_cpu_to_be_16((uint16_t)(template->pkt_len - sizeof(headers->ether))),
		.time_to_live = TIME_TO_LIVE,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(IP_SOURCE),
		.dst_addr = rte_cpu_to_be_32(IP_DESTINATION),
	};
	headers->ipv4.hdr_checksum = rte_ipv4_cksum(&headers->ipv4);
	headers->udp = (struct rte_udp_hdr){
		.src_port = RTE_BE16(UDP_DISCARD),
		.dst_port = RTE_BE16(UDP_DISCARD),
		.dgram_len =
			rte_cpu_to_be_16((uint16_t)(template->pkt_len - sizeof(headers->ether) -
						    sizeof(headers->ipv4))),
	};
	return 0;
}

/* testpmd's flows: the source address varies. */
static void vary_flow(struct packet_template *template, struct packet_headers *headers)
{
	uint32_t source = (IP_DESTINATION | ((uint32_t) template->flow++ << 8)) + rte_lcore_id();

	headers->ipv4.src_addr = rte_cpu_to_be_32(source);
	headers->ipv4.hdr_checksum = 0;
	headers->ipv4.hdr_checksum = rte_ipv4_cksum(&headers->ipv4);
}

/* Any of the flows, as connections that are served together come in; the same in each run. */
static void draw_flow(struct packet_template *template, struct packet_headers *headers)
{
	uint32_t flow;

	template->random ^= template->random << 13;
	template->random ^= template->random >> 7;
	template->random ^= template->random << 17;
	flow = (uint32_t)((template->random >> 32) * template->flows >> 32);
	headers->ipv4.src_addr = rte_cpu_to_be_32(IP_SOURCE + flow);
	headers->ipv4.hdr_checksum = 0;
	headers->ipv4.hdr_checksum = rte_ipv4_cksum(&headers->ipv4);
}

static void fill_segment(struct rte_mbuf *seg, uint16_t length)
{
	seg->data_off = RTE_PKTMBUF_HEADROOM;
	seg->data_len = length;
	seg->ol_flags &= RTE_MBUF_F_EXTERNAL;
	seg->next = NULL;
}

static bool add_segments(struct packet_template *template, struct rte_mbuf *pkt)
{
	struct rte_mbuf *segs[OPTIONS_SEGS_MAX];

	if (rte_mempool_get_bulk(template->pool, (void **)segs, template->segs - 1u) != 0)
		return false;
	for (unsigned int i = 1; i < template->segs; i++) {
		fill_segment(segs[i - 1], template->lengths[i]);
		(i == 1 ? pkt : segs[i - 2])->next = segs[i - 1];
	}
	return true;
}

static bool fill_packet(struct packet_template *template, struct rte_mbuf *pkt)
{
	struct packet_headers *headers;

	fill_segment(pkt, template->lengths[0]);
	pkt->pkt_len = template->pkt_len;
	pkt->nb_segs = template->segs;
	pkt->l2_len = sizeof(headers->ether);
	pkt->l3_len = sizeof(headers->ipv4);
	headers = rte_pktmbuf_mtod(pkt, struct packet_headers *);
	rte_memcpy(headers, &template->headers, sizeof(*headers));
	if (template->flows > 0)
		draw_flow(template, headers);
	else if (template->is_multi_flow)
		vary_flow(template, headers);
	return template->segs == 1 || add_segments(template, pkt);
}

uint16_t packet_make_burst(struct packet_template *template, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t made;

	if (unlikely(rte_mempool_get_bulk(template->pool, (void **)pkts, n) != 0))
		return 0;
	for (made = 0; made < n; made++)
		if (unlikely(!fill_packet(template, pkts[made])))
			break;
	if (unlikely(made < n)) {
		pkts[made]->nb_segs = 1;
		rte_mempool_put_bulk(template->pool, (void **)&pkts[made], n - made);
	}
	return made;
}
