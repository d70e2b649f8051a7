/* SPDX-License-Identifier: BSD-3-Clause */
/* The VT-d unit as its users see it: mappings, translations, faults, counters, reports. */
#include <errno.h>
#include <string.h>

#include "vtd_env.h"

#define MEMORY	(UINT64_C(2) << 30)
#define SIZE_2M (UINT64_C(1) << 21)
#define SIZE_1G (UINT64_C(1) << 30)
#define RW	(IOMMU_READ | IOMMU_WRITE)

static struct vtd_env env;

static int open_default(void **state)
{
	vtd_env_open(&env, NULL, 0, MEMORY);
	return 0;
}

static int close_default(void **state)
{
	vtd_env_close(&env);
	return 0;
}

static void map(uint64_t iova, uint64_t offset, uint64_t size, uint64_t page_size, uint32_t prot)
{
	assert_int_equal(iommu_map(env.domain, iova, env.memory + offset, size, page_size, prot),
			 0);
}

static void a_mapped_page_is_translated(void **state)
{
	map(0x10000, 0x5000, ENV_PAGE, ENV_PAGE, RW);
	assert_ptr_equal(vtd_env_read(&env, 0x10123), env.memory + 0x5123);
	assert_ptr_equal(vtd_env_read(&env, 0x10fff), env.memory + 0x5fff);
	assert_null(vtd_env_read(&env, 0x11000));
	assert_int_equal(vtd_env_reason(&env), 6);
}

static void an_empty_domain_refuses_every_access(void **state)
{
	struct iommu_span span;

	assert_int_equal(vtd_env_access(&env, 0, 1, IOMMU_READ, &span, 1), 0);
	assert_int_equal(vtd_env_reason(&env), 6);
	assert_int_equal(vtd_env_access(&env, 0, 1, IOMMU_WRITE, &span, 1), 0);
	assert_int_equal(vtd_env_reason(&env), 5);
}

static void the_second_access_hits(void **state)
{
	const struct iommu_counters *counters = &env.translator->counters;

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	assert_int_equal(counters->misses, 1);
	/* root, context, and four levels */
	assert_int_equal(counters->walk_reads, 6);
	vtd_env_read(&env, 8);
	assert_int_equal(counters->lookups, 2);
	assert_int_equal(counters->hits, 1);
	assert_int_equal(counters->misses, 1);
	assert_int_equal(counters->walk_reads, 6);
}

/* Both devices are in one domain: the second finds in the IOTLB what the first put there. */
static void table_reads_of_an_access_that_hits_are_counted(void **state)
{
	struct iommu_access access = {.iova = 0, .len = 1, .prot = IOMMU_READ};
	struct iommu_translator *translator;
	struct iommu_device *device;
	struct iommu_span span;

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	assert_int_equal(iommu_attach(env.domain, "second", 0x5678, &device, NULL), 0);
	assert_int_equal(iommu_translator_create(device, true, 0, &translator), 0);
	iommu_burst_begin(translator);
	assert_int_equal(iommu_translate_burst(translator, &access, 1, &span, 1), 1);
	iommu_burst_end(translator);
	assert_int_equal(translator->counters.hits, 1);
	assert_int_equal(translator->counters.misses, 0);
	/* root and context */
	assert_int_equal(translator->counters.walk_reads, 2);
	iommu_translator_destroy(translator);
	assert_int_equal(iommu_detach(device), 0);
}

