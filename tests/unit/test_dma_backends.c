/* SPDX-License-Identifier: BSD-3-Clause */
/* Arenas and mappers over the real backends: what a device reaches at an arena's IOVA. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "direct.h"
#include "dma.h"
#include "iommu_burst.h"
#include "vtd.h"

#define K4 UINT64_C(0x1000)
#define RW (IOMMU_READ | IOMMU_WRITE)

static const struct dma_policy_config strict_fresh = {.policy = DMA_STRICT, .is_fresh = true};

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;
static struct iommu_translator *translator;
static struct dma_space *space;

static int setup(void **state)
{
	assert_int_equal(iommu_unit_create(*state, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(iommu_attach(domain, "dev0", 0x100, &device, NULL), 0);
	assert_int_equal(iommu_translator_create(device, true, 0, &translator), 0);
	assert_int_equal(dma_space_create(&space, NULL), 0);
	assert_int_equal(dma_space_add_unit(space, unit), 0);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(dma_space_destroy(space), 0);
	iommu_translator_destroy(translator);
	assert_int_equal(iommu_detach(device), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	return 0;
}

static struct dma_arena *arena_create(bool is_identity)
{
	const struct dma_arena_config config = {
		.name = "a",
		.ring_size = K4,
		.buffer_size = 64 * K4,
		.page_size = K4,
		.node = -1,
		.is_identity = is_identity,
	};
	struct dma_arena *arena;

	assert_int_equal(dma_arena_create(space, &config, &arena, NULL), 0);
	return arena;
}

/* The byte that the device finds, -1: refused. */
static int device_read(uint64_t iova)
{
	struct iommu_access access = {.iova = iova, .len = 1, .prot = IOMMU_READ};
	struct iommu_span span[4];
	int byte = -1;

	iommu_burst_begin(translator);
	assert_int_equal(iommu_translate_burst(translator, &access, 1, span, 4), 1);
	if (access.span_count == 1)
		byte = span[0].vaddr[0];
	iommu_burst_end(translator);
	return byte;
}

static void a_device_reaches_a_granted_part_until_it_is_revoked(void **state)
{
	struct dma_arena *arena = arena_create(false);
	struct dma_range rings, buffers;

	dma_arena_range(arena, DMA_RINGS, &rings);
	dma_arena_range(arena, DMA_BUFFERS, &buffers);
	memset(rings.vaddr, 0x11, rings.size);
	memset(buffers.vaddr, 0x22, buffers.size);
	assert_int_equal(device_read(buffers.iova), -1);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, NULL), 0);
	for (uint64_t offset = 0; offset < buffers.size; offset += 1000)
		assert_int_equal(device_read(buffers.iova + offset), 0x22);
	assert_int_equal(device_read(rings.iova), -1);
	assert_int_equal(dma_arena_grant(arena, DMA_RINGS, domain, RW, NULL), 0);
	assert_int_equal(device_read(rings.iova), 0x11);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, IOMMU_WRITE, NULL), 0);
	assert_int_equal(device_read(buffers.iova), -1);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, NULL), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_RINGS, domain, 0, NULL), 0);
	assert_int_equal(device_read(rings.iova), -1);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void a_mapped_buffer_is_reached_until_it_is_unmapped(void **state)
{
	struct dma_arena *arena = arena_create(false);
	struct dma_mapper *mapper;
	struct dma_range range;
	uint64_t iova[32];

	dma_arena_range(arena, DMA_BUFFERS, &range);
	assert_int_equal(dma_mapper_create(space, domain, 2048, &strict_fresh, &mapper), 0);
	/* The unit does not know the memory of an arena that it was not added to. */
	assert_int_equal(dma_map(mapper, range.vaddr, RW, &iova[0]), -EFAULT);
	assert_int_equal(dma_arena_add_unit(arena, unit), 0);
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < 32; i++) {
			uint8_t *buffer = (uint8_t *)range.vaddr + (round + i) % 64 * 2048;

			buffer[7] = (uint8_t)(round + i);
			assert_int_equal(dma_map(mapper, buffer, RW, &iova[i]), 0);
		}
		for (unsigned int i = 0; i < 32; i++) {
			assert_int_equal(device_read(iova[i] + 7), (uint8_t)(round + i));
			assert_int_equal(dma_unmap(mapper, iova[i]), 0);
			assert_int_equal(device_read(iova[i] + 7), -1);
		}
	}
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	dma_arena_remove_unit(arena, unit);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static int add_leaf(const struct iommu_mapping *leaf, void *arg)
{
	*(uint64_t *)arg += leaf->size;
	return 0;
}

static void the_ledger_and_the_tables_hold_the_same(void **state)
{
	static struct dma_ledger ledger;
	struct dma_arena *arena = arena_create(false);
	struct dma_mapper *mapper;
	struct dma_range range;
	const struct dma_ledger *strict;
	uint64_t iova[16], leaves = 0;

	memset(&ledger, 0, sizeof(ledger));
	dma_arena_range(arena, DMA_BUFFERS, &range);
	assert_int_equal(dma_arena_grant(arena, DMA_RINGS, domain, RW, &ledger), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, &ledger), 0);
	assert_int_equal(dma_mapper_create(space, domain, K4, &strict_fresh, &mapper), 0);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(dma_map(mapper, (uint8_t *)range.vaddr + i * K4, RW, &iova[i]), 0);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(dma_unmap(mapper, iova[i]), 0);
	strict = dma_mapper_ledger(mapper);
	assert_int_equal(iommu_for_each_leaf(domain, add_leaf, &leaves), 0);
	assert_int_equal(leaves, ledger.mapped_bytes - ledger.unmapped_bytes +
					 strict->mapped_bytes - strict->unmapped_bytes);
	assert_int_equal(leaves, 65 * K4 + 11 * K4);
	for (unsigned int i = 5; i < 16; i++)
		assert_int_equal(dma_unmap(mapper, iova[i]), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, &ledger), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_RINGS, domain, 0, &ledger), 0);
	assert_int_equal(ledger.mapped_bytes, ledger.unmapped_bytes);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void without_translation_an_arena_stands_at_its_own_address(void **state)
{
	struct dma_arena *arena = arena_create(true);
	struct dma_range range;

	dma_arena_range(arena, DMA_BUFFERS, &range);
	assert_int_equal(range.iova, (uintptr_t)range.vaddr);
	memset(range.vaddr, 0x33, range.size);
	assert_int_equal(device_read(range.iova), -1);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, NULL), 0);
	assert_int_equal(device_read(range.iova + range.size - 1), 0x33);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, NULL), 0);
	assert_int_equal(device_read(range.iova), -1);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void without_translation_an_arena_elsewhere_is_refused(void **state)
{
	struct dma_arena *arena = arena_create(false);
	struct dma_range range;

	dma_arena_range(arena, DMA_BUFFERS, &range);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, RW, NULL), -EADDRNOTAVAIL);
	assert_int_equal(dma_arena_rights(arena, DMA_BUFFERS, domain), 0);
	/* Nor does the unit know its memory afterwards. */
	assert_int_equal(device_read((uintptr_t)range.vaddr), -1);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

#define TEST(name, ops) \
	cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, (void *)(uintptr_t)(ops))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_reaches_a_granted_part_until_it_is_revoked, &vtd_ops),
		TEST(a_mapped_buffer_is_reached_until_it_is_unmapped, &vtd_ops),
		TEST(the_ledger_and_the_tables_hold_the_same, &vtd_ops),
		TEST(without_translation_an_arena_stands_at_its_own_address, &direct_ops),
		TEST(without_translation_an_arena_elsewhere_is_refused, &direct_ops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
