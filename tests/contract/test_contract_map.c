/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises about map, unmap, sync and the tables. */
#include "contract.h"

#include <errno.h>
#include <string.h>

static void all_of_a_mapped_range_is_reachable(void **state)
{
	struct contract *c = *state;

	assert_int_equal(contract_map(c, 0, CONTRACT_MEMORY, K4, RW), 0);
	for (uint64_t page = 0; page < CONTRACT_PAGES; page += c->stride) {
		assert_int_equal(contract_read(c, c->iova + page * K4), contract_byte(page));
		assert_true(contract_reaches(c, c->iova + page * K4, K4, IOMMU_WRITE));
	}
}

static void nothing_beside_a_mapping_is_reachable(void **state)
{
	struct contract *c = *state;

	assert_int_equal(contract_map(c, 4 * K4, 2 * K4, K4, RW), 0);
	assert_true(contract_reaches(c, c->iova + 4 * K4, 2 * K4, RW & IOMMU_READ));
	assert_false(contract_reaches(c, c->iova + 4 * K4 - 1, 1, IOMMU_READ));
	assert_false(contract_reaches(c, c->iova + 6 * K4, 1, IOMMU_READ));
	assert_false(contract_reaches(c, c->iova + 4 * K4 + (UINT64_C(1) << 39), 1, IOMMU_READ));
	assert_false(contract_reaches(c, c->iova + 4 * K4 + (UINT64_C(1) << 30), 1, IOMMU_READ));
	assert_false(contract_reaches(c, c->iova + 4 * K4 + M2, 1, IOMMU_READ));
}

static void a_mapping_gives_exactly_the_rights_asked_for(void **state)
{
	struct contract *c = *state;

	assert_int_equal(contract_map(c, 0, K4, K4, IOMMU_READ), 0);
	assert_int_equal(contract_map(c, K4, K4, K4, IOMMU_WRITE), 0);
	assert_int_equal(contract_map(c, 2 * K4, K4, K4, RW), 0);
	for (unsigned int round = 0; round < 2; round++) {
		assert_true(contract_reaches(c, c->iova, 64, IOMMU_READ));
		assert_false(contract_reaches(c, c->iova, 64, IOMMU_WRITE));
		if (!iommu_unit_limits(c->unit)->write_implies_read)
			assert_false(contract_reaches(c, c->iova + K4, 64, IOMMU_READ));
		assert_true(contract_reaches(c, c->iova + K4, 64, IOMMU_WRITE));
		assert_true(contract_reaches(c, c->iova + 2 * K4, 64, IOMMU_READ));
		assert_true(contract_reaches(c, c->iova + 2 * K4, 64, IOMMU_WRITE));
	}
	if (c->is_software) {
		assert_int_equal(iommu_faults_of_reason(c->domain, 5), 2);
		assert_int_equal(iommu_faults_of_reason(c->domain, 6), 2);
	}
}

static void a_mapping_elsewhere_than_its_memory_is_refused_without_translation(void **state)
{
	struct contract *c = *state;
	int expected = iommu_unit_limits(c->unit)->is_protected ? 0 : -EADDRNOTAVAIL;

	assert_int_equal(iommu_map(c->domain, c->iova + M2, c->memory, K4, K4, RW), expected);
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
}

static void the_largest_leaves_that_fit_are_used(void **state)
{
	struct contract *c = *state;
	struct iommu_domain_usage usage;

	/* From the last page of a 2 MiB range over two whole ones into the first of another. */
	assert_int_equal(contract_map(c, M2 - K4, 2 * M2 + 2 * K4, M2, RW), 0);
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.leaves_2m, 2);
	assert_int_equal(usage.leaves_4k, 2);
	contract_unmap(c, M2 - K4, 2 * M2 + 2 * K4);
	/* The same, where the caller allows small pages only. */
	assert_int_equal(contract_map(c, M2 - K4, 2 * M2 + 2 * K4, K4, RW), 0);
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.leaves_2m, 0);
	assert_int_equal(usage.leaves_4k, 2 * M2 / K4 + 2);
	contract_unmap(c, M2 - K4, 2 * M2 + 2 * K4);
	/* And where IOVA and memory are not aligned with each other. */
	assert_int_equal(iommu_map(c->domain, c->iova, c->memory + K4, 2 * M2, M2, RW), 0);
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.leaves_2m, 0);
}

