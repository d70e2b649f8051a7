/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's edu, a PCI device that does the DMA it is told: real accesses through a real IOMMU. */
#pragma once

#include <stdint.h>

#define EDU_DMA_MAX 4096 /* bytes that it holds */

struct edu;

/**
 * Opens the device at a PCI address through sysfs, never through VFIO, so that it can be made to do
 * DMA whatever becomes of its group. Fails the test when it is not edu.
 */
struct edu *edu_open(const char *address);
void edu_close(struct edu *edu);

/** One DMA of up to EDU_DMA_MAX bytes out of memory into the device; takes 100 ms. */
void edu_load(struct edu *edu, uint64_t iova, uint32_t size);

/** One DMA out of the device into memory. */
void edu_store(struct edu *edu, uint64_t iova, uint32_t size);
