/* SPDX-License-Identifier: BSD-3-Clause */
/* The caches of the unit by themselves: what a fill may and an invalidation must do. */
#include <string.h>

#include "unit.h"
#include "vtd_iotlb.h"
#include "vtd_psc.h"

#define DOMAIN 5

static const struct iotlb_geometry geometry = {"test", 8, 4, IOTLB_LRU, 4};
static uint64_t generation;
static struct vtd_iotlb iotlb;
static struct vtd_psc psc;

static int open_caches(void **state)
{
	generation = 7;
	return vtd_iotlb_init(&iotlb, &geometry, &generation) != 0 ||
	       vtd_psc_init(&psc, geometry.walk_entries, &generation) != 0;
}

static int close_caches(void **state)
{
	vtd_iotlb_fini(&iotlb);
	vtd_psc_fini(&psc);
	return 0;
}

static struct vtd_entry *probe_page(uint16_t domain_id, unsigned int size, uint64_t page,
				    struct vtd_probe *probe)
{
	const struct vtd_view view = vtd_view_of(domain_id, size);
	uint64_t data;

	return vtd_iotlb_probe(&iotlb, &view, page << view.shift, probe, &data);
}

static void fill(uint16_t domain_id, unsigned int size, uint64_t walk_generation,
		 struct vtd_probe *probe)
{
	const struct vtd_view view = vtd_view_of(domain_id, size);

	vtd_iotlb_fill(&iotlb, &view, probe, 0x1000 | VTD_PTE_RW, 1, walk_generation);
}

static void put(uint16_t domain_id, unsigned int size, uint64_t page)
{
	struct vtd_probe probe;

	assert_null(probe_page(domain_id, size, page, &probe));
	fill(domain_id, size, generation, &probe);
	assert_non_null(probe_page(domain_id, size, page, &probe));
}

static int is_in(uint16_t domain_id, unsigned int size, uint64_t page)
{
	struct vtd_probe probe;

	return probe_page(domain_id, size, page, &probe) != NULL;
}

static unsigned int count_entries(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < geometry.entries; i++)
		count += iotlb.entry[i].tag != 0;
	return count;
}

static void a_fill_that_an_invalidation_overtook_is_dropped(void **state)
{
	struct vtd_probe probe;

	assert_null(probe_page(DOMAIN, 0, 3, &probe));
	generation++;
	vtd_iotlb_invalidate_range(&iotlb, DOMAIN, 3 << 12, (3 << 12) + 4095);
	fill(DOMAIN, 0, generation - 1, &probe);
	assert_false(is_in(DOMAIN, 0, 3));
	assert_int_equal(iotlb.stripe[1].dropped, 1);
	fill(DOMAIN, 0, generation, &probe);
	assert_true(is_in(DOMAIN, 0, 3));
}

/* Two threads miss the same page, then both fill it. */
static void a_page_that_is_filled_twice_has_one_entry(void **state)
{
	struct vtd_probe first, second;

	assert_null(probe_page(DOMAIN, 0, 3, &first));
	assert_null(probe_page(DOMAIN, 0, 3, &second));
	fill(DOMAIN, 0, generation, &first);
	fill(DOMAIN, 0, generation, &second);
	assert_int_equal(count_entries(), 1);
}

/* Two threads miss different pages of one set and see the same room. */
static void two_pages_for_one_place_are_both_kept(void **state)
{
	struct vtd_probe first, second;

	assert_null(probe_page(DOMAIN, 0, 3, &first));
	assert_null(probe_page(DOMAIN, 0, 5, &second));
	assert_ptr_equal(first.place, second.place);
	fill(DOMAIN, 0, generation, &first);
	fill(DOMAIN, 0, generation, &second);
	assert_int_equal(count_entries(), 2);
}

static void a_range_takes_what_overlaps_it_and_nothing_else(void **state)
{
	put(DOMAIN, 0, 512);
	put(DOMAIN, 0, 514);
	put(DOMAIN, 1, 1);
	put(DOMAIN + 1, 0, 512);
	generation++;
	vtd_iotlb_invalidate_range(&iotlb, DOMAIN, 513 << 12, (514 << 12) - 1);
	assert_true(is_in(DOMAIN, 0, 512));
	assert_true(is_in(DOMAIN, 0, 514));
	/* The 2 MiB page around it. */
	assert_false(is_in(DOMAIN, 1, 1));
	vtd_iotlb_invalidate_range(&iotlb, DOMAIN, 0, UINT64_C(1) << 32);
	assert_int_equal(count_entries(), 1);
	assert_true(is_in(DOMAIN + 1, 0, 512));
}