static void tables_forget_a_range_when_it_is_unmapped(void **state)
{
	struct contract *c = *state;
	struct iommu_gather gather = {0};
	struct iommu_walk walk;
	uint64_t pa;

	assert_int_equal(contract_map(c, 0, 3 * K4, K4, RW), 0);
	assert_int_equal(iommu_iova_to_phys(c->domain, c->iova + K4 + 5, &pa), 0);
	assert_int_equal(pa, contract_pa(c, c->memory + K4 + 5));
	assert_int_equal(iommu_unmap(c->domain, c->iova, 3 * K4, &gather), 0);
	for (uint64_t page = 0; page < 3; page++)
		assert_int_equal(iommu_iova_to_phys(c->domain, c->iova + page * K4, &pa), -ENOENT);
	assert_int_equal(iommu_walk(c->device, c->iova, &walk), 0);
	assert_int_not_equal(walk.reason, 0);
	assert_int_equal(iommu_sync(c->domain, &gather), 0);
}

static void an_unmap_widens_the_gather(void **state)
{
	struct contract *c = *state;
	struct iommu_gather gather = {0};

	assert_int_equal(contract_map(c, 8 * K4, 2 * K4, K4, RW), 0);
	assert_int_equal(contract_map(c, 2 * K4, K4, K4, RW), 0);
	assert_int_equal(iommu_unmap(c->domain, c->iova + 8 * K4, 2 * K4, &gather), 0);
	assert_true(gather.start <= c->iova + 8 * K4);
	assert_true(gather.last >= c->iova + 10 * K4 - 1);
	assert_int_equal(iommu_unmap(c->domain, c->iova + 2 * K4, K4, &gather), 0);
	assert_int_equal(gather.count, 2);
	assert_true(gather.start <= c->iova + 2 * K4);
	assert_true(gather.last >= c->iova + 10 * K4 - 1);
	assert_int_equal(iommu_sync(c->domain, &gather), 0);
	assert_int_equal(gather.count, 0);
	assert_null(gather.freelist);
}

static void no_burst_after_a_sync_gets_the_old_translation(void **state)
{
	struct contract *c = *state;
	uint64_t pages = c->is_software ? 300 : 10;

	for (uint64_t page = 0; page < pages; page++) {
		uint64_t offset = page % 7 * K4;

		/* Read twice, so that a cache has it. */
		assert_int_equal(
			iommu_map(c->domain, c->iova + offset, c->memory + page * K4, K4, K4, RW),
			0);
		assert_int_equal(contract_read(c, c->iova + offset), contract_byte(page));
		assert_int_equal(contract_read(c, c->iova + offset), contract_byte(page));
		contract_unmap(c, offset, K4);
		assert_int_equal(contract_read(c, c->iova + offset), -1);
	}
}

/* Where nothing is left to sync, gathering unmaps saves nothing; elsewhere it leaves a window. */
static void between_unmap_and_sync_it_is_as_the_limits_say(void **state)
{
	struct contract *c = *state;
	struct iommu_gather gather = {0};

	/* The other one keeps its table page, which the unit would have to invalidate for. */
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_int_equal(contract_map(c, K4, K4, K4, RW), 0);
	assert_int_equal(contract_read(c, c->iova), contract_byte(0));
	assert_int_equal(iommu_unmap(c->domain, c->iova, K4, &gather), 0);
	if (iommu_unit_limits(c->unit)->unmap_syncs)
		assert_int_equal(contract_read(c, c->iova), -1);
	else
		assert_int_equal(contract_read(c, c->iova), contract_byte(0));
	assert_int_equal(iommu_sync(c->domain, &gather), 0);
	assert_int_equal(contract_read(c, c->iova), -1);
}

