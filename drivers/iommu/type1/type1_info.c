/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks the capability chain of VFIO_IOMMU_GET_INFO and turns IOVA ranges into holes. */
#include "type1_info.h"

#include <errno.h>
#include <string.h>

#include <linux/vfio.h>

#define CAPABILITIES_MAX                                                         \
	64 /* the kernel has four kinds; a chain that is longer turns in circles \
	    */

/* Answers have no alignment that the compiler could rely on. */
static bool copy(const uint8_t *info, size_t size, uint64_t offset, void *to, size_t length)
{
	if (offset > size || size - offset < length)
		return false;
	memcpy(to, info + offset, length);
	return true;
}

/* --- ranges --------------------------------------------------------------------------------- */

/* When there is no room for one more, the last one grows over what is between: less, not wrong. */
static void add_hole(struct iommu_limits *limits, uint64_t start, uint64_t last)
{
	if (limits->hole_count == IOMMU_HOLES_MAX) {
		limits->hole[IOMMU_HOLES_MAX - 1].size =
			last - limits->hole[IOMMU_HOLES_MAX - 1].iova + 1;
		return;
	}
	limits->hole[limits->hole_count].iova = start;
	limits->hole[limits->hole_count].size = last - start + 1;
	limits->hole_count++;
}

static void close_ranges(struct iommu_limits *limits, uint64_t last)
{
	uint8_t bits = 64;
	uint64_t top;

	while (bits > 1 && (last >> (bits - 1)) == 0)
		bits--;
	top = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	limits->addr_bits = bits;
	if (last != top)
		add_hole(limits, last + 1, top);
}

/* The kernel lists ranges in ascending order, and none touches the next. */
static int read_ranges(const uint8_t *info, size_t size, uint64_t offset,
		       struct iommu_limits *limits)
{
	struct vfio_iommu_type1_info_cap_iova_range cap;
	struct vfio_iova_range range;
	uint64_t next = 0;

	if (!copy(info, size, offset, &cap, sizeof(cap)) || cap.nr_iovas == 0)
		return -EBADMSG;
	limits->hole_count = 0;
	offset += sizeof(cap);
	for (uint32_t i = 0; i < cap.nr_iovas; i++, offset += sizeof(range)) {
		if (!copy(info, size, offset, &range, sizeof(range)) || range.end < range.start ||
		    range.start < next || (i != 0 && next == 0))
			return -EBADMSG;
		if (range.start > next)
			add_hole(limits, next, range.start - 1);
		next = range.end + 1;
	}
	close_ranges(limits, range.end);
	return 0;
}

/* --- the chain ------------------------------------------------------------------------------ */

static int read_capability(const uint8_t *info, size_t size, uint64_t offset, uint16_t id,
			   struct iommu_limits *limits)
{
	struct vfio_iommu_type1_info_dma_avail available;

	switch (id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		return read_ranges(info, size, offset, limits);
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		if (!copy(info, size, offset, &available, sizeof(available)))
			return -EBADMSG;
		limits->entries_limit = available.avail;
		return 0;
	default:
		return 0;
	}
}

static int read_chain(const uint8_t *info, size_t size, uint64_t offset,
		      struct iommu_limits *limits)
{
	struct vfio_info_cap_header header;

	for (unsigned int i = 0; offset != 0; i++, offset = header.next) {
		int ret;

		if (i == CAPABILITIES_MAX || !copy(info, size, offset, &header, sizeof(header)))
			return -EBADMSG;
		ret = read_capability(info, size, offset, header.id, limits);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int type1_info_parse(const void *info, size_t size, struct iommu_limits *limits)
{
	struct vfio_iommu_type1_info head = {0};
	int ret = 0;

	memset(limits, 0, sizeof(*limits));
	limits->is_protected = true;
	/* Linux VT-d since 5.12 (intel/iommu.c, DMA_FL_PTE_PRESENT), and Arm; nobody tells us */
	limits->write_implies_read = true;
	/* vfio_unmap_unpin() ends with iommu_iotlb_sync(), once a mapping at least */
	limits->unmap_syncs = true;
	limits->page_sizes = IOMMU_PAGE_SIZE;
	/* older headers end with cap_offset, newer ones with padding after it */
	if (!copy(info, size, 0, &head,
		  offsetof(struct vfio_iommu_type1_info, cap_offset) + sizeof(head.cap_offset)))
		return -EBADMSG;
	if ((head.flags & VFIO_IOMMU_INFO_PGSIZES) != 0)
		limits->page_sizes = head.iova_pgsizes;
	if ((head.flags & VFIO_IOMMU_INFO_CAPS) != 0)
		ret = read_chain(info, size, head.cap_offset, limits);
	if (ret != 0)
		return ret;
	return limits->addr_bits == 0 ? -ENOTSUP : 0;
}
