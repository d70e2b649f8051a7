/* SPDX-License-Identifier: BSD-3-Clause */
/* What forwarding uses: the ports and lcores chosen, peers, and how streams are made of them. */
#pragma once

#include <stdint.h>

#include <rte_config.h>
#include <rte_ether.h>

#include "base_error.h"
#include "stream.h"

/* Main lcore: write, while stopped. */
struct forward_config {
	uint16_t ports[RTE_MAX_ETHPORTS]; /* chosen; port_count 0: all */
	uint16_t port_count;
	uint16_t lcores[RTE_MAX_LCORE]; /* chosen; lcore_count 0: all workers */
	uint16_t lcore_count;
};

const struct forward_config *forward_config(void);

/** "0,2-3": the ports or worker lcores to use from the next start on. -EINVAL, -ENODEV. */
int forward_set_ports(const char *list, struct base_error *err);
int forward_set_lcores(const char *list, struct base_error *err);

/** The same from a mask. */
int forward_set_port_mask(uint64_t mask, struct base_error *err);
int forward_set_lcore_mask(uint64_t mask, struct base_error *err);

/** All ports that forward, in order, up to --nb-ports; returns how many. */
unsigned int forward_ports(struct port **ports, unsigned int max);

/** Worker lcores that forward, up to --nb-cores. -EINVAL when there are too few. */
int forward_lcores(unsigned int *lcores, unsigned int *count, struct base_error *err);

/** The destination that frames sent by this port get: --eth-peer's, else 02:00:00:00:00:<id>. */
void forward_peer_address(uint16_t port_id, struct rte_ether_addr *address);
int forward_set_peer_address(uint16_t port_id, const char *text, struct base_error *err);

/* --- streams; main lcore, while stopped ------------------------------------------------------ */

/** Makes the streams of the ports' engines, without begin hooks. Replaces those before. */
int stream_create_all(struct base_error *err);
void stream_destroy_all(void);

/** The array behind stream_next(). */
struct stream *stream_first(void);

/** Sets what counts from now on: the base of each stream and its histograms. */
void stream_clear(struct stream *stream);

/* --- grants ---------------------------------------------------------------------------------- */

/**
 * Gives each domain the rights that the streams need on each port's buffers, no more. Ports
 * whose rights change are stopped and started again.
 */
int forward_grant(struct base_error *err);