static void one_sync_is_enough_for_many_unmaps(void **state)
{
	static const uint64_t sizes[] = {K4, 3 * K4, M2};
	struct contract *c = *state;
	struct iommu_gather gather = {0};

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(
			iommu_map(c->domain, c->iova + i * M2, c->memory, sizes[i], M2, RW), 0);
		assert_int_equal(contract_read(c, c->iova + i * M2 + sizes[i] - 1),
				 contract_byte((sizes[i] - 1) / K4));
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(iommu_unmap(c->domain, c->iova + i * M2, sizes[i], &gather), 0);
	assert_int_equal(iommu_sync(c->domain, &gather), 0);
	for (unsigned int i = 0; i < 3; i++) {
		for (uint64_t offset = 0; offset < sizes[i]; offset += c->stride * K4)
			assert_int_equal(contract_read(c, c->iova + i * M2 + offset), -1);
	}
}

/* A refused access must not be remembered as refused: no unit may cache that (VT-d: CM = 0). */
static void a_map_is_seen_without_a_sync(void **state)
{
	struct contract *c = *state;
	uint64_t pages = c->is_software ? 64 : 6;

	for (uint64_t page = 0; page < pages; page++) {
		assert_int_equal(contract_read(c, c->iova + page * K4), -1);
		assert_int_equal(contract_map(c, page * K4, K4, K4, RW), 0);
		assert_int_equal(contract_read(c, c->iova + page * K4), contract_byte(page));
	}
}

static void iova_to_phys_names_the_memory_of_each_page(void **state)
{
	struct contract *c = *state;
	uint64_t pa;

	assert_int_equal(contract_map(c, 0, 2 * M2 + 3 * K4, M2, RW), 0);
	for (uint64_t offset = 0; offset < 2 * M2 + 3 * K4; offset += K4 / 2) {
		assert_int_equal(iommu_iova_to_phys(c->domain, c->iova + offset, &pa), 0);
		assert_int_equal(pa, contract_pa(c, c->memory + offset));
	}
	assert_int_equal(iommu_iova_to_phys(c->domain, (uintptr_t)c->strange, &pa), -ENOENT);
}

static void a_walk_says_what_an_access_would_meet(void **state)
{
	struct contract *c = *state;
	struct iommu_walk walk;

	assert_int_equal(contract_map(c, 0, 2 * K4, K4, RW), 0);
	assert_int_equal(iommu_walk(c->device, c->iova + K4 + 9, &walk), 0);
	assert_int_equal(walk.reason, 0);
	assert_int_equal(walk.pa, contract_pa(c, c->memory + K4 + 9));
	assert_int_equal(walk.prot, RW);
	assert_true(walk.source[0] != '\0');
	assert_int_equal(iommu_walk(c->device, (uintptr_t)c->strange, &walk), 0);
	assert_int_not_equal(walk.reason, 0);
	assert_int_equal(iommu_faults_total(c->domain), 0);
}

/* --- ledger = tables ------------------------------------------------------------------------ */

#define SLOTS 24

/* What the leaves must add up to, filled from the ledger. */
struct tally {
	struct iommu_mapping mapping[SLOTS];
	unsigned int count;
	unsigned int next;
	uint64_t done; /* bytes of mapping[next] that leaves covered */
	unsigned int leaves;
};

static int visit(const struct iommu_mapping *leaf, void *arg)
{
	struct tally *tally = arg;
	const struct iommu_mapping *mapping = &tally->mapping[tally->next];

	assert_true(tally->next < tally->count);
	assert_int_equal(leaf->iova, mapping->iova + tally->done);
	assert_ptr_equal(leaf->vaddr, (uint8_t *)mapping->vaddr + tally->done);
	assert_int_equal(leaf->prot, mapping->prot);
	tally->leaves++;
	tally->done += leaf->size;
	if (tally->done == mapping->size) {
		tally->next++;
		tally->done = 0;
	}
	return 0;
}

