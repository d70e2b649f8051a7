/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fault reason, from tables written here by hand after the VT-d specification. */
#include <string.h>

#include "vtd_env.h"

/* An image of physical memory at a place of its own, not at its address in this process. */
#define IMAGE_PA   UINT64_C(0x1000000)
#define IMAGE_SIZE UINT64_C(0x1000000)
#define OUTSIDE	   UINT64_C(0x7000000)

#define ROOT	(IMAGE_PA + 0x0000)
#define CONTEXT (IMAGE_PA + 0x1000)
#define TABLE5	(IMAGE_PA + 0x2000)
#define TABLE4	(IMAGE_PA + 0x3000)
#define TABLE3	(IMAGE_PA + 0x4000)
#define TABLE2	(IMAGE_PA + 0x5000)
#define TABLE1	(IMAGE_PA + 0x6000)
#define DATA	(IMAGE_PA + 0x7000)

/* Index 1 in each of the four lower levels, 0 in the fifth. */
#define IOVA UINT64_C(0x8040201000)
#define RW   UINT64_C(3)

#define ROOT_ENTRY    (ROOT + (ENV_SOURCE_ID >> 8) * 16)
#define CONTEXT_ENTRY (CONTEXT + (ENV_SOURCE_ID & 0xff) * 16)

#define DOMAIN_HI UINT64_C(0x4200) /* domain id 0x42 */

static struct vtd_env env;
static uint8_t *image;

static uint64_t *word(uint64_t pa)
{
	return (uint64_t *)(void *)(image + (pa - IMAGE_PA));
}

/* Tables that translate IOVA to DATA in `levels` levels of 4 KiB leaves. */
static void write_good_tables(unsigned int levels)
{
	static const uint64_t table[] = {0, TABLE1, TABLE2, TABLE3, TABLE4, TABLE5};

	memset(image, 0, 0x7000);
	word(ROOT_ENTRY)[0] = CONTEXT | 1;
	word(CONTEXT_ENTRY)[0] = table[levels] | 1;
	word(CONTEXT_ENTRY)[1] = DOMAIN_HI | (levels - 2);
	if (levels == 5)
		*word(TABLE5) = TABLE4 | RW;
	*word(TABLE4 + 8) = TABLE3 | RW;
	*word(TABLE3 + 8) = TABLE2 | RW;
	*word(TABLE2 + 8) = TABLE1 | RW;
	*word(TABLE1 + 8) = DATA | RW;
}

static void open_with(const struct vtd_config *config)
{
	vtd_env_open(&env, config, 0, IMAGE_SIZE);
	/* The device sees the image and not the memory that the domain would map. */
	image = env.memory;
	assert_int_equal(iommu_memory_add(env.unit, IMAGE_PA, image, IMAGE_SIZE), 0);
	write_good_tables(4);
	vtd_unit_set_root(env.unit, ROOT);
}

static int open_image(void **state)
{
	open_with(NULL);
	return 0;
}

static int close_image(void **state)
{
	vtd_env_close(&env);
	return 0;
}

static uint8_t access_reason(uint64_t iova, uint16_t prot)
{
	uint64_t faults = env.translator->counters.faults;
	struct iommu_span span;
	uint16_t spans;

	vtd_unit_invalidate(env.unit);
	iommu_faults_clear(env.domain);
	spans = vtd_env_access(&env, iova, 4, prot, &span, 1);
	assert_int_equal(env.translator->counters.faults - faults, spans == 0);
	if (spans == 0)
		return vtd_env_reason(&env);
	assert_ptr_equal(span.vaddr, image + (DATA - IMAGE_PA) + (iova & 0xfff));
	return 0;
}

/* Both kinds of access, and the report of a walk, which takes any right. */
static void expect(uint8_t reason)
{
	struct iommu_walk walk;

	assert_int_equal(access_reason(IOVA, IOMMU_READ), reason);
	assert_int_equal(access_reason(IOVA, IOMMU_WRITE), reason);
	assert_int_equal(iommu_walk(env.device, IOVA, &walk), 0);
	assert_int_equal(walk.reason, reason);
}

