/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's memory: its arena with a malloc heap over the rings and a mempool over the buffers. */
#pragma once

#include <stdint.h>

#include <rte_mempool.h>

#include "base_error.h"
#include "port.h"

/* What a port needs with the options as they are. */
struct port_need {
	uint32_t mbufs;
	uint32_t queue_mbufs; /* of these, for each receive queue; 0: one pool for all */
	uint64_t ring_bytes;  /* 0 without a domain */
	uint64_t buffer_bytes;
	uint64_t header_bytes; /* from EAL's memory */
};

/**
 * has_own_rings: at its probe the driver makes rings in the heap, of whatever size. is_apart: the
 * policy maps buffers one by one.
 */
void port_memory_need(enum port_kind kind, bool has_own_rings, bool is_apart,
		      struct port_need *need);

/**
 * Bytes between the starts of two buffers in an arena with headers apart; is_apart: no two of them
 * share a page.
 */
uint32_t port_memory_stride(uint16_t data_room, bool is_apart);

/**
 * Makes the arena, maps it for port->device (rings read and write, buffers write-only), and makes
 * the heap. On failure nothing is left behind.
 */
int port_memory_create(struct port *port, struct base_error *err);

/** Takes the rights of all domains back first: whoever may use them must be stopped. */
void port_memory_destroy(struct port *port);

/** Makes the receive pool in the buffer part; after the port has its id. */
int port_memory_add_pool(struct port *port, struct base_error *err);

/** True when arena and pool hold what the options ask for now. */
bool port_memory_is_enough(const struct port *port);

/* A port's memory while it has two: the port holds the new one. */
struct port_memory {
	struct dma_arena *arena;
	struct rte_mempool *mempool;
	struct rte_mempool *queue_pools[PORT_QUEUES_MAX];
	uint16_t queue_pool_count;
	char heap[sizeof(((struct port *)0)->heap)];
	int heap_socket;
};

/**
 * Gives the port new memory and the old one to the caller, who sets the queues up anew and then
 * drops the old memory, or puts it back.
 */
int port_memory_renew(struct port *port, struct port_memory *old, struct base_error *err);
void port_memory_drop(struct port *port, struct port_memory *old);
/** Gives back dropped memory that DPDK held rings in, as far as it has freed them. */
void port_memory_reap(void);
void port_memory_put_back(struct port *port, struct port_memory *old);

/** Tells on stderr why pages are smaller than asked for, unless it is "" or was told last. */
void port_tell_step_back(const struct port *port, const char *step_back);

/* Which buffers of an arena a pool gets. */
struct port_pool_config {
	const struct dma_arena *arena;
	uint32_t first; /* buffers before it, of pools beside it */
	uint32_t count;
	uint16_t data_room;
	bool is_apart; /* mapped one by one: PORT_POLICY_OPS, and pages of their own */
	int node;
};

/** A pool over an arena's buffer part, as --mbuf-layout says. */
int port_memory_make_pool(const char *name, const struct port_pool_config *config,
			  struct rte_mempool **out, struct base_error *err);

/** Bytes of an arena's buffer part for so many buffers. */
uint64_t port_memory_pool_size(uint32_t n, uint16_t data_room, bool is_apart);

/** Frees the retired pools whose mbufs are back, or all of the port's when is_final. */
void port_pool_reap(struct port *port, bool is_final);