static void a_neighbour_misses_with_one_read(void **state)
{
	const struct iommu_counters *counters = &env.translator->counters;

	map(0, 0, 2 * ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	vtd_env_read(&env, ENV_PAGE);
	assert_int_equal(counters->misses, 2);
	assert_int_equal(counters->walk_reads, 6 + 1);
}

static void an_access_over_pages_gets_a_span_for_each(void **state)
{
	struct iommu_span spans[4];

	map(0, 0x8000, ENV_PAGE, ENV_PAGE, RW);
	map(ENV_PAGE, 0x3000, 2 * ENV_PAGE, ENV_PAGE, RW);
	assert_int_equal(vtd_env_access(&env, 0xf00, 0x1200, IOMMU_WRITE, spans, 4), 3);
	assert_ptr_equal(spans[0].vaddr, env.memory + 0x8f00);
	assert_int_equal(spans[0].len, 0x100);
	assert_ptr_equal(spans[1].vaddr, env.memory + 0x3000);
	assert_int_equal(spans[1].len, 0x1000);
	assert_ptr_equal(spans[2].vaddr, env.memory + 0x4000);
	assert_int_equal(spans[2].len, 0x100);
	assert_int_equal(env.translator->counters.lookups, 3);
}

static void an_access_that_ends_in_no_page_is_refused_whole(void **state)
{
	struct iommu_fault fault;
	struct iommu_span spans[4];

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_int_equal(vtd_env_access(&env, 0x800, 0x1000, IOMMU_WRITE, spans, 4), 0);
	assert_int_equal(iommu_faults_total(env.domain), 1);
	assert_int_equal(iommu_faults(env.domain, &fault, 1), 1);
	assert_int_equal(fault.iova, ENV_PAGE);
	assert_int_equal(fault.reason, 5);
	assert_int_equal(fault.access, IOMMU_WRITE);
	assert_int_equal(fault.source_id, ENV_SOURCE_ID);
	assert_int_equal(env.translator->counters.faults, 1);
}

static void rights_are_kept_apart_on_hits_and_misses(void **state)
{
	struct iommu_span span;

	map(0, 0, ENV_PAGE, ENV_PAGE, IOMMU_READ);
	map(ENV_PAGE, 0, ENV_PAGE, ENV_PAGE, IOMMU_WRITE);
	for (unsigned int turn = 0; turn < 2; turn++) {
		assert_int_equal(vtd_env_access(&env, 0, 1, IOMMU_WRITE, &span, 1), 0);
		assert_int_equal(vtd_env_reason(&env), 5);
		assert_int_equal(vtd_env_access(&env, 0, 1, IOMMU_READ, &span, 1), 1);
		assert_int_equal(vtd_env_access(&env, ENV_PAGE, 1, IOMMU_READ, &span, 1), 0);
		assert_int_equal(vtd_env_reason(&env), 6);
		assert_int_equal(vtd_env_access(&env, ENV_PAGE, 1, IOMMU_WRITE, &span, 1), 1);
	}
	assert_int_equal(env.translator->counters.hits, 4);
}

/* A walk cache leads to the table that the large leaf takes the place of, until the sync. */
static void a_large_leaf_is_reached_where_a_table_waits_for_its_sync(void **state)
{
	struct iommu_gather gather = {0};

	map(SIZE_1G, 0, ENV_PAGE, ENV_PAGE, RW);
	/* Keeps the tables above, so that the leaf needs none. */
	map(SIZE_1G + SIZE_2M, SIZE_2M, SIZE_2M, SIZE_2M, RW);
	assert_non_null(vtd_env_read(&env, SIZE_1G));
	assert_int_equal(iommu_unmap(env.domain, SIZE_1G, ENV_PAGE, &gather), 0);
	map(SIZE_1G, 4 * SIZE_2M, SIZE_2M, SIZE_2M, RW);
	assert_ptr_equal(vtd_env_read(&env, SIZE_1G + 5 * ENV_PAGE),
			 env.memory + 4 * SIZE_2M + 5 * ENV_PAGE);
	assert_int_equal(iommu_sync(env.domain, &gather), 0);
}

static void the_largest_leaf_that_fits_is_used(void **state)
{
	struct iommu_domain_usage usage;

	/* 2 MiB below 1 GiB to 4 KiB and 2 MiB above 2 GiB: all sizes at both ends. */
	map(SIZE_1G - SIZE_2M, SIZE_1G - SIZE_2M, SIZE_2M + SIZE_1G - ENV_PAGE, SIZE_1G, RW);
	iommu_domain_usage(env.domain, &usage);
	assert_int_equal(usage.leaves_1g, 0);
	assert_int_equal(usage.leaves_2m, 512);
	assert_int_equal(usage.leaves_4k, 511);
	vtd_env_unmap(&env, SIZE_1G - SIZE_2M, SIZE_2M + SIZE_1G - ENV_PAGE);
	map(4 * SIZE_1G, 0, 2 * SIZE_1G, SIZE_1G, RW);
	map(8 * SIZE_1G, 0, SIZE_1G, SIZE_2M, RW);
	map(9 * SIZE_1G + ENV_PAGE, 0, SIZE_2M, SIZE_2M, RW);
	iommu_domain_usage(env.domain, &usage);
	assert_int_equal(usage.leaves_1g, 2);
	assert_int_equal(usage.leaves_2m, 512);
	assert_int_equal(usage.leaves_4k, 512);
	assert_ptr_equal(vtd_env_read(&env, 5 * SIZE_1G + 5), env.memory + SIZE_1G + 5);
	assert_ptr_equal(vtd_env_read(&env, 9 * SIZE_1G - 1), env.memory + SIZE_1G - 1);
}

static void unmapped_and_synced_is_never_used_again(void **state)
{
	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_non_null(vtd_env_read(&env, 0));
	vtd_env_unmap(&env, 0, ENV_PAGE);
	assert_null(vtd_env_read(&env, 0));
}

/* The negative control: the cache is real, so without a sync the old translation is used. */
static void unmapped_but_not_synced_is_still_used(void **state)
{
	struct iommu_gather gather = {0};

	map(0, 0x7000, ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	assert_int_equal(iommu_unmap(env.domain, 0, ENV_PAGE, &gather), 0);
	assert_ptr_equal(vtd_env_read(&env, 0), env.memory + 0x7000);
	assert_int_equal(iommu_sync(env.domain, &gather), 0);
	assert_null(vtd_env_read(&env, 0));
}

/*
 * The table of the unmapped page has gone but walk caches still lead to it: what is mapped anew
 * beside it must be reachable even before the sync.
 */
static void a_map_before_the_sync_of_an_emptied_table_is_reachable(void **state)
{
	struct iommu_gather gather = {0};

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	assert_int_equal(iommu_unmap(env.domain, 0, ENV_PAGE, &gather), 0);
	assert_non_null(gather.freelist);
	map(ENV_PAGE, 0x2000, ENV_PAGE, ENV_PAGE, RW);
	assert_ptr_equal(vtd_env_read(&env, ENV_PAGE), env.memory + 0x2000);
	assert_int_equal(iommu_sync(env.domain, &gather), 0);
	assert_ptr_equal(vtd_env_read(&env, ENV_PAGE), env.memory + 0x2000);
}

static void emptied_tables_are_given_back(void **state)
{
	struct vtd_stats before, during, after;

	map(0x40000000, 0, ENV_PAGE, ENV_PAGE, RW);
	vtd_unit_stats(env.unit, &before);
	map(0x12345678000, 0, 600 * ENV_PAGE, ENV_PAGE, RW);
	vtd_unit_stats(env.unit, &during);
	vtd_env_unmap(&env, 0x12345678000, 600 * ENV_PAGE);
	vtd_unit_stats(env.unit, &after);
	assert_true(during.table_pages > before.table_pages);
	/* Pages that the next map will need stay with the domain. */
	assert_true(after.table_pages - before.table_pages <= 3);
}

static void memory_that_was_removed_is_not_reached(void **state)
{
	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_non_null(vtd_env_read(&env, 0));
	assert_int_equal(iommu_memory_remove(env.unit, (uintptr_t)env.memory, ENV_PAGE), 0);
	assert_null(vtd_env_read(&env, 0));
	assert_int_equal(vtd_env_reason(&env), IOMMU_REASON_NO_MEMORY);
	assert_int_equal(iommu_map(env.domain, ENV_PAGE, env.memory, ENV_PAGE, ENV_PAGE, RW),
			 -EFAULT);
	assert_int_equal(iommu_memory_add(env.unit, (uintptr_t)env.memory, env.memory, ENV_PAGE),
			 0);
	assert_non_null(vtd_env_read(&env, 0));
}

static void spans_that_do_not_fit_leave_the_access_for_the_next_call(void **state)
{
	struct iommu_access accesses[3] = {
		{.iova = 0, .len = 1, .prot = IOMMU_READ},
		{.iova = 0xfff, .len = 2, .prot = IOMMU_READ},
		{.iova = 0, .len = 1, .prot = IOMMU_READ},
	};
	struct iommu_span spans[3];

	map(0, 0, 2 * ENV_PAGE, ENV_PAGE, RW);
	iommu_burst_begin(env.translator);
	assert_int_equal(iommu_translate_burst(env.translator, accesses, 3, spans, 2), 1);
	assert_int_equal(env.translator->counters.lookups, 1);
	assert_int_equal(iommu_translate_burst(env.translator, accesses + 1, 2, spans, 2), 1);
	assert_int_equal(accesses[1].span_count, 2);
	assert_int_equal(iommu_translate_burst(env.translator, accesses + 1, 2, spans, 3), 2);
	iommu_burst_end(env.translator);
}

static void an_access_inside_a_large_page_needs_room_for_one_span(void **state)
{
	struct iommu_span span;

	map(0, 0, SIZE_2M, SIZE_2M, RW);
	assert_int_equal(vtd_env_access(&env, 0xf00, 65535, IOMMU_READ, &span, 1), 1);
	assert_int_equal(span.len, 65535);
	assert_int_equal(vtd_env_access(&env, 0xf00, 65535, IOMMU_READ, &span, 1), 1);
	assert_int_equal(env.translator->counters.lookups, 2);
	/* Refused ones need none. */
	assert_int_equal(vtd_env_access(&env, SIZE_2M, 65535, IOMMU_READ, &span, 1), 0);
}

static void addresses_past_the_width_fault_4(void **state)
{
	struct iommu_span spans[4];

	assert_null(vtd_env_read(&env, UINT64_C(1) << 48));
	assert_int_equal(vtd_env_reason(&env), 4);
	assert_null(vtd_env_read(&env, UINT64_MAX));
	assert_int_equal(vtd_env_reason(&env), 4);
	assert_int_equal(vtd_env_access(&env, UINT64_MAX - 1, 16, IOMMU_WRITE, spans, 4), 0);
	assert_int_equal(vtd_env_reason(&env), 4);
	map((UINT64_C(1) << 48) - ENV_PAGE, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_int_equal(vtd_env_access(&env, (UINT64_C(1) << 48) - 1, 2, IOMMU_READ, spans, 4), 0);
	assert_int_equal(vtd_env_reason(&env), 4);
	/* The domain's number stands in the tag where wider addresses would be. */
	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_non_null(vtd_env_read(&env, 0));
	for (uint64_t high = 1; high < 128; high++) {
		assert_null(vtd_env_read(&env, high << 57));
		assert_int_equal(vtd_env_reason(&env), 4);
	}
}

static void a_device_that_was_detached_is_refused(void **state)
{
	struct iommu_walk walk;

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_non_null(vtd_env_read(&env, 0));
	iommu_translator_destroy(env.translator);
	assert_int_equal(iommu_walk(env.device, 0, &walk), 0);
	assert_int_equal(walk.reason, 0);
	vtd_ops.detach(env.device);
	assert_int_equal(iommu_walk(env.device, 0, &walk), 0);
	assert_int_equal(walk.reason, 2);
	assert_int_equal(iommu_translator_create(env.device, true, 0, &env.translator), 0);
	assert_null(vtd_env_read(&env, 0));
	assert_int_equal(vtd_env_reason(&env), 2);
}

static void two_domains_are_kept_apart_at_the_same_address(void **state)
{
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct vtd_env other = env;

	assert_int_equal(
		iommu_domain_create(env.unit, &(struct iommu_domain_config){0}, &domain, NULL), 0);
	assert_int_equal(iommu_attach(domain, "other", 0x0001, &device, NULL), 0);
	assert_int_equal(iommu_translator_create(device, false, 0, &other.translator), 0);
	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	assert_ptr_equal(vtd_env_read(&env, 0), env.memory);
	assert_null(vtd_env_read(&other, 0));
	assert_int_equal(iommu_map(domain, 0, env.memory + ENV_PAGE, ENV_PAGE, ENV_PAGE, RW), 0);
	assert_ptr_equal(vtd_env_read(&other, 0), env.memory + ENV_PAGE);
	assert_ptr_equal(vtd_env_read(&env, 0), env.memory);
	vtd_env_unmap(&env, 0, ENV_PAGE);
	assert_ptr_equal(vtd_env_read(&other, 0), env.memory + ENV_PAGE);
	assert_null(vtd_env_read(&env, 0));
	iommu_translator_destroy(other.translator);
	assert_int_equal(iommu_detach(device), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
}

static void a_walk_tells_every_step(void **state)
{
	static const char *const names[] = {"root",    "context", "level 4",
					    "level 3", "level 2", "level 1"};
	struct iommu_walk walk;

	map(0x8040201000, 0x3000, ENV_PAGE, ENV_PAGE, IOMMU_READ);
	assert_int_equal(iommu_walk(env.device, 0x8040201234, &walk), 0);
	assert_int_equal(walk.step_count, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_string_equal(walk.step[i].name, names[i]);
	assert_int_equal(walk.step[0].index, ENV_SOURCE_ID >> 8);
	assert_int_equal(walk.step[1].index, ENV_SOURCE_ID & 0xff);
	for (unsigned int i = 2; i < 6; i++)
		assert_int_equal(walk.step[i].index, 1);
	assert_int_equal(walk.reason, 0);
	assert_int_equal(walk.pa, (uintptr_t)env.memory + 0x3234);
	assert_int_equal(walk.page_size, ENV_PAGE);
	assert_int_equal(walk.prot, IOMMU_READ);
	assert_int_equal(walk.step[5].entry[0], ((uintptr_t)env.memory + 0x3000) | 1);
	assert_string_equal(walk.source, "tables");
	assert_int_equal(iommu_walk(env.device, 0x8040202000, &walk), 0);
	assert_int_equal(walk.reason, 6);
	assert_int_equal(walk.step_count, 6);
	assert_int_equal(iommu_faults_total(env.domain), 0);
}

struct leaf_list {
	struct iommu_mapping leaf[8];
	unsigned int count;
};

static int note_leaf(const struct iommu_mapping *leaf, void *arg)
{
	struct leaf_list *list = arg;

	if (list->count == 8)
		return 1;
	list->leaf[list->count++] = *leaf;
	return 0;
}

static void leaves_are_visited_lowest_first(void **state)
{
	struct leaf_list list = {0};

	map(SIZE_1G, SIZE_2M, SIZE_2M, SIZE_2M, IOMMU_WRITE);
	map(0x1000, 0, ENV_PAGE, ENV_PAGE, IOMMU_READ);
	map(2 * SIZE_1G, 0, SIZE_1G, SIZE_1G, RW);
	assert_int_equal(iommu_for_each_leaf(env.domain, note_leaf, &list), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.leaf[0].iova, 0x1000);
	assert_int_equal(list.leaf[0].prot, IOMMU_READ);
	assert_ptr_equal(list.leaf[1].vaddr, env.memory + SIZE_2M);
	assert_int_equal(list.leaf[1].page_size, SIZE_2M);
	assert_int_equal(list.leaf[2].size, SIZE_1G);
	assert_int_equal(list.leaf[2].prot, RW);
}

static void claims_to_be_translated_are_refused_with_0xd(void **state)
{
	struct iommu_span span;

	map(0, 0, ENV_PAGE, ENV_PAGE, RW);
	vtd_env_read(&env, 0);
	assert_int_equal(vtd_env_access(&env, 0, 1, IOMMU_READ | VTD_ACCESS_TRANSLATED, &span, 1),
			 0);
	assert_int_equal(vtd_env_reason(&env), 0xd);
}

#define on_default(name) cmocka_unit_test_setup_teardown(name, open_default, close_default)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_default(a_mapped_page_is_translated),
		on_default(an_empty_domain_refuses_every_access),
		on_default(the_second_access_hits),
		on_default(table_reads_of_an_access_that_hits_are_counted),
		on_default(a_neighbour_misses_with_one_read),
		on_default(an_access_over_pages_gets_a_span_for_each),
		on_default(an_access_that_ends_in_no_page_is_refused_whole),
		on_default(rights_are_kept_apart_on_hits_and_misses),
		on_default(a_large_leaf_is_reached_where_a_table_waits_for_its_sync),
		on_default(the_largest_leaf_that_fits_is_used),
		on_default(unmapped_and_synced_is_never_used_again),
		on_default(unmapped_but_not_synced_is_still_used),
		on_default(a_map_before_the_sync_of_an_emptied_table_is_reachable),
		on_default(emptied_tables_are_given_back),
		on_default(memory_that_was_removed_is_not_reached),
		on_default(spans_that_do_not_fit_leave_the_access_for_the_next_call),
		on_default(an_access_inside_a_large_page_needs_room_for_one_span),
		on_default(addresses_past_the_width_fault_4),
		on_default(a_device_that_was_detached_is_refused),
		on_default(two_domains_are_kept_apart_at_the_same_address),
		on_default(a_walk_tells_every_step),
		on_default(leaves_are_visited_lowest_first),
		on_default(claims_to_be_translated_are_refused_with_0xd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
