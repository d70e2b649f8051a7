/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables in memory and fault reasons of VT-d's legacy mode (VT-d specification, chapters 7, 9). */
#pragma once

#include <stdint.h>

#define VTD_PAGE_SHIFT	 12
#define VTD_PAGE_SIZE	 4096u
#define VTD_LEVEL_BITS	 9
#define VTD_TABLE_SIZE	 512 /* entries of a second-stage table */
#define VTD_LEVELS_MIN	 3
#define VTD_LEVELS_MAX	 5
#define VTD_LEAF_LEVELS	 3 /* leaves stand in levels 1 (4 KiB), 2 (2 MiB) and 3 (1 GiB) */
#define VTD_SOURCES	 65536
#define VTD_ADDRESS_MASK UINT64_C(0xfffffffffffff000)

/* Root entry, 16 bytes, one a bus (9.1): the upper word is reserved in legacy mode. */
#define VTD_ROOT_P	  UINT64_C(1)
#define VTD_ROOT_RESERVED UINT64_C(0xffe)

/* Context entry, 16 bytes, one a device and function (9.3). */
#define VTD_CONTEXT_P		UINT64_C(1)
#define VTD_CONTEXT_FPD		UINT64_C(2)
#define VTD_CONTEXT_TT_SHIFT	2
#define VTD_CONTEXT_RESERVED	UINT64_C(0xff0)
#define VTD_CONTEXT_AW		UINT64_C(7)
#define VTD_CONTEXT_DID_SHIFT	8
#define VTD_CONTEXT_RESERVED_HI UINT64_C(0xffffffffff000080)

#define VTD_TT_SECOND_STAGE 0
#define VTD_TT_DEVICE_IOTLB 1
#define VTD_TT_PASS_THROUGH 2

/* Second-stage entry, 8 bytes (9.8). */
#define VTD_PTE_R	UINT64_C(1)
#define VTD_PTE_W	UINT64_C(2)
#define VTD_PTE_RW	(VTD_PTE_R | VTD_PTE_W)
#define VTD_PTE_PS	UINT64_C(0x80)
#define VTD_PTE_ADDRESS UINT64_C(0x000ffffffffff000)
#define VTD_PTE_IGNORED UINT64_C(0xbff0000000000000) /* 63 and 61:52; 62 is TM */

/* Fault reasons (7.1.3). */
#define VTD_FAULT_ROOT_P	   0x1
#define VTD_FAULT_CONTEXT_P	   0x2
#define VTD_FAULT_CONTEXT_INVALID  0x3
#define VTD_FAULT_BEYOND_MGAW	   0x4
#define VTD_FAULT_WRITE		   0x5
#define VTD_FAULT_READ		   0x6
#define VTD_FAULT_TABLE		   0x7
#define VTD_FAULT_ROOT_TABLE	   0x8
#define VTD_FAULT_CONTEXT_TABLE	   0x9
#define VTD_FAULT_ROOT_RESERVED	   0xa
#define VTD_FAULT_CONTEXT_RESERVED 0xb
#define VTD_FAULT_PTE_RESERVED	   0xc
#define VTD_FAULT_TT_BLOCKS	   0xd

/* Bits of an address below the pages of a level: 12, 21, 30, 39, 48. */
static inline unsigned int vtd_level_shift(unsigned int level)
{
	return VTD_PAGE_SHIFT + VTD_LEVEL_BITS * (level - 1);
}

static inline unsigned int vtd_level_index(uint64_t iova, unsigned int level)
{
	return (unsigned int)(iova >> vtd_level_shift(level)) & (VTD_TABLE_SIZE - 1);
}
