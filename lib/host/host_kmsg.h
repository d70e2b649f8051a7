/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads what the kernel prints of refused DMA: records of /dev/kmsg, or lines of dmesg. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_KMSG_READ	(1u << 0)
#define HOST_KMSG_WRITE (1u << 1)

#define HOST_KMSG_RECORD_MAX 8192 /* of /dev/kmsg (Linux: PRINTKRB_RECORD_MAX is far below) */
#define HOST_KMSG_NO_STREAM  UINT32_MAX

/* Reason of a fault that no VT-d reason describes: text says it. VT-d keeps the number reserved. */
#define HOST_KMSG_REASON_OTHER 0xfe

/* One access that an IOMMU refused, as the kernel tells it. */
struct host_kmsg_fault {
	char device[16];    /* "0000:02:00.0"; "": the kernel does not name it */
	uint32_t stream_id; /* Arm's number of a device; HOST_KMSG_NO_STREAM: none told */
	uint64_t iova;
	uint8_t access; /* HOST_KMSG_READ or _WRITE; 0: not told */
	uint8_t reason; /* VT-d's fault reason where it says the same, else _REASON_OTHER */
	char text[64];	/* the kernel's words, or the unit's own name of the event */
};

/* The SMMUv3 event whose lines are being read: a headline and four words, a line each. */
struct host_kmsg_event {
	char unit[48]; /* "arm-smmu-v3 arm-smmu-v3.0.auto"; "": no event is being read */
	uint8_t id;
	unsigned int word_count;
	uint64_t word[4];
};

/* A reader; all zeros is a new one. Its owner: write. */
struct host_kmsg {
	uint64_t next_number;	/* of the record to come; 0: none has come yet */
	uint64_t lost;		/* records that were gone before they could be read */
	uint64_t lines_dropped; /* fault lines that the kernel says it did not print */
	uint64_t overflows;	/* times that a unit had no room for more faults */
	struct host_kmsg_event event;
};

typedef void (*host_kmsg_visit)(const struct host_kmsg_fault *fault, void *arg);

/**
 * Reads one record of /dev/kmsg or one line of dmesg, any bytes, and calls visit for each fault
 * that is complete by now. Records that a program wrote into the log are left out.
 * Formats: Linux drivers/iommu/intel/dmar.c, amd/iommu.c, arm/arm-smmu-v3/arm-smmu-v3.c,
 * arm/arm-smmu/arm-smmu.c, lib/ratelimit.c (4.14 to 6.18); Documentation/ABI/testing/dev-kmsg.
 */
void host_kmsg_read(struct host_kmsg *kmsg, const char *record, size_t size, host_kmsg_visit visit,
		    void *arg);

/** Hands out what waits for a line that may not come: when the log has been quiet. */
void host_kmsg_flush(struct host_kmsg *kmsg, host_kmsg_visit visit, void *arg);
