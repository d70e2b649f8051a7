/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of VFIO_IOMMU_GET_INFO: what they say, and what is refused of broken ones. */
#include "unit.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/vfio.h>

#include "type1_info.h"

#define ANSWER_MAX 4096

/* An answer as the kernel lays it out: the head, then each capability 8 bytes aligned. */
struct answer {
	_Alignas(8) uint8_t bytes[ANSWER_MAX];
	size_t size;
	size_t last; /* where the last capability stands */
};

static struct vfio_iommu_type1_info *head(struct answer *answer)
{
	return (struct vfio_iommu_type1_info *)answer->bytes;
}

static void begin(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	head(answer)->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	head(answer)->iova_pgsizes = 0x40201000;
	answer->size = sizeof(struct vfio_iommu_type1_info);
}

static void *add(struct answer *answer, uint16_t id, size_t size)
{
	struct vfio_info_cap_header *header = (void *)&answer->bytes[answer->size];

	header->id = id;
	header->version = 1;
	if (answer->last == 0)
		head(answer)->cap_offset = (uint32_t)answer->size;
	else
		((struct vfio_info_cap_header *)&answer->bytes[answer->last])->next =
			(uint32_t)answer->size;
	answer->last = answer->size;
	answer->size += (size + 7) & ~(size_t)7;
	head(answer)->argsz = (uint32_t)answer->size;
	return header;
}

static void add_ranges(struct answer *answer, const uint64_t (*ranges)[2], unsigned int count)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		add(answer, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
		    sizeof(*cap) + count * sizeof(cap->iova_ranges[0]));

	cap->nr_iovas = count;
	for (unsigned int i = 0; i < count; i++) {
		cap->iova_ranges[i].start = ranges[i][0];
		cap->iova_ranges[i].end = ranges[i][1];
	}
}

static void add_available(struct answer *answer, uint32_t available)
{
	struct vfio_iommu_type1_info_dma_avail *cap =
		add(answer, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*cap));

	cap->avail = available;
}

/* What Linux 6.1 answers for an Intel IOMMU of 48 bits: ranges, migration, entries. */
static void real_answer(struct answer *answer)
{
	static const uint64_t ranges[][2] = {{0, 0xfedfffff}, {0xfef00000, 0xffffffffffff}};

	begin(answer);
	add(answer, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
	    sizeof(struct vfio_iommu_type1_info_cap_migration));
	add_available(answer, 65535);
	add_ranges(answer, ranges, 2);
}

static void the_answer_of_a_real_iommu_is_understood(void **state)
{
	struct iommu_limits limits;
	struct answer answer;

	real_answer(&answer);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
	assert_int_equal(limits.page_sizes, 0x40201000);
	assert_int_equal(limits.addr_bits, 48);
	assert_int_equal(limits.entries_limit, 65535);
	assert_true(limits.is_protected);
	assert_true(limits.write_implies_read);
	assert_true(limits.unmap_syncs);
	assert_int_equal(limits.hole_count, 1);
	assert_int_equal(limits.hole[0].iova, 0xfee00000);
	assert_int_equal(limits.hole[0].size, 0x100000);
}

static void what_lies_in_no_range_is_a_hole(void **state)
{
	static const uint64_t ranges[][2] = {
		{0x1000, 0xffff}, {0x20000, 0x7fffff}, {0x1000000, 0x7fff000fff}};
	struct iommu_limits limits;
	struct answer answer;

	begin(&answer);
	add_ranges(&answer, ranges, 3);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
	assert_int_equal(limits.addr_bits, 39);
	assert_int_equal(limits.entries_limit, 0);
	assert_int_equal(limits.hole_count, 4);
	assert_int_equal(limits.hole[0].iova, 0);
	assert_int_equal(limits.hole[0].size, 0x1000);
	assert_int_equal(limits.hole[1].iova, 0x10000);
	assert_int_equal(limits.hole[1].size, 0x10000);
	assert_int_equal(limits.hole[2].iova, 0x800000);
	assert_int_equal(limits.hole[2].size, 0x800000);
	/* and from the last range's end to the width that it needs */
	assert_int_equal(limits.hole[3].iova, 0x7fff001000);
	assert_int_equal(limits.hole[3].size, 0xfff000);
}

static void a_range_to_the_end_of_64_bits_has_no_hole_after_it(void **state)
{
	static const uint64_t ranges[][2] = {{0, UINT64_MAX}};
	struct iommu_limits limits;
	struct answer answer;

	begin(&answer);
	add_ranges(&answer, ranges, 1);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
	assert_int_equal(limits.addr_bits, 64);
	assert_int_equal(limits.hole_count, 0);
}

