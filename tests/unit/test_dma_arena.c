/* SPDX-License-Identifier: BSD-3-Clause */
/* Arenas and grants: one IOVA everywhere, exactly the rights that were asked for. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "dma.h"
#include "fake_iommu.h"

#define K4 UINT64_C(0x1000)
#define RW (IOMMU_READ | IOMMU_WRITE)

struct state {
	struct iommu_unit *unit;
	struct iommu_domain *domain[2];
	struct dma_space *space;
	struct dma_arena *arena;
};

static const struct dma_arena_config small = {
	.name = "small",
	.ring_size = 3 * 4096,
	.buffer_size = 64 * 4096,
	.page_size = 4096,
	.node = -1,
};

static int setup(void **arg)
{
	static struct state state;

	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &state.unit, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(iommu_domain_create(state.unit, NULL, &state.domain[i], NULL), 0);
	assert_int_equal(dma_space_create(&state.space, NULL), 0);
	assert_int_equal(dma_space_add_unit(state.space, state.unit), 0);
	assert_int_equal(dma_arena_create(state.space, &small, &state.arena, NULL), 0);
	*arg = &state;
	return 0;
}

static int teardown(void **arg)
{
	struct state *state = *arg;

	memset(fake.fail, 0, sizeof(fake.fail));
	for (unsigned int i = 0; i < 2; i++) {
		dma_arena_grant(state->arena, DMA_RINGS, state->domain[i], 0, NULL);
		dma_arena_grant(state->arena, DMA_BUFFERS, state->domain[i], 0, NULL);
	}
	assert_int_equal(dma_arena_destroy(state->arena), 0);
	assert_int_equal(dma_space_destroy(state->space), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(iommu_domain_destroy(state->domain[i]), 0);
	assert_int_equal(iommu_unit_destroy(state->unit), 0);
	return 0;
}

static int grant(struct state *state, enum dma_part part, unsigned int domain, uint32_t prot)
{
	return dma_arena_grant(state->arena, part, state->domain[domain], prot, NULL);
}

static unsigned int mapping_count(struct state *state, unsigned int domain)
{
	struct iommu_domain_usage usage;

	iommu_domain_usage(state->domain[domain], &usage);
	return (unsigned int)usage.mappings;
}

static void the_parts_are_cleared_and_apart(void **arg)
{
	struct state *state = *arg;
	struct dma_range rings, buffers;

	dma_arena_range(state->arena, DMA_RINGS, &rings);
	dma_arena_range(state->arena, DMA_BUFFERS, &buffers);
	assert_int_equal(rings.size, small.ring_size);
	assert_int_equal(buffers.size, small.buffer_size);
	assert_int_equal(rings.iova % rings.page_size, 0);
	assert_int_equal(buffers.iova % buffers.page_size, 0);
	assert_true(rings.iova + rings.size <= buffers.iova ||
		    buffers.iova + buffers.size <= rings.iova);
	for (size_t i = 0; i < buffers.size; i++)
		assert_int_equal(((uint8_t *)buffers.vaddr)[i], 0);
	assert_string_equal(dma_arena_name(state->arena), "small");
}

static void memory_of_a_destroyed_arena_comes_back_cleared(void **arg)
{
	struct state *state = *arg;
	struct dma_arena *arena;
	struct dma_range range;

	for (unsigned int round = 0; round < 8; round++) {
		assert_int_equal(dma_arena_create(state->space, &small, &arena, NULL), 0);
		dma_arena_range(arena, DMA_BUFFERS, &range);
		for (size_t i = 0; i < range.size; i++)
			assert_int_equal(((uint8_t *)range.vaddr)[i], 0);
		memset(range.vaddr, 0xa5, range.size);
		assert_int_equal(dma_arena_destroy(arena), 0);
	}
}

static void the_plan_avoids_the_msi_window_and_eal(void **arg)
{
	struct state *state = *arg;
	struct dma_arena_config config = {.name = "a", .buffer_size = K4, .node = -1};
	struct dma_arena *arena[64];
	struct dma_range range;

	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(dma_arena_create(state->space, &config, &arena[i], NULL), 0);
		dma_arena_range(arena[i], DMA_BUFFERS, &range);
		assert_true(range.iova >= 0x10000000);
		assert_true(range.iova + range.size <= 0xfee00000 || range.iova >= 0xfef00000);
		assert_true(range.iova + range.size <= 0x100000000 || range.iova >= 1ull << 40);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(dma_arena_destroy(arena[i]), 0);
}

static void holes_and_width_of_a_unit_stay_out_of_the_plan(void **arg)
{
	struct state *state = *arg;
	struct dma_arena_config config = {
		.name = "h", .buffer_size = K4, .node = -1, .is_identity = true};
	struct dma_arena *arena;
	struct iommu_unit *unit;

	/* With identity, an arena stands at its address in the process: far above 2^39. */
	assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), 0);
	assert_int_equal(dma_arena_destroy(arena), 0);
	fake.limits.addr_bits = 39;
	fake.limits.hole_count = 2;
	fake.limits.hole[1].iova = 0x10000000;
	fake.limits.hole[1].size = 0xfee00000 - 0x10000000;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &unit, NULL), 0);
	assert_int_equal(dma_space_add_unit(state->space, unit), 0);
	assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), -EEXIST);
	/* What is left lies between the MSI window and 4 GiB. */
	config.is_identity = false;
	for (unsigned int i = 0; i < 2; i++) {
		struct dma_range range;

		assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), 0);
		dma_arena_range(arena, DMA_BUFFERS, &range);
		assert_true(range.iova >= 0xfef00000 && range.iova < 0x100000000);
		assert_int_equal(dma_arena_destroy(arena), 0);
	}
	config.buffer_size = 0x1200000;
	assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), -ENOSPC);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

