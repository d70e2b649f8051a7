/* SPDX-License-Identifier: BSD-3-Clause */
/* What a ledger counts is what the unit itself did, and what devices still reach meanwhile. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "dma.h"
#include "iommu_burst.h"
#include "vtd.h"

#define K4	UINT64_C(0x1000)
#define RW	(IOMMU_READ | IOMMU_WRITE)
#define BUFFERS 256
#define BATCH	16
#define HOUR	3600000000u /* in us: no test waits that long */

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;
static struct iommu_translator *translator;
static struct dma_space *space;
static struct dma_arena *arena;
static struct dma_range range;

static const struct dma_policy_config strict_fresh = {.policy = DMA_STRICT, .is_fresh = true};
static const struct dma_policy_config strict_fixed = {.policy = DMA_STRICT};
static const struct dma_policy_config deferred_fresh = {
	.policy = DMA_DEFERRED, .batch = BATCH, .timeout_us = HOUR, .is_fresh = true};
static const struct dma_policy_config deferred_fixed = {
	.policy = DMA_DEFERRED, .batch = BATCH, .timeout_us = HOUR};

static int setup(void **state)
{
	const struct dma_arena_config config = {
		.name = "a", .buffer_size = BUFFERS * K4, .page_size = K4, .node = -1};

	assert_int_equal(iommu_unit_create(&vtd_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(iommu_attach(domain, "dev0", 0x100, &device, NULL), 0);
	assert_int_equal(iommu_translator_create(device, true, 0, &translator), 0);
	assert_int_equal(dma_space_create(&space, NULL), 0);
	assert_int_equal(dma_space_add_unit(space, unit), 0);
	assert_int_equal(dma_arena_create(space, &config, &arena, NULL), 0);
	assert_int_equal(dma_arena_add_unit(arena, unit), 0);
	dma_arena_range(arena, DMA_BUFFERS, &range);
	return 0;
}

static int teardown(void **state)
{
	dma_arena_remove_unit(arena, unit);
	assert_int_equal(dma_arena_destroy(arena), 0);
	assert_int_equal(dma_space_destroy(space), 0);
	iommu_translator_destroy(translator);
	assert_int_equal(iommu_detach(device), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	return 0;
}

static struct dma_mapper *mapper_create(const struct dma_policy_config *config)
{
	struct dma_mapper *mapper;

	assert_int_equal(dma_mapper_create(space, domain, K4, config, &mapper), 0);
	return mapper;
}

static void *buffer_at(unsigned int buffer)
{
	return (uint8_t *)range.vaddr + buffer * K4;
}

static uint64_t map(struct dma_mapper *mapper, unsigned int buffer, uint32_t prot)
{
	uint64_t iova = dma_arena_iova(arena, DMA_BUFFERS, buffer * K4);

	assert_int_equal(dma_map(mapper, buffer_at(buffer), prot, &iova), 0);
	return iova;
}

/* The device writes one byte there; false: refused, and a fault was recorded. */
static bool device_writes(uint64_t iova, uint8_t byte)
{
	struct iommu_access access = {.iova = iova, .len = 1, .prot = IOMMU_WRITE};
	uint64_t faults = iommu_faults_total(domain);
	struct iommu_span span[4];

	iommu_burst_begin(translator);
	assert_int_equal(iommu_translate_burst(translator, &access, 1, span, 4), 1);
	if (access.span_count == 1)
		span[0].vaddr[0] = byte;
	iommu_burst_end(translator);
	assert_int_equal(iommu_faults_total(domain), faults + (access.span_count == 0));
	return access.span_count == 1;
}

/* --- counts --------------------------------------------------------------------------------- */

static void compare_with_unit(const struct dma_mapper *mapper)
{
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);
	struct iommu_domain_usage usage;
	struct vtd_domain_stats own;
	struct vtd_stats whole;

	iommu_domain_usage(domain, &usage);
	vtd_domain_stats(domain, &own);
	vtd_unit_stats(unit, &whole);
	assert_int_equal(ledger->maps, own.maps);
	assert_int_equal(ledger->unmaps, own.unmaps);
	assert_int_equal(ledger->mapped_bytes, own.mapped_bytes);
	assert_int_equal(ledger->unmapped_bytes, own.unmapped_bytes);
	assert_int_equal(ledger->invalidations, own.syncs);
	assert_int_equal(own.syncs + own.map_flushes,
			 whole.invalidations_page + whole.invalidations_domain);
	assert_int_equal(usage.maps, own.maps);
	assert_int_equal(usage.unmaps, own.unmaps);
	assert_int_equal(usage.syncs, own.syncs);
	assert_int_equal(usage.mappings, ledger->maps - ledger->unmaps);
}

/* As a ring does: `held` buffers are out, and the oldest comes back when one more goes. */
static void run_ring(struct dma_mapper *mapper, unsigned int held, unsigned int uses)
{
	uint64_t iova[BUFFERS];

	for (unsigned int i = 0; i < uses + held; i++) {
		if (i >= held) {
			assert_int_equal(dma_unmap(mapper, iova[i % held]), 0);
			compare_with_unit(mapper);
		}
		if (i < uses) {
			iova[i % held] = map(mapper, i % BUFFERS, IOMMU_WRITE);
			assert_true(device_writes(iova[i % held], 1));
		}
	}
}

static void strict_makes_one_map_unmap_and_sync_a_use(void **state)
{
	struct dma_mapper *mapper = mapper_create(*state);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);

	run_ring(mapper, 64, 1000);
	assert_int_equal(ledger->maps, 1000);
	assert_int_equal(ledger->unmaps, 1000);
	assert_int_equal(ledger->invalidations, 1000);
	assert_int_equal(ledger->mapped_bytes, 1000 * K4);
	assert_int_equal(ledger->unmapped_bytes, 1000 * K4);
	assert_int_equal(ledger->waiting, 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void deferred_syncs_once_a_batch(void **state)
{
	struct dma_mapper *mapper = mapper_create(*state);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);

	run_ring(mapper, 64, 1000);
	assert_int_equal(ledger->maps, 1000);
	assert_int_equal(ledger->unmaps, 1000);
	assert_int_equal(ledger->invalidations, 1000 / BATCH);
	assert_int_equal(ledger->waiting, 1000 % BATCH);
	assert_int_equal(ledger->window_ns.count, 1000 - 1000 % BATCH);
	assert_int_equal(dma_mapper_flush(mapper), 0);
	compare_with_unit(mapper);
	assert_int_equal(ledger->window_ns.count, 1000);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_fixed_buffer_that_comes_back_at_once_costs_a_sync_each(void **state)
{
	struct dma_mapper *mapper = mapper_create(&deferred_fixed);

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(dma_unmap(mapper, map(mapper, 7, RW)), 0);
		compare_with_unit(mapper);
	}
	assert_int_equal(dma_mapper_ledger(mapper)->invalidations, 99);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

/* --- what a device reaches ------------------------------------------------------------------ */

static void a_device_that_uses_a_strict_buffer_after_its_return_faults(void **state)
{
	struct dma_mapper *mapper = mapper_create(*state);
	uint8_t *buffer = buffer_at(3);
	uint64_t iova = map(mapper, 3, IOMMU_WRITE);

	assert_true(device_writes(iova, 0x11));
	assert_int_equal(buffer[0], 0x11);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	buffer[0] = 0x22; /* the program's again */
	assert_false(device_writes(iova, 0x33));
	assert_int_equal(buffer[0], 0x22);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_device_that_uses_a_deferred_buffer_faults_after_the_window_only(void **state)
{
	struct dma_mapper *mapper = mapper_create(*state);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);
	uint8_t *used = buffer_at(3), *unused = buffer_at(4);
	uint64_t iova = map(mapper, 3, IOMMU_WRITE), other = map(mapper, 4, IOMMU_WRITE);

	assert_true(device_writes(iova, 0x11));
	assert_int_equal(dma_unmap(mapper, iova), 0);
	assert_int_equal(dma_unmap(mapper, other), 0);
	used[0] = 0x22;
	unused[0] = 0x22;
	/* The unit still has the translation that it has used; of the other there is none left. */
	assert_true(device_writes(iova, 0x33));
	assert_int_equal(used[0], 0x33);
	assert_false(device_writes(other, 0x33));
	assert_int_equal(unused[0], 0x22);
	assert_int_equal(ledger->waiting, 2);
	assert_int_equal(dma_mapper_flush(mapper), 0);
	assert_false(device_writes(iova, 0x44));
	assert_int_equal(used[0], 0x33);
	assert_int_equal(ledger->window_ns.count, 2);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_stale_translation_never_leads_to_another_buffer(void **state)
{
	struct dma_mapper *mapper = mapper_create(&deferred_fresh);
	uint8_t *old = buffer_at(0), *new = buffer_at(1);
	uint64_t stale = map(mapper, 0, IOMMU_WRITE), iova;

	assert_true(device_writes(stale, 0x11));
	assert_int_equal(dma_unmap(mapper, stale), 0);
	iova = map(mapper, 1, IOMMU_WRITE);
	assert_int_not_equal(iova, stale);
	new[0] = 0x22;
	assert_true(device_writes(stale, 0x33));
	assert_int_equal(old[0], 0x33);
	assert_int_equal(new[0], 0x22);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	/* The control: once synced the IOVA may come again, and leads to the new buffer. */
	assert_int_equal(dma_mapper_flush(mapper), 0);
	for (unsigned int i = 0; i < 2; i++)
		if (map(mapper, 1 + i, IOMMU_WRITE) == stale)
			new = buffer_at(1 + i);
	old[0] = 0x44;
	assert_true(device_writes(stale, 0x55));
	assert_int_equal(old[0], 0x44);
	assert_int_equal(new[0], 0x55);
	assert_int_equal(dma_unmap(mapper, stale), 0);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

/* --- fixed IOVAs ---------------------------------------------------------------------------- */

static bool device_reads(uint64_t iova)
{
	struct iommu_access access = {.iova = iova, .len = 1, .prot = IOMMU_READ};
	struct iommu_span span[4];

	iommu_burst_begin(translator);
	assert_int_equal(iommu_translate_burst(translator, &access, 1, span, 4), 1);
	iommu_burst_end(translator);
	return access.span_count == 1;
}

/* Received into by the device, then sent by it: whether it can read what it was to send. */
static bool receive_and_send(struct dma_mapper *receive, struct dma_mapper *transmit,
			     unsigned int buffer, bool is_flushed)
{
	uint64_t iova = map(receive, buffer, IOMMU_WRITE);
	bool is_readable;

	assert_true(device_writes(iova, 1));
	assert_int_equal(dma_unmap(receive, iova), 0);
	if (is_flushed)
		assert_int_equal(dma_mapper_flush(receive), 0);
	assert_int_equal(map(transmit, buffer, IOMMU_READ), iova);
	is_readable = device_reads(iova);
	assert_int_equal(dma_unmap(transmit, iova), 0);
	return is_readable;
}

static void what_waits_in_another_mapper_is_flushed_before_it_has_new_rights(void **state)
{
	struct dma_mapper *receive = mapper_create(&deferred_fixed);
	struct dma_mapper *transmit = mapper_create(&deferred_fixed);
	/* So that no table page comes and goes, which alone makes the unit invalidate. */
	uint64_t other = map(receive, 9, IOMMU_WRITE);

	/* The control: what the unit has cached cannot be read. */
	assert_false(receive_and_send(receive, transmit, 1, false));
	assert_true(receive_and_send(receive, transmit, 2, true));
	assert_int_equal(dma_unmap(receive, other), 0);
	assert_int_equal(dma_mapper_destroy(receive), 0);
	assert_int_equal(dma_mapper_destroy(transmit), 0);
}

static void a_fixed_iova_is_the_arenas(void **state)
{
	struct dma_mapper *mapper = mapper_create(*state);
	struct iommu_mapping mapping;

	for (unsigned int buffer = 0; buffer < BUFFERS; buffer++) {
		uint64_t iova = map(mapper, buffer, IOMMU_WRITE);

		assert_int_equal(iova, range.iova + buffer * K4);
		assert_int_equal(iommu_mappings(domain, 0, &mapping, 1), 1);
		assert_int_equal(mapping.iova, iova);
		assert_ptr_equal(mapping.vaddr, buffer_at(buffer));
		assert_int_equal(dma_unmap(mapper, iova), 0);
	}
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_fixed_iova_of_a_granted_part_is_refused(void **state)
{
	struct dma_mapper *fixed = mapper_create(&strict_fixed);
	struct dma_mapper *fresh = mapper_create(&strict_fresh);
	uint64_t iova = range.iova;

	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, IOMMU_READ, NULL), 0);
	assert_int_equal(dma_map(fixed, range.vaddr, RW, &iova), -EEXIST);
	/* A fresh one is beside it. */
	assert_int_equal(dma_unmap(fresh, map(fresh, 0, RW)), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, NULL), 0);
	assert_int_equal(dma_map(fixed, range.vaddr, RW, &iova), 0);
	assert_int_equal(dma_unmap(fixed, iova), 0);
	assert_int_equal(dma_mapper_destroy(fixed), 0);
	assert_int_equal(dma_mapper_destroy(fresh), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_WITH(name, config) \
	cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, (void *)(uintptr_t)(config))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH(strict_makes_one_map_unmap_and_sync_a_use, &strict_fresh),
		TEST_WITH(strict_makes_one_map_unmap_and_sync_a_use, &strict_fixed),
		TEST_WITH(deferred_syncs_once_a_batch, &deferred_fresh),
		TEST_WITH(deferred_syncs_once_a_batch, &deferred_fixed),
		TEST(a_fixed_buffer_that_comes_back_at_once_costs_a_sync_each),
		TEST_WITH(a_device_that_uses_a_strict_buffer_after_its_return_faults,
			  &strict_fresh),
		TEST_WITH(a_device_that_uses_a_strict_buffer_after_its_return_faults,
			  &strict_fixed),
		TEST_WITH(a_device_that_uses_a_deferred_buffer_faults_after_the_window_only,
			  &deferred_fresh),
		TEST_WITH(a_device_that_uses_a_deferred_buffer_faults_after_the_window_only,
			  &deferred_fixed),
		TEST(a_stale_translation_never_leads_to_another_buffer),
		TEST(what_waits_in_another_mapper_is_flushed_before_it_has_new_rights),
		TEST_WITH(a_fixed_iova_is_the_arenas, &strict_fixed),
		TEST_WITH(a_fixed_iova_is_the_arenas, &deferred_fixed),
		TEST(a_fixed_iova_of_a_granted_part_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