static void expect_by_access(uint8_t read_reason, uint8_t write_reason)
{
	assert_int_equal(access_reason(IOVA, IOMMU_READ), read_reason);
	assert_int_equal(access_reason(IOVA, IOMMU_WRITE), write_reason);
}

static void good_tables_translate(void **state)
{
	expect(0);
}

static void root_table_outside_memory_is_8(void **state)
{
	vtd_unit_set_root(env.unit, OUTSIDE);
	expect(8);
}

static void root_entry_not_present_is_1(void **state)
{
	word(ROOT_ENTRY)[0] &= ~UINT64_C(1);
	expect(1);
	/* What is not present has no reserved bits. */
	word(ROOT_ENTRY)[1] = UINT64_MAX;
	expect(1);
}

static void root_entry_with_reserved_bits_is_a(void **state)
{
	for (unsigned int bit = 1; bit < 12; bit++) {
		word(ROOT_ENTRY)[0] = CONTEXT | 1 | UINT64_C(1) << bit;
		expect(0xa);
	}
	for (unsigned int bit = 52; bit < 64; bit++) {
		word(ROOT_ENTRY)[0] = CONTEXT | 1 | UINT64_C(1) << bit;
		expect(0xa);
	}
	word(ROOT_ENTRY)[0] = CONTEXT | 1;
	for (unsigned int bit = 0; bit < 64; bit++) {
		word(ROOT_ENTRY)[1] = UINT64_C(1) << bit;
		expect(0xa);
	}
}

static void context_table_outside_memory_is_9(void **state)
{
	word(ROOT_ENTRY)[0] = OUTSIDE | 1;
	expect(9);
}

static void context_entry_not_present_is_2(void **state)
{
	word(CONTEXT_ENTRY)[0] &= ~UINT64_C(1);
	word(CONTEXT_ENTRY)[1] |= UINT64_C(1) << 63;
	expect(2);
}

static void context_entry_with_reserved_bits_is_b(void **state)
{
	for (unsigned int bit = 4; bit < 12; bit++) {
		word(CONTEXT_ENTRY)[0] = TABLE4 | 1 | UINT64_C(1) << bit;
		expect(0xb);
	}
	word(CONTEXT_ENTRY)[0] = TABLE4 | 1;
	for (unsigned int bit = 24; bit < 64; bit++) {
		word(CONTEXT_ENTRY)[1] = DOMAIN_HI | 2 | UINT64_C(1) << bit;
		expect(0xb);
	}
	word(CONTEXT_ENTRY)[1] = DOMAIN_HI | 2 | 0x80;
	expect(0xb);
	/* Reserved bits come before a width that does not exist. */
	word(CONTEXT_ENTRY)[1] = DOMAIN_HI | 7 | 0x80;
	expect(0xb);
	/* Bits 6:3 are software's. */
	word(CONTEXT_ENTRY)[1] = DOMAIN_HI | 2 | 0x78;
	expect(0);
}

static void a_width_or_type_that_does_not_exist_is_3(void **state)
{
	static const unsigned int widths[] = {0, 4, 5, 6, 7};

	for (unsigned int i = 0; i < 5; i++) {
		word(CONTEXT_ENTRY)[1] = DOMAIN_HI | widths[i];
		expect(3);
	}
	word(CONTEXT_ENTRY)[1] = DOMAIN_HI | 2;
	word(CONTEXT_ENTRY)[0] = TABLE4 | 1 | 1 << 2;
	expect(3);
	word(CONTEXT_ENTRY)[0] = TABLE4 | 1 | 3 << 2;
	expect(3);
}

static void a_top_table_outside_memory_is_3(void **state)
{
	word(CONTEXT_ENTRY)[0] = OUTSIDE | 1;
	expect(3);
}

static void addresses_beyond_the_width_are_4(void **state)
{
	static const unsigned int bits[] = {0, 0, 0, 39, 48, 57};

	for (unsigned int levels = 3; levels <= 5; levels++) {
		write_good_tables(levels);
		assert_int_equal(access_reason(UINT64_C(1) << bits[levels], IOMMU_READ), 4);
		assert_int_equal(access_reason(UINT64_MAX - 4095, IOMMU_WRITE), 4);
		assert_int_equal(access_reason((UINT64_C(1) << bits[levels]) - 4096, IOMMU_READ),
				 6);
	}
	/* Before the tables are read at all. */
	word(CONTEXT_ENTRY)[0] = OUTSIDE | 1;
	assert_int_equal(access_reason(UINT64_C(1) << 57, IOMMU_READ), 4);
}