/* The plan gave it out before the unit came: a device is never sent into the hole. */
static void a_hole_of_a_late_unit_under_an_arena_is_told_at_the_grant(void **arg)
{
	struct state *state = *arg;
	struct dma_arena_config config = {.name = "l", .buffer_size = K4, .node = -1};
	struct dma_range old, range;
	struct dma_arena *arena;
	struct iommu_domain *domain;
	struct iommu_unit *unit;

	dma_arena_range(state->arena, DMA_BUFFERS, &old);
	fake.limits.hole_count = 2;
	fake.limits.hole[1].iova = old.iova + K4;
	fake.limits.hole[1].size = 4 * old.size;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &unit, NULL), 0);
	assert_int_equal(dma_space_add_unit(state->space, unit), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(
		dma_arena_grant(state->arena, DMA_BUFFERS, domain, IOMMU_READ | IOMMU_WRITE, NULL),
		-ERANGE);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, domain), 0);
	/* Who has it already keeps it, and what comes now stays clear of the hole. */
	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), 0);
	dma_arena_range(arena, DMA_BUFFERS, &range);
	assert_true(range.iova + range.size <= fake.limits.hole[1].iova ||
		    range.iova >= fake.limits.hole[1].iova + fake.limits.hole[1].size);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, IOMMU_READ, NULL), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_BUFFERS, domain, 0, NULL), 0);
	assert_int_equal(dma_arena_destroy(arena), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

static void a_grant_maps_exactly_the_rights_asked_for(void **arg)
{
	struct state *state = *arg;
	struct dma_range range;

	dma_arena_range(state->arena, DMA_BUFFERS, &range);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_WRITE), 0);
	assert_int_equal(fake.mapping.prot, IOMMU_WRITE);
	assert_int_equal(fake.mapping.iova, range.iova);
	assert_ptr_equal(fake.mapping.vaddr, range.vaddr);
	assert_int_equal(fake.mapping.size, range.size);
	assert_int_equal(fake.mapping.page_size, range.page_size);
	assert_int_equal(mapping_count(state, 0), 1);
	assert_int_equal(mapping_count(state, 1), 0);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]),
			 IOMMU_WRITE);
	assert_int_equal(dma_arena_rights(state->arena, DMA_RINGS, state->domain[0]), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 8), -EINVAL);
}