static void compare(struct contract *c)
{
	struct iommu_domain_usage usage;
	static struct tally tally;

	memset(&tally, 0, sizeof(tally));
	tally.count = iommu_mappings(c->domain, 0, tally.mapping, SLOTS);
	assert_int_equal(iommu_for_each_leaf(c->domain, visit, &tally), 0);
	assert_int_equal(tally.next, tally.count);
	assert_int_equal(tally.done, 0);
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.mappings, tally.count);
	if (c->backend->ops->for_each_leaf != NULL)
		assert_int_equal(usage.leaves_4k + usage.leaves_2m + usage.leaves_1g, tally.leaves);
}

static void the_leaves_are_exactly_the_mappings(void **state)
{
	struct contract *c = *state;
	uint64_t size[SLOTS] = {0}, slot_size = CONTRACT_MEMORY / SLOTS / K4 * K4, seed = 1;

	for (unsigned int step = 0; step < 3000; step++) {
		uint64_t random = unit_random(&seed);
		unsigned int slot = (unsigned int)(random % SLOTS);

		if (size[slot] == 0) {
			size[slot] = (1 + (random >> 32) % (slot_size / K4)) * K4;
			assert_int_equal(contract_map(c, slot * slot_size, size[slot],
						      (random & 1 << 20) != 0 ? M2 : K4,
						      1 + (random >> 24) % 3),
					 0);
		} else {
			contract_unmap(c, slot * slot_size, size[slot]);
			size[slot] = 0;
		}
		if (step % 50 == 0)
			compare(c);
	}
	compare(c);
}

static void a_domain_can_be_filled_and_emptied_for_ever(void **state)
{
	struct contract *c = *state;
	struct iommu_domain_usage usage;
	unsigned int rounds = c->is_software ? 200 : 10;

	for (unsigned int round = 0; round < rounds; round++) {
		assert_int_equal(contract_map(c, 0, CONTRACT_MEMORY, round % 2 ? K4 : M2, RW), 0);
		assert_true(contract_reaches(c, c->iova + CONTRACT_MEMORY - 1, 1, IOMMU_READ));
		contract_unmap(c, 0, CONTRACT_MEMORY);
	}
	iommu_domain_usage(c->domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.leaves_4k + usage.leaves_2m + usage.leaves_1g, 0);
	assert_int_equal(usage.syncs, rounds);
}

int main(void)
{
	static const struct contract_test tests[] = {
		CONTRACT_TEST(all_of_a_mapped_range_is_reachable),
		CONTRACT_TEST_OF(PROTECTION, nothing_beside_a_mapping_is_reachable),
		CONTRACT_TEST_OF(PROTECTION, a_mapping_gives_exactly_the_rights_asked_for),
		CONTRACT_TEST(a_mapping_elsewhere_than_its_memory_is_refused_without_translation),
		CONTRACT_TEST_OF(TABLES, the_largest_leaves_that_fit_are_used),
		CONTRACT_TEST_OF(PROTECTION, tables_forget_a_range_when_it_is_unmapped),
		CONTRACT_TEST(an_unmap_widens_the_gather),
		CONTRACT_TEST_OF(PROTECTION, no_burst_after_a_sync_gets_the_old_translation),
		CONTRACT_TEST_OF(PROTECTION, between_unmap_and_sync_it_is_as_the_limits_say),
		CONTRACT_TEST_OF(PROTECTION, one_sync_is_enough_for_many_unmaps),
		CONTRACT_TEST_OF(PROTECTION, a_map_is_seen_without_a_sync),
		CONTRACT_TEST(iova_to_phys_names_the_memory_of_each_page),
		CONTRACT_TEST(a_walk_says_what_an_access_would_meet),
		CONTRACT_TEST(the_leaves_are_exactly_the_mappings),
		CONTRACT_TEST(a_domain_can_be_filled_and_emptied_for_ever),
	};

	return contract_run(tests, sizeof(tests) / sizeof(tests[0]));
}
