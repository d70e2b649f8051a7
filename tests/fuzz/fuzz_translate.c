/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the VT-d unit with tables of any content: it stays in its memory and agrees with a walk.
 */
#include "fuzz_input.h"

#include <stdbool.h>

#include "iommu.h"
#include "iommu_burst.h"
#include "vtd.h"

#define PAGE  4096
#define PAGES 16 /* of an image at physical address 0; the root table is its first page */
#define STEPS 64

static struct {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_translator *translator;
	uint8_t *image;
} fuzz;

static void set_up(void)
{
	if (fuzz.image != NULL)
		return;
	fuzz.image = aligned_alloc(PAGE, PAGES * PAGE);
	fuzz_require(fuzz.image != NULL, "memory");
	fuzz_require(iommu_unit_create(&vtd_ops, 0, NULL, &fuzz.unit, NULL) == 0, "a unit");
	fuzz_require(iommu_memory_add(fuzz.unit, 0, fuzz.image, PAGES * PAGE) == 0, "an image");
	fuzz_require(iommu_domain_create(fuzz.unit, NULL, &fuzz.domain, NULL) == 0, "a domain");
	/* Source id 0: its context entry is the first of the table that the first root entry names.
	 */
	fuzz_require(iommu_attach(fuzz.domain, "device", 0, &fuzz.device, NULL) == 0, "a device");
	fuzz_require(iommu_translator_create(fuzz.device, true, 0, &fuzz.translator) == 0,
		     "a translator");
	vtd_unit_set_root(fuzz.unit, 0);
}

/* Mostly an entry that names a page of the image; what fits together is found sooner. */
static void put_word(struct fuzz_input *input)
{
	uint8_t page = fuzz_take8(input) % PAGES;
	uint16_t index = fuzz_take16(input);
	uint16_t low = fuzz_take16(input);
	uint64_t word = (low & 0xfff) | (uint64_t)(low >> 12) * PAGE;

	if (index & 0x8000)
		word = fuzz_take64(input);
	index = index & 0x4000 ? index % 512 : index % 4;
	memcpy(fuzz.image + (size_t)page * PAGE + index * sizeof(word), &word, sizeof(word));
}

/* Small indices at every level, where put_word() puts most entries. */
static uint64_t take_iova(struct fuzz_input *input)
{
	uint8_t levels = fuzz_take8(input);
	uint64_t iova = fuzz_take16(input) % PAGE;

	if (levels == 0xff)
		return fuzz_take64(input);
	for (unsigned int level = 0; level < 4; level++)
		iova |= (uint64_t)(levels >> (2 * level) & 3) << (12 + 9 * level);
	return iova;
}

static void check_spans(const struct iommu_access *access, const struct iommu_span *spans)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < access->span_count; i++) {
		fuzz_require(spans[i].vaddr >= fuzz.image &&
				     spans[i].vaddr + spans[i].len <= fuzz.image + PAGES * PAGE,
			     "spans lie in memory that the unit knows");
		total += spans[i].len;
	}
	fuzz_require(total == access->len, "spans cover the access");
}

static void check_walk(const struct iommu_access *access, const struct iommu_span *spans)
{
	struct iommu_walk walk;

	fuzz_require(iommu_walk(fuzz.device, access->iova, &walk) == 0, "a walk");
	if (access->span_count > 0)
		fuzz_require(walk.reason == 0 && (walk.prot & access->prot) == access->prot &&
				     fuzz.image + walk.pa == spans[0].vaddr,
			     "what is translated is what a walk finds");
	else
		fuzz_require(walk.reason != 0 || (walk.prot & access->prot) != access->prot ||
				     walk.pa >= PAGES * PAGE,
			     "what a walk finds is translated");
}

static void translate(struct fuzz_input *input, bool is_fresh)
{
	uint8_t what = fuzz_take8(input);
	struct iommu_access access = {
		.iova = take_iova(input),
		.len = what & 1 ? 1u : 1u + fuzz_take16(input),
		.prot = what & 2 ? IOMMU_WRITE : IOMMU_READ,
	};
	struct iommu_span spans[18];
	uint64_t faults = fuzz.translator->counters.faults;

	iommu_burst_begin(fuzz.translator);
	fuzz_require(iommu_translate_burst(fuzz.translator, &access, 1, spans, 18) == 1,
		     "progress");
	if (access.span_count > 0)
		check_spans(&access, spans);
	if (is_fresh && access.len == 1)
		check_walk(&access, spans);
	iommu_burst_end(fuzz.translator);
	fuzz_require(fuzz.translator->counters.faults - faults == (access.span_count == 0),
		     "a refused access is one fault");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	bool is_fresh = true;

	set_up();
	memset(fuzz.image, 0, PAGES * PAGE);
	vtd_unit_invalidate(fuzz.unit);
	for (unsigned int i = 0; i < STEPS && input.size > 0; i++) {
		switch (fuzz_take8(&input) % 4) {
		case 0:
		case 1:
			put_word(&input);
			is_fresh = false;
			break;
		case 2:
			vtd_unit_invalidate(fuzz.unit);
			is_fresh = true;
			break;
		default:
			translate(&input, is_fresh);
		}
	}
	iommu_faults_clear(fuzz.domain);
	return 0;
}
