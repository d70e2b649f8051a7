/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises of iommu_translate_burst(). */
#include "contract.h"

#include <errno.h>
#include <string.h>

#define BURST 32

/* Pages in an order of their own, so that neighbours in IOVA are not neighbours in memory. */
static uint64_t page_at(uint64_t n)
{
	return n * 37 % 256;
}

/* Maps IOVA page n to memory page page_at(n), for 256 pages; else as they are. */
static void map_scattered(struct contract *c)
{
	if (!iommu_unit_limits(c->unit)->is_protected) {
		assert_int_equal(contract_map(c, 0, 256 * K4, K4, RW), 0);
		return;
	}
	for (uint64_t n = 0; n < 256; n++)
		assert_int_equal(iommu_map(c->domain, c->iova + n * K4, c->memory + page_at(n) * K4,
					   K4, K4, RW),
				 0);
}

static uint8_t expected_at(const struct contract *c, uint64_t offset)
{
	uint64_t n = offset / K4;

	return (uint8_t)contract_byte(iommu_unit_limits(c->unit)->is_protected ? page_at(n) : n);
}

static void check_bytes(const struct contract *c, uint64_t iova, const struct iommu_span *spans,
			unsigned int count)
{
	uint64_t offset = iova - c->iova;

	for (unsigned int i = 0; i < count; i++) {
		for (uint64_t k = 0; k < spans[i].len; k++, offset++)
			assert_int_equal(spans[i].vaddr[k], expected_at(c, offset));
	}
}

static void spans_name_each_byte_of_an_access_in_order(void **state)
{
	static const uint32_t lens[] = {1, 63, 4096, 4097, 9000, 65535};
	struct contract *c = *state;
	struct iommu_span spans[CONTRACT_SPANS];

	map_scattered(c);
	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (uint64_t offset = 0; offset < 2 * K4; offset += 1021) {
			unsigned int count =
				contract_access(c, c->iova + offset, lens[i], IOMMU_READ, spans);

			assert_true(count > 0);
			check_bytes(c, c->iova + offset, spans, count);
		}
	}
}

static void a_span_ends_with_its_leaf(void **state)
{
	struct contract *c = *state;
	struct iommu_span spans[CONTRACT_SPANS];

	map_scattered(c);
	assert_int_equal(contract_access(c, c->iova + 100, 3 * K4, IOMMU_READ, spans), 4);
	assert_int_equal(spans[0].len, K4 - 100);
	assert_int_equal(spans[1].len, K4);
	assert_int_equal(spans[2].len, K4);
	assert_int_equal(spans[3].len, 100);
	/* The control: inside one leaf of 2 MiB, one span. */
	assert_int_equal(contract_map(c, M2, M2, M2, RW), 0);
	assert_int_equal(contract_access(c, c->iova + M2 + 100, 3 * K4, IOMMU_READ, spans), 1);
}

static void accesses_of_a_burst_are_handled_in_order(void **state)
{
	struct contract *c = *state;
	struct iommu_access access[BURST];
	struct iommu_span spans[CONTRACT_SPANS];
	unsigned int used = 0;

	map_scattered(c);
	for (unsigned int i = 0; i < BURST; i++)
		access[i] = (struct iommu_access){
			.iova = c->iova + i * 3000, .len = 1 + i * 200, .prot = IOMMU_READ};
	iommu_burst_begin(c->translator);
	assert_int_equal(iommu_translate_burst(c->translator, access, BURST, spans, CONTRACT_SPANS),
			 BURST);
	for (unsigned int i = 0; i < BURST; i++) {
		assert_true(access[i].span_count > 0);
		check_bytes(c, access[i].iova, &spans[used], access[i].span_count);
		used += access[i].span_count;
	}
	iommu_burst_end(c->translator);
}

static void a_burst_stops_before_an_access_whose_spans_do_not_fit(void **state)
{
	struct contract *c = *state;
	struct iommu_access access[2];
	struct iommu_span spans[4];
	uint64_t pages = iommu_unit_limits(c->unit)->is_protected ? 3 : 1;

	map_scattered(c);
	for (unsigned int i = 0; i < 2; i++)
		access[i] = (struct iommu_access){
			.iova = c->iova, .len = 3 * K4, .prot = IOMMU_READ, .span_count = 77};
	spans[pages].vaddr = NULL;
	iommu_burst_begin(c->translator);
	assert_int_equal(iommu_translate_burst(c->translator, access, 2, spans, (uint16_t)pages),
			 1);
	assert_int_equal(access[0].span_count, pages);
	assert_null(spans[pages].vaddr);
	/* None fits: nothing is done, and nothing is a fault. */
	assert_int_equal(
		iommu_translate_burst(c->translator, access, 2, spans, (uint16_t)(pages - 1)), 0);
	assert_int_equal(iommu_translate_burst(c->translator, access, 0, spans, 4), 0);
	iommu_burst_end(c->translator);
	assert_int_equal(iommu_faults_total(c->domain), 0);
}

