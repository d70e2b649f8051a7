/* SPDX-License-Identifier: BSD-3-Clause */
/* The workloads of the accuracy benchmark: what runs over which rings and buffers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum accuracy_kind {
	ACCURACY_FORWARD, /* pairs of ports: what one receives, the other transmits */
	ACCURACY_RECEIVE, /* ports that receive; those that send to them stand behind another unit
			   */
	ACCURACY_RETURN,  /* as RECEIVE, and what a port received it transmits again */
};

/* In which order buffers come out of the pool. */
enum accuracy_order {
	ACCURACY_FIFO,	   /* the one used longest ago first, neighbours after each other */
	ACCURACY_LIFO,	   /* a cache of the pool gives those back that were used last */
	ACCURACY_SHUFFLED, /* FIFO, but once in any order */
	ACCURACY_CHURNED,  /* in ever new orders */
};

struct accuracy_load {
	const char *name;
	enum accuracy_kind kind;
	enum accuracy_order order;
	uint16_t ports;	     /* behind the unit */
	uint16_t queues;     /* of each, to receive and to transmit */
	uint16_t descs;	     /* of each ring */
	uint16_t frame;	     /* bytes; 0: those of the capture */
	uint32_t page_size;  /* of rings and buffers */
	const char *capture; /* file in the folder of captures, or NULL */
	uint16_t spare;	     /* buffers of a queue beside those in its ring; 0: 512 */
	uint16_t under_way;  /* FORWARD: frames in each queue */
	uint16_t lcores;     /* that poll; 0: 1 */
	bool is_varied;	     /* bursts of 1 to 32 frames, not of what there is */
	bool is_hard;	     /* the model's assumptions do not hold: shown, but no target */
	bool is_quick;	     /* part of the short run that tests do */
};

extern const struct accuracy_load accuracy_loads[];
extern const unsigned int accuracy_load_count;
