/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports of one workload behind a unit of one geometry, and the traffic over them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "accuracy_load.h"
#include "accuracy_port.h"
#include "accuracy_trace.h"
#include "iotlb_geometry.h"

#define ACCURACY_PORTS	 8
#define ACCURACY_BURST	 32
#define ACCURACY_MODELS	 2 /* that watch the same traffic */
#define ACCURACY_STREAMS 256
#define ACCURACY_SOURCES 256

struct tracker_queue;

/* A queue that is received from, and the one that transmits it, or none. */
struct accuracy_stream {
	struct accuracy_port *rx;
	struct accuracy_port *tx;
	uint16_t queue;					 /* of both */
	uint16_t lcore;					 /* 0 or 1 */
	struct tracker_queue *rx_probe[ACCURACY_MODELS]; /* NULL: not watched */
	struct tracker_queue *tx_probe[ACCURACY_MODELS];
};

/* A queue of a port behind the other unit that sends frames again and again. */
struct accuracy_source {
	uint16_t port;
	uint16_t queue;
	struct rte_mbuf **frames;
	unsigned int count;
	unsigned int next;
};

/* What order the churned pool of a port is in: mbufs taken out of it, to be swapped for others. */
struct accuracy_churn {
	struct rte_mempool *pool;
	struct rte_mbuf **held;
	unsigned int count;
};

struct accuracy_rig {
	const struct accuracy_load *load;
	struct dma_space *space;
	struct iommu_unit *unit;    /* the one that is looked at */
	struct iommu_unit *senders; /* the one behind which sources stand, or NULL */
	struct accuracy_port port[2 * ACCURACY_PORTS];
	unsigned int port_count; /* those behind `unit` first */
	struct accuracy_stream stream[ACCURACY_STREAMS];
	unsigned int stream_count;
	struct accuracy_source source[ACCURACY_SOURCES];
	unsigned int source_count;
	struct accuracy_churn churn[ACCURACY_PORTS];
	unsigned int churn_count;
	struct rte_mbuf ***frames; /* of the capture */
	uint64_t random[2];	   /* of each lcore */
};

/**
 * Ports, started, with all that the unit translates written into trace; frames are not under way
 * yet. captures: the folder. Ends the program where anything fails.
 */
void accuracy_rig_create(const struct accuracy_load *load, const struct iotlb_geometry *geometry,
			 const char *captures, struct accuracy_trace *trace,
			 struct accuracy_rig *rig);
void accuracy_rig_destroy(struct accuracy_rig *rig);

/** Puts the frames that go round under way. */
void accuracy_rig_inject(struct accuracy_rig *rig);

/** Polls each queue of an lcore once. */
void accuracy_rig_round(struct accuracy_rig *rig, unsigned int lcore);

/** The sum of what the unit's translators counted. */
void accuracy_rig_counters(const struct accuracy_rig *rig, struct iommu_counters *sum);