static void an_access_is_refused_whole_when_its_end_is_not_mapped(void **state)
{
	struct contract *c = *state;
	uint64_t end = c->iova + CONTRACT_MEMORY;

	assert_int_equal(contract_map(c, 0, CONTRACT_MEMORY, K4, RW), 0);
	assert_true(contract_reaches(c, end - 100, 100, IOMMU_WRITE));
	assert_false(contract_reaches(c, end - 100, 101, IOMMU_WRITE));
	assert_false(contract_reaches(c, end - 3 * K4, 4 * K4, IOMMU_WRITE));
	assert_true(contract_reaches(c, c->iova, 100, IOMMU_WRITE));
	assert_false(contract_reaches(c, c->iova - 1, 100, IOMMU_WRITE));
}

static void a_refused_access_in_the_middle_does_not_harm_its_neighbours(void **state)
{
	struct contract *c = *state;
	struct iommu_access access[3];
	struct iommu_span spans[CONTRACT_SPANS];

	map_scattered(c);
	access[0] = (struct iommu_access){.iova = c->iova, .len = 64, .prot = IOMMU_READ};
	access[1] = (struct iommu_access){
		.iova = c->iova + CONTRACT_MEMORY + M2, .len = 64, .prot = IOMMU_READ};
	access[2] = (struct iommu_access){.iova = c->iova + K4, .len = 64, .prot = IOMMU_READ};
	iommu_burst_begin(c->translator);
	assert_int_equal(iommu_translate_burst(c->translator, access, 3, spans, CONTRACT_SPANS), 3);
	assert_int_equal(access[0].span_count, 1);
	assert_int_equal(access[1].span_count, 0);
	assert_int_equal(access[2].span_count, 1);
	check_bytes(c, access[0].iova, &spans[0], 1);
	check_bytes(c, access[2].iova, &spans[1], 1);
	iommu_burst_end(c->translator);
}

static void a_refused_access_is_one_fault_that_names_it(void **state)
{
	struct contract *c = *state;
	uint64_t iova = c->iova + CONTRACT_MEMORY + M2 + 123;
	struct iommu_fault fault[4];

	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_true(contract_reaches(c, c->iova, 64, IOMMU_WRITE));
	assert_int_equal(iommu_faults_total(c->domain), 0);
	assert_false(contract_reaches(c, iova, 64, IOMMU_WRITE));
	assert_int_equal(iommu_faults(c->domain, fault, 4), 1);
	assert_string_equal(fault[0].device, "contract0");
	assert_int_equal(fault[0].source_id, iommu_device_source_id(c->device));
	assert_int_equal(fault[0].queue, 3);
	assert_true(fault[0].is_rx);
	assert_int_equal(fault[0].access, IOMMU_WRITE);
	assert_int_equal(fault[0].iova & ~(K4 - 1), iova & ~(K4 - 1));
	assert_int_equal(iommu_faults_of_reason(c->domain, fault[0].reason), 1);
	assert_string_not_equal(iommu_fault_text(fault[0].reason), "Unknown");
	assert_int_equal(c->translator->counters.faults, 1);
}

static void an_access_that_wraps_or_ends_past_the_width_is_refused(void **state)
{
	struct contract *c = *state;

	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_false(contract_reaches(c, UINT64_MAX, 1, IOMMU_READ));
	assert_false(contract_reaches(c, UINT64_MAX, 2, IOMMU_READ));
	assert_false(contract_reaches(c, UINT64_MAX - 100, 4096, IOMMU_WRITE));
	assert_false(contract_reaches(c, c->iova | UINT64_C(1) << 63, 64, IOMMU_READ));
	assert_false(contract_reaches(c, c->iova | UINT64_C(1) << 57, 64, IOMMU_READ));
	assert_true(contract_reaches(c, c->iova, 64, IOMMU_READ));
}