static void an_arena_has_the_same_iova_in_two_domains(void **arg)
{
	struct state *state = *arg;
	struct iommu_mapping mapping[2];

	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 1, IOMMU_READ), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(iommu_mappings(state->domain[i], 0, &mapping[i], 1), 1);
	assert_int_equal(mapping[0].iova, mapping[1].iova);
	assert_ptr_equal(mapping[0].vaddr, mapping[1].vaddr);
	assert_int_equal(mapping[0].prot, RW);
	assert_int_equal(mapping[1].prot, IOMMU_READ);
}

static void other_rights_are_unmapped_synced_and_mapped_again(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
	fake.trace_count = 0;
	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
	assert_int_equal(fake.trace_count, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	assert_int_equal(fake.trace_count, 3);
	assert_int_equal(fake.trace[0], FAKE_UNMAP);
	assert_int_equal(fake.trace[1], FAKE_SYNC);
	assert_int_equal(fake.trace[2], FAKE_MAP);
	assert_int_equal(fake.mapping.prot, IOMMU_READ);
	assert_int_equal(mapping_count(state, 0), 1);
}

static void revoke_unmaps_with_a_completed_invalidation(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 0), 0);
	assert_int_equal(fake.calls[FAKE_UNMAP], 1);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(mapping_count(state, 0), 0);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 0), 0);
	assert_int_equal(fake.calls[FAKE_UNMAP], 1);
}

static void rings_are_refused_to_a_second_domain(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_RINGS, 0, RW), 0);
	assert_int_equal(grant(state, DMA_RINGS, 1, IOMMU_READ), -EPERM);
	assert_int_equal(mapping_count(state, 1), 0);
	assert_int_equal(grant(state, DMA_RINGS, 0, 0), 0);
	assert_int_equal(grant(state, DMA_RINGS, 1, IOMMU_READ), 0);
}

static void an_empty_part_cannot_be_granted(void **arg)
{
	struct state *state = *arg;
	const struct dma_arena_config config = {.name = "b", .buffer_size = K4, .node = -1};
	const struct dma_arena_config empty = {.name = "e", .node = -1};
	struct dma_arena *arena;

	assert_int_equal(dma_arena_create(state->space, &empty, &arena, NULL), -EINVAL);
	assert_int_equal(dma_arena_create(state->space, &config, &arena, NULL), 0);
	assert_int_equal(dma_arena_grant(arena, DMA_RINGS, state->domain[0], RW, NULL), -ENOENT);
	assert_int_equal(dma_arena_destroy(arena), 0);
}

static void an_arena_is_not_destroyed_while_granted(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 1, RW), 0);
	assert_int_equal(dma_arena_destroy(state->arena), -EBUSY);
	assert_int_equal(dma_space_destroy(state->space), -EBUSY);
	assert_int_equal(dma_arena_add_unit(state->arena, state->unit), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 1, 0), 0);
	assert_int_equal(dma_arena_destroy(state->arena), -EBUSY);
	dma_arena_remove_unit(state->arena, state->unit);
}

static void a_unit_knows_the_memory_from_the_first_grant_to_the_last(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(fake.calls[FAKE_MEMORY_ADD], 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
	assert_int_equal(fake.calls[FAKE_MEMORY_ADD], 2); /* one call a part */
	assert_int_equal(grant(state, DMA_BUFFERS, 1, RW), 0);
	assert_int_equal(grant(state, DMA_RINGS, 1, RW), 0);
	assert_int_equal(fake.calls[FAKE_MEMORY_ADD], 2);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 0), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 1, 0), 0);
	assert_int_equal(fake.calls[FAKE_MEMORY_REMOVE], 0);
	assert_int_equal(grant(state, DMA_RINGS, 1, 0), 0);
	assert_int_equal(fake.calls[FAKE_MEMORY_REMOVE], 2);
}