static void a_right_missing_at_any_level_is_5_or_6(void **state)
{
	static const uint64_t entries[] = {TABLE4 + 8, TABLE3 + 8, TABLE2 + 8, TABLE1 + 8};

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t good = *word(entries[i]);

		*word(entries[i]) = good & ~RW;
		expect_by_access(6, 5);
		*word(entries[i]) = (good & ~RW) | 1;
		expect_by_access(0, 5);
		*word(entries[i]) = (good & ~RW) | 2;
		expect_by_access(6, 0);
		/* Rights are looked at before reserved bits. */
		*word(entries[i]) = (good & ~RW) | 1 | 0x800;
		expect_by_access(0xc, 5);
		*word(entries[i]) = good;
	}
}

static void rights_of_all_levels_are_combined(void **state)
{
	struct iommu_walk walk;

	*word(TABLE4 + 8) = TABLE3 | 1;
	*word(TABLE1 + 8) = DATA | 2;
	expect_by_access(6, 5);
	assert_int_equal(iommu_walk(env.device, IOVA, &walk), 0);
	assert_int_equal(walk.reason, 6);
}

/* What a walk cache or the IOTLB knows has the rights of the levels above too. */
static void cached_entries_have_the_rights_of_all_levels(void **state)
{
	struct iommu_span span;

	*word(TABLE3 + 8) = TABLE2 | 1;
	*word(TABLE1 + 16) = (DATA + 0x1000) | RW;
	vtd_unit_invalidate(env.unit);
	assert_non_null(vtd_env_read(&env, IOVA));
	/* The other page is found through the walk cache, then in the IOTLB. */
	assert_int_equal(vtd_env_access(&env, IOVA + 0x1000, 4, IOMMU_WRITE, &span, 1), 0);
	assert_int_equal(vtd_env_reason(&env), 5);
	assert_non_null(vtd_env_read(&env, IOVA + 0x1000));
	assert_int_equal(vtd_env_access(&env, IOVA + 0x1000, 4, IOMMU_WRITE, &span, 1), 0);
	assert_int_equal(vtd_env_reason(&env), 5);
}

static void tables_outside_memory_are_7(void **state)
{
	static const uint64_t entries[] = {TABLE4 + 8, TABLE3 + 8, TABLE2 + 8};

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t good = *word(entries[i]);

		*word(entries[i]) = OUTSIDE | RW;
		expect(7);
		*word(entries[i]) = good;
	}
}

static void expect_reserved(uint64_t entry, uint64_t value, uint64_t reserved)
{
	uint64_t good = *word(entry);

	for (unsigned int bit = 0; bit < 64; bit++) {
		if ((reserved & UINT64_C(1) << bit) == 0)
			continue;
		*word(entry) = value | UINT64_C(1) << bit;
		expect(0xc);
	}
	*word(entry) = good;
}

static void reserved_bits_of_tables_and_leaves_are_c(void **state)
{
	const uint64_t tm = UINT64_C(1) << 62;

	expect_reserved(TABLE4 + 8, TABLE3 | RW, tm | 0x880);
	expect_reserved(TABLE3 + 8, TABLE2 | RW, tm | 0x800);
	expect_reserved(TABLE2 + 8, TABLE1 | RW, tm | 0x800);
	expect_reserved(TABLE1 + 8, DATA | RW, tm | 0x800);
	expect_reserved(TABLE3 + 8, UINT64_C(0x40000000) | 0x80 | RW, tm | 0x3ffff800);
	expect_reserved(TABLE2 + 8, UINT64_C(0x1000000) | 0x80 | RW, tm | 0x1ff800);
	write_good_tables(5);
	expect_reserved(TABLE5, TABLE4 | RW, tm | 0x880);
}

