/* SPDX-License-Identifier: BSD-3-Clause */
/* A net_dmanic with an arena of its own behind a software unit, as ioplane makes its ports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "dma.h"
#include "iommu.h"

#define ACCURACY_BUFFER 2048 /* bytes of a buffer, headroom within */

struct accuracy_port_config {
	struct dma_space *space;
	struct iommu_unit *unit;
	unsigned int number; /* of all ports: names and the source id come of it */
	int cable;	     /* number of the port at the other end, -1: not there yet */
	uint16_t rx_queues;  /* 0: one, and nothing is expected there */
	uint16_t tx_queues;
	uint16_t descs;
	uint32_t buffers;
	uint32_t cache; /* of the pool */
	uint32_t page_size;
	bool has_rss;
	bool is_scattered;
};

struct accuracy_port {
	struct accuracy_port_config config;
	uint16_t id; /* ethdev */
	char name[32];
	char heap[32];
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct dma_arena *arena;
	struct rte_mempool *pool;
};

/** Attached, mapped, plugged and set up, but not started; ends the program where that fails. */
void accuracy_port_create(struct accuracy_port *port, const struct accuracy_port_config *config);
/** Stops and unplugs it; all ports are closed before the first is destroyed. */
void accuracy_port_close(struct accuracy_port *port);
void accuracy_port_destroy(struct accuracy_port *port);

/** Lets a port transmit what another one received. */
void accuracy_port_grant(const struct accuracy_port *from, const struct accuracy_port *to,
			 uint32_t prot);

/** Ends the program, with what failed, unless it is true. */
#define accuracy_check(condition)                                      \
	do {                                                           \
		if (!(condition))                                      \
			accuracy_fail(__FILE__, __LINE__, #condition); \
	} while (0)
void accuracy_fail(const char *file, int line, const char *condition) __attribute__((noreturn));
