/* SPDX-License-Identifier: BSD-3-Clause */
/* Random maps, unmaps and accesses: the unit against a list of mappings and a walker of our own. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "vtd_env.h"

#define STEPS  100000 /* for each number of levels */
#define LIVE   96
#define MEMORY (UINT64_C(2) << 30)
#define PAGES  (MEMORY / ENV_PAGE)

struct live {
	struct iommu_mapping mapping;
	bool is_used;
};

struct run {
	struct vtd_env env;
	struct live live[LIVE];
	unsigned int addr_bits;
	unsigned int levels;
	uint64_t random;
	uint64_t translated;
	uint64_t refused;
};

static struct run run;

/* --- what should be ------------------------------------------------------------------------- */

static struct live *find_live(uint64_t iova, uint64_t size)
{
	for (unsigned int i = 0; i < LIVE; i++) {
		const struct iommu_mapping *mapping = &run.live[i].mapping;

		if (run.live[i].is_used && iova < mapping->iova + mapping->size &&
		    mapping->iova < iova + size)
			return &run.live[i];
	}
	return NULL;
}

/* The reason to refuse the page of iova, or 0 and its address. */
static uint8_t should_be(uint64_t iova, uint32_t prot, uint8_t **vaddr)
{
	const struct live *live;

	if (iova >> run.addr_bits != 0)
		return 4;
	live = find_live(iova, 1);
	if (live == NULL || (prot & ~live->mapping.prot) != 0)
		return prot == IOMMU_WRITE ? 5 : 6;
	*vaddr = (uint8_t *)live->mapping.vaddr + (iova - live->mapping.iova);
	return 0;
}

/* Walks the tables in memory with nothing but the format: VT-d specification, 9.1, 9.3, 9.8. */
static uint8_t walk_naively(uint64_t iova, uint32_t prot, uint8_t **vaddr)
{
	const uint64_t *root = (const uint64_t *)vtd_unit_root(run.env.unit);
	const uint64_t *table = (const uint64_t *)(root[(ENV_SOURCE_ID >> 8) * 2] & ~0xfffULL);
	uint64_t mask, entry;
	int level;

	assert_int_equal(root[(ENV_SOURCE_ID >> 8) * 2] & 1, 1);
	entry = table[(ENV_SOURCE_ID & 0xff) * 2];
	assert_int_equal(entry & 0xfff, 1);
	level = (int)(table[(ENV_SOURCE_ID & 0xff) * 2 + 1] & 7) + 2;
	assert_int_equal(level, run.levels);
	if (iova >> (12 + 9 * level) != 0)
		return 4;
	for (;; level--) {
		mask = (1ULL << (12 + 9 * (level - 1))) - 1;
		table = (const uint64_t *)(entry & 0xffffffffff000ULL);
		entry = table[(iova & (mask << 9 | 0x1ff)) >> (12 + 9 * (level - 1))];
		if ((entry & prot) != prot)
			return prot == IOMMU_WRITE ? 5 : 6;
		if (level == 1 || (entry & 0x80) != 0)
			break;
	}
	*vaddr = (uint8_t *)((entry & 0xffffffffff000ULL & ~mask) | (iova & mask));
	return 0;
}

/* --- steps ---------------------------------------------------------------------------------- */

static uint64_t pick(uint64_t count)
{
	return unit_random(&run.random) % count;
}

/* Addresses lie close together around a few places, so that tables are shared and emptied. */
static uint64_t random_iova(void)
{
	static const uint64_t places[] = {0, UINT64_C(0x3fe00000), UINT64_C(0x7fc0000000),
					  UINT64_C(0x7ffffffff000)};
	uint64_t place = places[pick(4)] & ((UINT64_C(1) << run.addr_bits) - 1);
	uint64_t iova = place + pick(2048) * ENV_PAGE;

	return pick(4) == 0 ? iova & ~UINT64_C(0x1fffff) : iova;
}

static uint64_t random_pages(void)
{
	switch (pick(8)) {
	case 0:
		return 512 * (1 + pick(3));
	case 1:
		return 1 + pick(1500);
	case 2:
		return 262144 + pick(3) * 512;
	default:
		return 1 + pick(8);
	}
}

static void step_map(void)
{
	static const uint64_t page_sizes[] = {4096, 1 << 21, 1 << 30};
	uint64_t iova = random_iova(), pages = random_pages();
	struct live *slot = &run.live[pick(LIVE)];
	struct iommu_mapping mapping = {.size = pages * ENV_PAGE,
					.page_size = page_sizes[pick(3)],
					.prot = (uint32_t)(1 + pick(3))};
	uint64_t offset = pick(PAGES - pages + 1) * ENV_PAGE;
	int ret, expected = 0;

	if (slot->is_used)
		return;
	if (pages >= 262144)
		iova &= ~((UINT64_C(1) << 30) - 1);
	/* Alignment alike, that large leaves fit, or by chance. */
	if (pick(3) != 0)
		offset = (offset & ~((UINT64_C(1) << 30) - 1)) | (iova & ((1 << 30) - 1));
	if (offset + mapping.size > MEMORY)
		offset = 0;
	mapping.iova = iova;
	mapping.vaddr = run.env.memory + offset;
	if (iova + mapping.size - 1 >= UINT64_C(1) << run.addr_bits ||
	    (iova < 0xfef00000 && iova + mapping.size > 0xfee00000))
		expected = -ERANGE;
	else if (find_live(iova, mapping.size) != NULL)
		expected = -EEXIST;
	ret = iommu_map(run.env.domain, iova, mapping.vaddr, mapping.size, mapping.page_size,
			mapping.prot);
	assert_int_equal(ret, expected);
	if (ret == 0) {
		slot->mapping = mapping;
		slot->is_used = true;
	}
}