/* What cannot be written down must not look free. */
static void more_holes_than_fit_become_a_larger_one(void **state)
{
	uint64_t ranges[IOMMU_HOLES_MAX + 10][2];
	struct iommu_limits limits;
	struct answer answer;

	for (unsigned int i = 0; i < IOMMU_HOLES_MAX + 10; i++) {
		ranges[i][0] = (2 * i + 1) * UINT64_C(0x1000);
		ranges[i][1] = ranges[i][0] + 0xfff;
	}
	begin(&answer);
	add_ranges(&answer, ranges, IOMMU_HOLES_MAX + 10);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
	assert_int_equal(limits.hole_count, IOMMU_HOLES_MAX);
	for (unsigned int i = 0; i < IOMMU_HOLES_MAX + 10; i++) {
		uint64_t free_iova = ranges[i][0], hole_iova = free_iova - 0x1000;
		unsigned int free_hits = 0, hole_hits = 0;

		for (unsigned int h = 0; h < limits.hole_count; h++) {
			free_hits += free_iova - limits.hole[h].iova < limits.hole[h].size;
			hole_hits += hole_iova - limits.hole[h].iova < limits.hole[h].size;
		}
		assert_int_equal(hole_hits, 1);
		assert_int_equal(free_hits, i >= IOMMU_HOLES_MAX - 1);
	}
}

static void an_answer_without_ranges_is_not_supported(void **state)
{
	struct iommu_limits limits;
	struct answer answer;

	begin(&answer);
	add_available(&answer, 65535);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), -ENOTSUP);
	begin(&answer);
	head(&answer)->flags = VFIO_IOMMU_INFO_PGSIZES;
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), -ENOTSUP);
}

static void a_capability_that_nobody_knows_is_passed_over(void **state)
{
	static const uint64_t ranges[][2] = {{0, 0xffffffff}};
	struct iommu_limits limits;
	struct answer answer;

	begin(&answer);
	add(&answer, 4711, 40);
	add_ranges(&answer, ranges, 1);
	add(&answer, 4712, 8);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
	assert_int_equal(limits.addr_bits, 32);
}

/* --- broken answers -------------------------------------------------------------------------- */

static void an_answer_that_is_cut_anywhere_is_refused(void **state)
{
	struct iommu_limits limits;
	struct answer answer;

	real_answer(&answer);
	for (size_t size = 0; size < answer.size; size++)
		assert_int_equal(type1_info_parse(answer.bytes, size, &limits), -EBADMSG);
	/* the control */
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), 0);
}

static void a_chain_that_turns_in_circles_is_refused(void **state)
{
	struct iommu_limits limits;
	struct answer answer;

	real_answer(&answer);
	((struct vfio_info_cap_header *)&answer.bytes[answer.last])->next =
		head(&answer)->cap_offset;
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), -EBADMSG);
}

static void ranges_out_of_order_are_refused(void **state)
{
	static const uint64_t disordered[][2][2] = {
		{{0x1000, 0x1fff}, {0, 0xfff}},		   /* descending */
		{{0, 0x1fff}, {0x1000, 0x2fff}},	   /* overlapping */
		{{0x2000, 0x1fff}, {0x3000, 0x3fff}},	   /* ends before it begins */
		{{0, UINT64_MAX}, {0, UINT64_C(0xfffff)}}, /* after the end of all */
	};
	struct iommu_limits limits;
	struct answer answer;

	for (unsigned int i = 0; i < sizeof(disordered) / sizeof(disordered[0]); i++) {
		begin(&answer);
		add_ranges(&answer, disordered[i], 2);
		assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), -EBADMSG);
	}
	begin(&answer);
	add_ranges(&answer, disordered[0], 0);
	assert_int_equal(type1_info_parse(answer.bytes, answer.size, &limits), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_a_real_iommu_is_understood),
		cmocka_unit_test(what_lies_in_no_range_is_a_hole),
		cmocka_unit_test(a_range_to_the_end_of_64_bits_has_no_hole_after_it),
		cmocka_unit_test(more_holes_than_fit_become_a_larger_one),
		cmocka_unit_test(an_answer_without_ranges_is_not_supported),
		cmocka_unit_test(a_capability_that_nobody_knows_is_passed_over),
		cmocka_unit_test(an_answer_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(a_chain_that_turns_in_circles_is_refused),
		cmocka_unit_test(ranges_out_of_order_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
