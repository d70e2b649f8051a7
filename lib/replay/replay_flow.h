/* SPDX-License-Identifier: BSD-3-Clause */
/* Which flow a frame belongs to: a hash that is the same for both directions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct replay_flow {
	uint32_t hosts;	  /* hash of the two addresses (MAC addresses of what is not IP) */
	uint32_t ports;	  /* hash of addresses and ports, or `hosts` where there are none */
	bool is_fragment; /* of IP: the ports cannot be known */
};

/**
 * Finds the flow of a frame: Toeplitz with a key of period 16 bits, so that swapped ends give the
 * same hash (Woo, Park, "Scalable TCP session monitoring with symmetric receive-side scaling",
 * 2012). VLAN tags and IPv6 extension headers are looked through.
 */
void replay_flow_find(const struct rte_mbuf *frame, struct replay_flow *flow);