static void step_unmap(void)
{
	struct iommu_gather gather = {0};

	/* Several unmaps in one gather, as the deferred policy has them. */
	for (uint64_t count = 1 + pick(4); count > 0; count--) {
		struct live *live = &run.live[pick(LIVE)];

		if (!live->is_used)
			continue;
		assert_int_equal(iommu_unmap(run.env.domain, live->mapping.iova, live->mapping.size,
					     &gather),
				 0);
		live->is_used = false;
	}
	assert_int_equal(iommu_sync(run.env.domain, &gather), 0);
}

static void check_spans(const struct iommu_access *access, const struct iommu_span *spans)
{
	uint64_t iova = access->iova, bytes = 0;

	for (unsigned int i = 0; i < access->span_count; i++) {
		/* A span is one piece: every page in it lies where its first byte says. */
		for (uint64_t at = 0; at < spans[i].len; at += 2048) {
			uint8_t *vaddr = NULL;

			assert_int_equal(should_be(iova + at, access->prot, &vaddr), 0);
			assert_ptr_equal(spans[i].vaddr + at, vaddr);
		}
		iova += spans[i].len;
		bytes += spans[i].len;
	}
	assert_int_equal(bytes, access->len);
}

static void check_refusal(const struct iommu_access *access)
{
	uint64_t last = access->iova + access->len - 1;
	uint8_t reason = 0, *vaddr;
	struct iommu_fault fault;
	uint64_t iova;

	for (iova = access->iova; reason == 0 && iova <= last; iova = (iova | 0xfff) + 1) {
		reason = should_be(iova, access->prot, &vaddr);
		if (reason != 0)
			break;
	}
	assert_int_not_equal(reason, 0);
	assert_int_equal(iommu_faults(run.env.domain, &fault, 1), 1);
	assert_int_equal(fault.reason, reason);
	assert_int_equal(fault.iova, iova);
	iommu_faults_clear(run.env.domain);
}

static void step_access(void)
{
	const struct live *live = &run.live[pick(LIVE)];
	struct iommu_access access = {.len = 1 + (uint32_t)pick(9000),
				      .prot = (uint16_t)(1 + pick(2))};
	uint8_t *naive = NULL, *wanted = NULL, reason;
	struct iommu_span spans[17];

	access.iova = random_iova() + pick(4096);
	if (live->is_used && pick(8) != 0)
		access.iova = live->mapping.iova + pick(live->mapping.size);
	if (pick(256) == 0)
		access.iova = unit_random(&run.random);
	iommu_burst_begin(run.env.translator);
	assert_int_equal(iommu_translate_burst(run.env.translator, &access, 1, spans, 17), 1);
	iommu_burst_end(run.env.translator);
	reason = walk_naively(access.iova, access.prot, &naive);
	assert_int_equal(reason, should_be(access.iova, access.prot, &wanted));
	assert_ptr_equal(naive, wanted);
	if (access.span_count != 0) {
		check_spans(&access, spans);
		run.translated++;
	} else {
		check_refusal(&access);
		run.refused++;
	}
}

static int add_leaf(const struct iommu_mapping *leaf, void *arg)
{
	struct live *live = find_live(leaf->iova, leaf->size);
	uint64_t *bytes = arg;

	assert_non_null(live);
	assert_int_equal(leaf->prot, live->mapping.prot);
	assert_ptr_equal(leaf->vaddr,
			 (uint8_t *)live->mapping.vaddr + (leaf->iova - live->mapping.iova));
	assert_true(leaf->page_size <= live->mapping.page_size);
	*bytes += leaf->size;
	return 0;
}

static void check_leaves(void)
{
	struct iommu_domain_usage usage;
	uint64_t bytes = 0;

	assert_int_equal(iommu_for_each_leaf(run.env.domain, add_leaf, &bytes), 0);
	iommu_domain_usage(run.env.domain, &usage);
	assert_int_equal(bytes, usage.mapped_bytes);
	assert_int_equal(bytes, (usage.leaves_4k << 12) + (usage.leaves_2m << 21) +
					(usage.leaves_1g << 30));
}

static void run_levels(unsigned int levels)
{
	struct vtd_stats stats;

	memset(&run, 0, sizeof(run));
	run.random = levels;
	run.levels = levels;
	run.addr_bits = 12 + 9 * levels;
	vtd_env_open(&run.env, NULL, (uint8_t)levels, MEMORY);
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t step = pick(16);

		if (step == 0)
			step_map();
		else if (step == 1 && pick(3) == 0)
			step_unmap();
		else
			step_access();
		if (i % 4096 == 0)
			check_leaves();
	}
	assert_true(run.translated > 1000 && run.refused > 1000);
	for (unsigned int i = 0; i < LIVE; i++) {
		if (run.live[i].is_used)
			vtd_env_unmap(&run.env, run.live[i].mapping.iova, run.live[i].mapping.size);
		run.live[i].is_used = false;
	}
	check_leaves();
	/* Root, context table, top table, and what the domain keeps for its next map. */
	vtd_unit_stats(run.env.unit, &stats);
	assert_true(stats.table_pages <= 3 + 16);
	vtd_env_close(&run.env);
}

static void three_levels_translate_as_the_ledger_says(void **state)
{
	run_levels(3);
}

static void four_levels_translate_as_the_ledger_says(void **state)
{
	run_levels(4);
}

static void five_levels_translate_as_the_ledger_says(void **state)
{
	run_levels(5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_levels_translate_as_the_ledger_says),
		cmocka_unit_test(four_levels_translate_as_the_ledger_says),
		cmocka_unit_test(five_levels_translate_as_the_ledger_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
