/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of dmanic's device side begin with: two devices on a cable, each in its own domain. */
#pragma once

#include "unit.h"

#include "dmanic_device.h"
#include "iommu_ops.h"

#define DMANIC_ENV_RING	  128
#define DMANIC_ENV_QUEUES 4
#define DMANIC_ENV_BUFFER 2048
#define DMANIC_ENV_COUNT  256	      /* buffers of each end */
#define DMANIC_ENV_BASE	  0x10000000u /* IOVA of end 0's memory; each next one's as far away */

/* One end of the cable, with the rings as a driver sees them. */
struct dmanic_env_end {
	struct dmanic_device *device;
	struct iommu_domain *domain;
	struct iommu_device *iommu;
	struct iommu_translator *tx_translator[DMANIC_ENV_QUEUES];
	struct iommu_translator *rx_translator[DMANIC_ENV_QUEUES];
	uint8_t *memory; /* rings, then buffers, then pages with other rights */
	union dmanic_tx_desc *tx_ring[DMANIC_ENV_QUEUES];
	union dmanic_rx_desc *rx_ring[DMANIC_ENV_QUEUES];
	uint16_t tx_tail[DMANIC_ENV_QUEUES];
	uint16_t rx_tail[DMANIC_ENV_QUEUES];
};

struct dmanic_env {
	struct iommu_unit *unit;
	struct dmanic_env_end end[2];
};

/** Both ends with this many queues, rings started and empty, link up. */
void dmanic_env_open(struct dmanic_env *env, unsigned int queues);
void dmanic_env_close(struct dmanic_env *env);

size_t dmanic_env_memory_size(void);
/** IOVA and address of a buffer of an end; readable and writable by its device. */
uint64_t dmanic_env_iova(unsigned int end, unsigned int buffer);
uint8_t *dmanic_env_buffer(struct dmanic_env *env, unsigned int end, unsigned int buffer);
/** IOVAs of one 4 KiB page each: device may only read, or only write; nothing follows them. */
uint64_t dmanic_env_read_only(unsigned int end);
uint64_t dmanic_env_write_only(unsigned int end);

/** Writes a descriptor behind the tail, which stays where it is for the device. */
void dmanic_env_tx(struct dmanic_env *env, unsigned int end, unsigned int queue, uint64_t iova,
		   uint16_t len, uint16_t flags);
void dmanic_env_rx(struct dmanic_env *env, unsigned int end, unsigned int queue, uint64_t iova,
		   uint16_t len);
/** Rings the doorbell. */
void dmanic_env_send(struct dmanic_env *env, unsigned int end, unsigned int queue);
void dmanic_env_post(struct dmanic_env *env, unsigned int end, unsigned int queue);
/** Posts buffers [first, first + count) of an end. */
void dmanic_env_post_buffers(struct dmanic_env *env, unsigned int end, unsigned int queue,
			     unsigned int first, unsigned int count);
/** A descriptor that the device has written back, by its place in the ring. */
const union dmanic_rx_done *dmanic_env_done(const struct dmanic_env *env, unsigned int end,
					    unsigned int queue, unsigned int index);