static void a_failure_at_any_step_leaves_nothing_mapped(void **arg)
{
	static const struct {
		enum fake_step step;
		unsigned int skip;
	} faults[] = {{FAKE_MEMORY_ADD, 0}, {FAKE_MEMORY_ADD, 1}, {FAKE_MAP, 0}};
	struct state *state = *arg;

	for (unsigned int i = 0; i < 3; i++) {
		memset(fake.calls, 0, sizeof(fake.calls));
		fake_fail(faults[i].step, ENOMEM, faults[i].skip);
		assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), -ENOMEM);
		fake_fail(faults[i].step, 0, 0);
		assert_int_equal(mapping_count(state, 0), 0);
		assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]), 0);
		/* Each part that was added is removed; the one that failed was not added. */
		assert_int_equal(fake.calls[FAKE_MEMORY_REMOVE],
				 fake.calls[FAKE_MEMORY_ADD] - (faults[i].step == FAKE_MEMORY_ADD));
	}
	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), 0);
}

static void a_second_map_that_fails_leaves_no_rights(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	fake_fail(FAKE_MAP, ENOMEM, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), -ENOMEM);
	assert_int_equal(mapping_count(state, 0), 0);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]), 0);
	assert_int_equal(fake.calls[FAKE_MEMORY_REMOVE], 2);
}

static void a_revoke_whose_sync_failed_can_be_repeated(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 0), -EIO);
	assert_int_equal(dma_arena_rights(state->arena, DMA_BUFFERS, state->domain[0]), IOMMU_READ);
	assert_int_equal(fake.calls[FAKE_MEMORY_REMOVE], 0);
	fake_fail(FAKE_SYNC, 0, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, 0), 0);
	assert_int_equal(fake.calls[FAKE_UNMAP], 1);
	assert_int_equal(fake.calls[FAKE_SYNC], 2);
}

static void rights_whose_sync_failed_are_mapped_when_asked_for_again(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, RW), -EIO);
	assert_int_equal(mapping_count(state, 0), 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), -EIO);
	fake_fail(FAKE_SYNC, 0, 0);
	assert_int_equal(grant(state, DMA_BUFFERS, 0, IOMMU_READ), 0);
	assert_int_equal(mapping_count(state, 0), 1);
	assert_int_equal(fake.mapping.prot, IOMMU_READ);
}

static void the_ledger_counts_grants_and_revokes(void **arg)
{
	static struct dma_ledger ledger;
	struct state *state = *arg;

	memset(&ledger, 0, sizeof(ledger));
	assert_int_equal(dma_arena_grant(state->arena, DMA_BUFFERS, state->domain[0], RW, &ledger),
			 0);
	assert_int_equal(
		dma_arena_grant(state->arena, DMA_BUFFERS, state->domain[0], IOMMU_READ, &ledger),
		0);
	assert_int_equal(ledger.maps, 2);
	assert_int_equal(ledger.unmaps, 1);
	assert_int_equal(ledger.mapped_bytes, 2 * small.buffer_size);
	assert_int_equal(ledger.unmapped_bytes, small.buffer_size);
	assert_int_equal(ledger.invalidations, 1);
	assert_int_equal(ledger.map_ns.count, 2);
	assert_int_equal(ledger.unmap_ns.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_parts_are_cleared_and_apart),
		TEST(memory_of_a_destroyed_arena_comes_back_cleared),
		TEST(the_plan_avoids_the_msi_window_and_eal),
		TEST(holes_and_width_of_a_unit_stay_out_of_the_plan),
		TEST(a_hole_of_a_late_unit_under_an_arena_is_told_at_the_grant),
		TEST(a_grant_maps_exactly_the_rights_asked_for),
		TEST(an_arena_has_the_same_iova_in_two_domains),
		TEST(other_rights_are_unmapped_synced_and_mapped_again),
		TEST(revoke_unmaps_with_a_completed_invalidation),
		TEST(rings_are_refused_to_a_second_domain),
		TEST(an_empty_part_cannot_be_granted),
		TEST(an_arena_is_not_destroyed_while_granted),
		TEST(a_unit_knows_the_memory_from_the_first_grant_to_the_last),
		TEST(a_failure_at_any_step_leaves_nothing_mapped),
		TEST(a_second_map_that_fails_leaves_no_rights),
		TEST(a_revoke_whose_sync_failed_can_be_repeated),
		TEST(rights_whose_sync_failed_are_mapped_when_asked_for_again),
		TEST(the_ledger_counts_grants_and_revokes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