static void a_domain_is_told_from_all_others(void **state)
{
	static const uint16_t ids[] = {0, 1, 127, 128, 255, 256, 32768, 65535};

	for (unsigned int i = 0; i < 8; i++)
		put(ids[i], 0, i);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(count_entries(), 8 - i);
		vtd_iotlb_invalidate_domain(&iotlb, ids[i]);
		assert_false(is_in(ids[i], 0, i));
		assert_int_equal(iotlb.sizes[ids[i]], 0);
	}
}

static void everything_goes_globally(void **state)
{
	for (uint16_t i = 0; i < 8; i++)
		put(i, i % 3, i);
	vtd_iotlb_invalidate_all(&iotlb);
	assert_int_equal(count_entries(), 0);
}

/* What a reader that is held up between two looks at the order relies on. */
static void no_two_states_of_an_entry_have_one_order(void **state)
{
	const struct vtd_entry *entry = iotlb.entry;
	uint64_t seen[9] = {entry->order};

	for (unsigned int i = 1; i < 9; i += 2) {
		put(DOMAIN, 0, i % 4 == 1 ? 2 : 4);
		assert_int_not_equal(entry->tag, 0);
		seen[i] = entry->order;
		vtd_iotlb_invalidate_all(&iotlb);
		seen[i + 1] = entry->order;
	}
	for (unsigned int i = 0; i < 9; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
}

static unsigned int psc_level(uint16_t domain_id, uint64_t iova)
{
	uint64_t data;

	return vtd_psc_lookup(&psc, domain_id, iova, 4, &data);
}

static void a_walk_begins_at_the_lowest_table_known(void **state)
{
	assert_int_equal(psc_level(DOMAIN, 0x12345000), 4);
	vtd_psc_fill(&psc, DOMAIN, 0x12345000, 4, 0x4000 | VTD_PTE_RW, generation);
	assert_int_equal(psc_level(DOMAIN, 0x12345000), 3);
	vtd_psc_fill(&psc, DOMAIN, 0x12345000, 2, 0x2000 | VTD_PTE_RW, generation);
	assert_int_equal(psc_level(DOMAIN, 0x12345000), 1);
	/* The next 2 MiB have another table, in the same 512 GiB. */
	assert_int_equal(psc_level(DOMAIN, 0x12345000 + 0x200000), 3);
	assert_int_equal(psc_level(DOMAIN + 1, 0x12345000), 4);
}

static void walk_caches_forget_ranges_domains_and_everything(void **state)
{
	vtd_psc_fill(&psc, DOMAIN, 0, 2, 0x2000 | VTD_PTE_RW, generation);
	vtd_psc_fill(&psc, DOMAIN, 0x200000, 2, 0x3000 | VTD_PTE_RW, generation);
	vtd_psc_fill(&psc, DOMAIN + 1, 0x400000, 2, 0x4000 | VTD_PTE_RW, generation);
	vtd_psc_invalidate_range(&psc, DOMAIN, 0x1ff000, 0x1fffff);
	assert_int_equal(psc_level(DOMAIN, 0), 4);
	assert_int_equal(psc_level(DOMAIN, 0x200000), 1);
	vtd_psc_invalidate_range(&psc, DOMAIN, 0, UINT64_C(1) << 40);
	assert_int_equal(psc_level(DOMAIN, 0x200000), 4);
	assert_int_equal(psc_level(DOMAIN + 1, 0x400000), 1);
	vtd_psc_fill(&psc, DOMAIN, 0, 3, 0x2000 | VTD_PTE_RW, generation);
	vtd_psc_invalidate_domain(&psc, DOMAIN);
	assert_int_equal(psc_level(DOMAIN, 0), 4);
	assert_int_equal(psc_level(DOMAIN + 1, 0x400000), 1);
	vtd_psc_invalidate_all(&psc);
	assert_int_equal(psc_level(DOMAIN + 1, 0x400000), 4);
}

static void a_walk_that_an_invalidation_overtook_notes_no_table(void **state)
{
	vtd_psc_fill(&psc, DOMAIN, 0, 2, 0x2000 | VTD_PTE_RW, generation - 1);
	assert_int_equal(psc_level(DOMAIN, 0), 4);
}

#define on_caches(name) cmocka_unit_test_setup_teardown(name, open_caches, close_caches)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_caches(a_fill_that_an_invalidation_overtook_is_dropped),
		on_caches(a_page_that_is_filled_twice_has_one_entry),
		on_caches(two_pages_for_one_place_are_both_kept),
		on_caches(a_range_takes_what_overlaps_it_and_nothing_else),
		on_caches(a_domain_is_told_from_all_others),
		on_caches(everything_goes_globally),
		on_caches(no_two_states_of_an_entry_have_one_order),
		on_caches(a_walk_begins_at_the_lowest_table_known),
		on_caches(walk_caches_forget_ranges_domains_and_everything),
		on_caches(a_walk_that_an_invalidation_overtook_notes_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