/* The negative control of the last: these bits are software's or ignored. */
static void other_bits_are_not_reserved(void **state)
{
	static const uint64_t entries[] = {TABLE4 + 8, TABLE3 + 8, TABLE2 + 8, TABLE1 + 8};
	const uint64_t ignored = UINT64_C(0xbff0000000000000) | 0x400 | 0x300 | 0x7c;

	for (unsigned int i = 0; i < 4; i++)
		*word(entries[i]) |= ignored;
	*word(TABLE1 + 8) |= 0x80;
	expect(0);
}

static void address_bits_above_the_host_width_are_reserved(void **state)
{
	const struct vtd_config config = {.host_addr_bits = 40};

	vtd_env_close(&env);
	open_with(&config);
	expect(0);
	for (unsigned int bit = 40; bit < 52; bit++) {
		expect_reserved(TABLE4 + 8, TABLE3 | RW, UINT64_C(1) << bit);
		expect_reserved(TABLE1 + 8, DATA | RW, UINT64_C(1) << bit);
		word(CONTEXT_ENTRY)[0] |= UINT64_C(1) << bit;
		expect(0xb);
		word(CONTEXT_ENTRY)[0] ^= UINT64_C(1) << bit;
		word(ROOT_ENTRY)[0] |= UINT64_C(1) << bit;
		expect(0xa);
		word(ROOT_ENTRY)[0] ^= UINT64_C(1) << bit;
	}
}

static void a_claim_to_be_translated_is_d(void **state)
{
	struct iommu_span span;

	for (unsigned int type = 0; type <= 2; type += 2) {
		word(CONTEXT_ENTRY)[0] = TABLE4 | 1 | type << 2;
		vtd_unit_invalidate(env.unit);
		assert_int_equal(
			vtd_env_access(&env, IOVA, 1, IOMMU_READ | VTD_ACCESS_TRANSLATED, &span, 1),
			0);
		assert_int_equal(vtd_env_reason(&env), 0xd);
	}
}

static void a_leaf_outside_memory_is_told_apart(void **state)
{
	*word(TABLE1 + 8) = OUTSIDE | RW;
	expect(IOMMU_REASON_NO_MEMORY);
}

static void a_large_leaf_can_reach_beyond_the_memory_there_is(void **state)
{
	struct iommu_span span;

	/* 1 GiB from 0, of which the image is 16 MiB from 16 MiB on. */
	*word(TABLE3 + 8) = 0x80 | RW;
	assert_int_equal(
		vtd_env_access(&env, UINT64_C(0x8040000000) + DATA, 8, IOMMU_READ, &span, 1), 1);
	assert_ptr_equal(span.vaddr, image + (DATA - IMAGE_PA));
	assert_int_equal(
		vtd_env_access(&env, UINT64_C(0x8040000000) + OUTSIDE, 8, IOMMU_READ, &span, 1), 0);
	assert_int_equal(vtd_env_reason(&env), IOMMU_REASON_NO_MEMORY);
}

static void fpd_silences_qualified_faults_only(void **state)
{
	static const struct {
		uint64_t low;
		uint64_t high;
		uint8_t reason; /* 0: silenced */
	} cases[] = {
		{TABLE4, DOMAIN_HI | 2, 0},		 /* not present: 2 */
		{TABLE4 | 1, DOMAIN_HI, 0},		 /* no such width: 3 */
		{OUTSIDE | 1, DOMAIN_HI | 2, 0},	 /* no top table: 3 */
		{TABLE5 | 1, DOMAIN_HI | 2, 0},		 /* empty table: 6 */
		{TABLE4 | 1 | 0x10, DOMAIN_HI | 2, 0xb}, /* reserved: not qualified */
	};
	struct iommu_span span;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t faults = env.translator->counters.faults;

		word(CONTEXT_ENTRY)[0] = cases[i].low | 2;
		word(CONTEXT_ENTRY)[1] = cases[i].high;
		vtd_unit_invalidate(env.unit);
		assert_int_equal(vtd_env_access(&env, IOVA, 1, IOMMU_READ, &span, 1), 0);
		assert_int_equal(vtd_env_reason(&env), cases[i].reason);
		assert_int_equal(env.translator->counters.faults, faults + 1);
	}
}