static void the_last_page_below_the_width_can_be_used(void **state)
{
	struct contract *c = *state;
	uint8_t bits = c->domain->addr_bits;
	uint64_t iova = (bits < 64 ? UINT64_C(1) << bits : 0) - K4;

	assert_int_equal(iommu_map(c->domain, iova, c->memory + K4, K4, K4, RW), 0);
	assert_int_equal(contract_read(c, iova + K4 - 1), contract_byte(1));
	assert_false(contract_reaches(c, iova + K4 - 1, 2, IOMMU_READ));
	assert_false(contract_reaches(c, iova + K4, 1, IOMMU_READ));
}

static void lookups_are_hits_and_misses(void **state)
{
	struct contract *c = *state;
	const struct iommu_counters *counters = &c->translator->counters;

	map_scattered(c);
	for (unsigned int i = 0; i < 1000; i++)
		assert_true(contract_reaches(c, c->iova + i * 997, 1 + i * 7 % 9000, IOMMU_READ));
	assert_int_equal(counters->lookups, counters->hits + counters->misses);
	assert_int_equal(counters->faults, 0);
	if (c->backend->ops->for_each_leaf != NULL) {
		assert_true(counters->lookups >= 1000);
		assert_true(counters->misses >= 240);
		assert_true(counters->walk_reads >= counters->misses);
	}
}

/* --- a hundred thousand accesses against a naive model -------------------------------------- */

#define MODEL_PAGES 64

static bool is_allowed(const uint8_t *rights, uint64_t offset, uint32_t len, uint32_t prot)
{
	for (uint64_t page = offset / K4; page <= (offset + len - 1) / K4; page++) {
		if (page >= MODEL_PAGES || (rights[page] & prot) == 0)
			return false;
	}
	return true;
}

static void change_page(struct contract *c, uint8_t *rights, uint64_t page, uint32_t prot)
{
	if (rights[page] != 0)
		contract_unmap(c, page * K4, K4);
	rights[page] = (uint8_t)prot;
	if (prot != 0)
		assert_int_equal(contract_map(c, page * K4, K4, K4, prot), 0);
}

static void random_accesses_are_granted_as_a_naive_model_grants_them(void **state)
{
	struct contract *c = *state;
	uint8_t rights[MODEL_PAGES] = {0};
	uint64_t seed = 5, granted = 0;

	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t random = unit_random(&seed);
		uint64_t offset = random % ((MODEL_PAGES + 2) * K4);
		uint32_t len = 1 + (uint32_t)(random >> 32) % 9000;
		uint32_t prot = (random >> 60) & 1 ? IOMMU_READ : IOMMU_WRITE;
		bool expected = is_allowed(rights, offset, len, prot);

		assert_int_equal(contract_reaches(c, c->iova + offset, len, prot), expected);
		granted += expected;
		if (i % 4 == 0)
			change_page(c, rights, (random >> 20) % MODEL_PAGES,
				    (random >> 56) % 8 < 5 ? RW : (random >> 56) % 4);
	}
	/* Both answers were asked for often enough. */
	assert_in_range(granted, 10000, 90000);
}

int main(void)
{
	static const struct contract_test tests[] = {
		CONTRACT_TEST_OF(SOFTWARE, spans_name_each_byte_of_an_access_in_order),
		CONTRACT_TEST_OF(TABLES, a_span_ends_with_its_leaf),
		CONTRACT_TEST_OF(SOFTWARE, accesses_of_a_burst_are_handled_in_order),
		CONTRACT_TEST_OF(SOFTWARE, a_burst_stops_before_an_access_whose_spans_do_not_fit),
		CONTRACT_TEST_OF(SOFTWARE, an_access_is_refused_whole_when_its_end_is_not_mapped),
		CONTRACT_TEST_OF(SOFTWARE,
				 a_refused_access_in_the_middle_does_not_harm_its_neighbours),
		CONTRACT_TEST_OF(SOFTWARE, a_refused_access_is_one_fault_that_names_it),
		CONTRACT_TEST_OF(SOFTWARE, an_access_that_wraps_or_ends_past_the_width_is_refused),
		CONTRACT_TEST_OF(PROTECTION, the_last_page_below_the_width_can_be_used),
		CONTRACT_TEST_OF(SOFTWARE, lookups_are_hits_and_misses),
		CONTRACT_TEST_OF(TRANSLATION,
				 random_accesses_are_granted_as_a_naive_model_grants_them),
	};

	return contract_run(tests, sizeof(tests) / sizeof(tests[0]));
}
