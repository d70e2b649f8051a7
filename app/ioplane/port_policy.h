/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports whose buffers are mapped at hand-over: mappers by queue, and when they act (design 3.5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "dma.h"
#include "port.h"
#include "port_policy_pool.h"
#include "stats.h"

/* Buffers are mapped in pages of their own, so that rights end where they do. */
#define PORT_POLICY_PAGE 4096u

/** The policy of a stopped port from its next start on. -EBUSY, -ENOTSUP, -EINVAL. */
int port_policy_set(struct port *port, const char *text, struct base_error *err);

bool port_policy_is_same(const struct dma_policy_config *a, const struct dma_policy_config *b);

/**
 * What --dma-policy asks for a port, once its device is attached; static, with a word on stderr,
 * where there is an IOMMU that protects nothing.
 */
void port_policy_choose(struct port *port);

/** True when the port's buffers are, or from its next start on will be, mapped one by one. */
static inline bool port_policy_is_wanted(const struct port *port)
{
	return port->dma_policy.policy != DMA_STATIC;
}

/** -EINVAL: options that do not go with the policy, and the next step. */
int port_policy_check_options(const struct dma_policy_config *config, struct base_error *err);

/* --- life; main lcore, under stats_lock() ---------------------------------------------------- */

/** Mappers for the queues that the port has now, before its queues are set up. */
int port_policy_configure(struct port *port, struct base_error *err);

/** Hooks into the queues' bursts: after the device has started. */
int port_policy_start(struct port *port, struct base_error *err);

/** Unhooks and syncs what waits: after the device has stopped. */
void port_policy_stop(struct port *port);

/** Gives the mappers back: the device is gone and its domain still there. */
void port_policy_destroy(struct port *port);

/** Destroys the mappers that policies of before have left, as far as nothing is mapped. */
void port_policy_reap(struct port *port);

/** Syncs what waits in all mappers: buffers may be freed after that. While lcores stand still. */
void port_policy_flush_all(void);

/** Why mapping a buffer failed last, "" when it never did; cleared by this. */
const char *port_policy_error(struct port *port);

/** Figures of a queue since they were cleared. Under the static policy it maps nothing. */
void port_policy_collect(const struct port *port, bool is_rx, uint16_t queue,
			 struct stats_dma *out);
void port_policy_clear(const struct port *port);

/* --- forwarding; main lcore, stopped --------------------------------------------------------- */

/**
 * Lets units reach what ports transmit of others, and tells queues who polls them. -EINVAL: what
 * one policy receives the other cannot transmit.
 */
int port_policy_begin(struct base_error *err);

/** Syncs what waits, and says which queues could not map. */
void port_policy_end(void);

/** Lets a unit reach an arena whose buffers are mapped one by one; again: nothing happens. */
int port_policy_add_unit(struct dma_arena *arena, struct iommu_unit *unit);

/** Before the arena, or the unit, goes. */
void port_policy_forget_arena(struct dma_arena *arena);
void port_policy_forget_unit(const struct iommu_unit *unit);

/**
 * Has a receive queue, or with UINT16_MAX all of a port's, sync in time what waits in a transmit
 * queue of the same lcore. NULL: no more, nor do trackers see it. Nothing for a static port.
 */
void port_policy_accompany(struct port *port, uint16_t rx_queue, struct port_policy_queue *tx);

/** Has trackers see the addresses that packets are transmitted from; before the first burst. */
void port_policy_track(void);

/** The queue that a stream transmits on, for engines that poll it; NULL: nothing to poll. */
struct port_policy_queue *port_policy_tx(const struct port *port, uint16_t queue);

/** Hot: syncs what has waited too long in a queue that transmits nothing. NULL is fine. */
static inline void port_policy_poll(struct port_policy_queue *queue)
{
	if (queue != NULL && queue->mapper != NULL)
		dma_mapper_poll(queue->mapper);
}
