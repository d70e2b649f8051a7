/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks into memory for what a device has read and written. */
#include "contract_hardware.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/vfio.h>

#include "contract_edu.h"
#include "type1.h"

#define MARK	0xff /* in no page of the memory */
#define SCRATCH UINT64_C(0x700000000000)

/* --- a page that only the device and we know of ----------------------------------------------- */

static uint8_t scratch[4096] __attribute__((aligned(4096)));

static void map_scratch(const struct contract *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)scratch,
		.iova = SCRATCH,
		.size = sizeof(scratch),
	};

	memset(scratch, MARK, sizeof(scratch));
	assert_int_equal(ioctl(type1_unit_fd(c->unit), VFIO_IOMMU_MAP_DMA, &map), 0);
}

static void unmap_scratch(const struct contract *c)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = SCRATCH,
		.size = sizeof(scratch),
	};

	assert_int_equal(ioctl(type1_unit_fd(c->unit), VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
}

void hardware_fill(struct contract *c, struct edu *edu)
{
	map_scratch(c);
	edu_load(edu, SCRATCH, sizeof(scratch));
	unmap_scratch(c);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The memory behind an IOVA by the ledger, NULL: none. */
static uint8_t *memory_at(const struct contract *c, uint64_t iova)
{
	struct iommu_mapping mapping;

	if (iommu_mappings(c->domain, iova, &mapping, 1) == 0 || mapping.iova > iova)
		return NULL;
	return (uint8_t *)mapping.vaddr + (iova - mapping.iova);
}

/* A refused read gives zeros, and nothing in our memory is one. */
static bool read_piece(struct contract *c, uint64_t iova, uint32_t len)
{
	const uint8_t *expected = memory_at(c, iova);

	map_scratch(c);
	edu_load(c->edu, iova, len);
	edu_store(c->edu, SCRATCH, len);
	unmap_scratch(c);
	for (uint32_t i = 0; i < len; i++)
		assert_int_not_equal(scratch[i], MARK);
	if (scratch[0] == 0) {
		for (uint32_t i = 0; i < len; i++)
			assert_int_equal(scratch[i], 0);
		return false;
	}
	assert_non_null(expected);
	assert_memory_equal(scratch, expected, len);
	return true;
}

int hardware_read(struct contract *c, uint64_t iova)
{
	return read_piece(c, iova, 1) ? scratch[0] : -1;
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint64_t marks_in(const struct contract *c)
{
	const uint8_t *from = c->memory, *end = c->memory + CONTRACT_MEMORY;
	uint64_t count = 0;

	while ((from = memchr(from, MARK, (size_t)(end - from))) != NULL) {
		count++;
		if (++from == end)
			break;
	}
	return count;
}

static void restore(const struct contract *c, uint8_t *at, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		at[i] = (uint8_t)contract_byte((uint64_t)(at + i - c->memory) / K4);
}

static bool write_piece(struct contract *c, uint64_t iova, uint32_t len)
{
	uint8_t *expected = memory_at(c, iova);
	uint64_t marks;

	hardware_fill(c, c->edu);
	edu_store(c->edu, iova, len);
	marks = marks_in(c);
	if (marks == 0)
		return false;
	assert_non_null(expected);
	assert_int_equal(marks, len);
	assert_memory_equal(expected, scratch, len);
	restore(c, expected, len);
	return true;
}

bool hardware_disturbs(struct contract *c, struct edu *edu, uint64_t iova, uint32_t len)
{
	edu_store(edu, iova, len);
	return marks_in(c) != 0;
}

/* --- pieces of at most a page ----------------------------------------------------------------- */

static bool all_pieces(struct contract *c, uint64_t iova, uint32_t len,
		       bool (*access)(struct contract *c, uint64_t iova, uint32_t len))
{
	bool is_granted = true;

	while (len != 0) {
		uint32_t piece = (uint32_t)(K4 - iova % K4);

		if (piece > len)
			piece = len;
		is_granted &= access(c, iova, piece);
		iova += piece;
		len -= piece;
	}
	return is_granted;
}

bool hardware_reads(struct contract *c, uint64_t iova, uint32_t len)
{
	return all_pieces(c, iova, len, read_piece);
}

bool hardware_writes(struct contract *c, uint64_t iova, uint32_t len)
{
	return all_pieces(c, iova, len, write_piece);
}