static void every_leaf_size_works_with_every_number_of_levels(void **state)
{
	static const uint64_t entries[] = {0, TABLE1 + 8, TABLE2 + 8, TABLE3 + 8};
	struct iommu_walk walk;

	for (unsigned int levels = 3; levels <= 5; levels++) {
		/* With three levels the fourth index is not there. */
		uint64_t iova = levels == 3 ? IOVA & 0x7fffffffff : IOVA;

		for (unsigned int leaf = 1; leaf <= 3; leaf++) {
			unsigned int shift = 12 + 9 * (leaf - 1);
			uint64_t size = UINT64_C(1) << shift;
			uint64_t pa = leaf == 1 ? DATA : 0;

			write_good_tables(levels);
			*word(entries[leaf]) = pa | RW | (leaf > 1 ? 0x80 : 0);
			assert_int_equal(iommu_walk(env.device, iova + 5, &walk), 0);
			assert_int_equal(walk.page_size, size);
			assert_int_equal(walk.pa, pa + ((iova + 5) & (size - 1)));
			assert_int_equal(walk.step_count, 2 + levels - leaf + 1);
		}
	}
}

static void pass_through_uses_the_address_as_it_is(void **state)
{
	uint64_t lookups = env.translator->counters.lookups;
	struct iommu_span spans[2];

	word(CONTEXT_ENTRY)[0] = 1 | 2 << 2;
	vtd_unit_invalidate(env.unit);
	assert_int_equal(vtd_env_access(&env, DATA + 0xffc, 8, IOMMU_WRITE, spans, 2), 2);
	assert_ptr_equal(spans[0].vaddr, image + (DATA - IMAGE_PA) + 0xffc);
	assert_int_equal(spans[0].len, 4);
	assert_int_equal(spans[1].len, 4);
	assert_int_equal(env.translator->counters.lookups, lookups);
	assert_int_equal(vtd_env_access(&env, OUTSIDE, 8, IOMMU_WRITE, spans, 2), 0);
	assert_int_equal(vtd_env_reason(&env), IOMMU_REASON_NO_MEMORY);
}

/* Hardware may keep what it has read until software invalidates; and this unit does. */
static void changed_tables_count_after_an_invalidation(void **state)
{
	assert_ptr_equal(vtd_env_read(&env, IOVA), image + (DATA - IMAGE_PA));
	word(CONTEXT_ENTRY)[0] = 0;
	*word(TABLE1 + 8) = 0;
	assert_ptr_equal(vtd_env_read(&env, IOVA), image + (DATA - IMAGE_PA));
	vtd_unit_invalidate(env.unit);
	assert_null(vtd_env_read(&env, IOVA));
	assert_int_equal(vtd_env_reason(&env), 2);
}

#define on_image(name) cmocka_unit_test_setup_teardown(name, open_image, close_image)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_image(good_tables_translate),
		on_image(root_table_outside_memory_is_8),
		on_image(root_entry_not_present_is_1),
		on_image(root_entry_with_reserved_bits_is_a),
		on_image(context_table_outside_memory_is_9),
		on_image(context_entry_not_present_is_2),
		on_image(context_entry_with_reserved_bits_is_b),
		on_image(a_width_or_type_that_does_not_exist_is_3),
		on_image(a_top_table_outside_memory_is_3),
		on_image(addresses_beyond_the_width_are_4),
		on_image(a_right_missing_at_any_level_is_5_or_6),
		on_image(rights_of_all_levels_are_combined),
		on_image(cached_entries_have_the_rights_of_all_levels),
		on_image(tables_outside_memory_are_7),
		on_image(reserved_bits_of_tables_and_leaves_are_c),
		on_image(other_bits_are_not_reserved),
		on_image(address_bits_above_the_host_width_are_reserved),
		on_image(a_claim_to_be_translated_is_d),
		on_image(a_leaf_outside_memory_is_told_apart),
		on_image(a_large_leaf_can_reach_beyond_the_memory_there_is),
		on_image(fpd_silences_qualified_faults_only),
		on_image(every_leaf_size_works_with_every_number_of_levels),
		on_image(pass_through_uses_the_address_as_it_is),
		on_image(changed_tables_count_after_an_invalidation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
