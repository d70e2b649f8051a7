/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the device side: hostile drivers at both ends of a cable, in a domain each. */
#include "dmanic_device.h"
#include "fuzz_input.h"
#include "iommu.h"
#include "iommu_burst.h"
#include "vtd.h"

#define PAGE	  4096
#define PAGES	  8 /* of each side; page 0 holds its rings */
#define RING	  64
#define TX_OFFSET 0
#define RX_OFFSET 2048
#define BASE	  UINT64_C(0x100000) /* IOVA of page 0 */
#define STEPS	  256

/* What one domain may touch, with the device and the hostile driver in it. */
struct side {
	struct iommu_domain *domain;
	struct iommu_translator *tx, *rx;
	struct dmanic_device *nic;
	uint8_t *memory;
	uint32_t prot[PAGES];
	bool was_writable[PAGES];
};

static struct {
	struct iommu_unit *unit;
	struct side side[2];
	uint8_t *memory; /* of side 0, of side 1, and of nobody */
	uint8_t pattern[3 * PAGES * PAGE];
	bool is_open;
} fuzz;

static void set_up_side(unsigned int i)
{
	struct side *side = &fuzz.side[i];
	struct iommu_device *device;

	side->memory = fuzz.memory + (size_t)i * PAGES * PAGE;
	fuzz_require(iommu_domain_create(fuzz.unit, NULL, &side->domain, NULL) == 0, "a domain");
	fuzz_require(iommu_attach(side->domain, i == 0 ? "a" : "b", (uint16_t)(8 + i), &device,
				  NULL) == 0,
		     "a device");
	fuzz_require(iommu_translator_create(device, false, 0, &side->tx) == 0, "a translator");
	fuzz_require(iommu_translator_create(device, true, 0, &side->rx) == 0, "a translator");
}

static void set_up(void)
{
	size_t size = sizeof(fuzz.pattern);

	if (fuzz.is_open)
		return;
	fuzz.is_open = true;
	fuzz.memory = aligned_alloc(PAGE, size);
	fuzz_require(fuzz.memory != NULL, "memory");
	for (size_t at = 0; at < size; at++)
		fuzz.pattern[at] = (uint8_t)(at * 31 + at / PAGE);
	fuzz_require(iommu_unit_create(&vtd_ops, 0, NULL, &fuzz.unit, NULL) == 0, "a unit");
	fuzz_require(iommu_memory_add(fuzz.unit, (uintptr_t)fuzz.memory, fuzz.memory, size) == 0,
		     "memory of the unit");
	set_up_side(0);
	set_up_side(1);
}

static void set_rights(struct side *side, unsigned int page, uint32_t prot)
{
	struct iommu_gather gather = {0};
	uint64_t iova = BASE + (uint64_t)page * PAGE;

	if (side->prot[page] != 0) {
		fuzz_require(iommu_unmap(side->domain, iova, PAGE, &gather) == 0, "an unmap");
		fuzz_require(iommu_sync(side->domain, &gather) == 0, "a sync");
	}
	side->prot[page] = prot;
	side->was_writable[page] |= (prot & IOMMU_WRITE) != 0;
	if (prot != 0)
		fuzz_require(iommu_map(side->domain, iova, side->memory + (size_t)page * PAGE, PAGE,
				       PAGE, prot) == 0,
			     "a map");
}

static void begin(struct side *side)
{
	memset(side->was_writable, 0, sizeof(side->was_writable));
	for (unsigned int page = 0; page < PAGES; page++)
		set_rights(side, page, page == 0 ? IOMMU_READ | IOMMU_WRITE : 0);
	side->nic = dmanic_device_create();
	fuzz_require(side->nic != NULL, "a device");
	side->nic->rx_count = 1;
	fuzz_require(dmanic_tx_ring_start(side->nic, 0, BASE + TX_OFFSET, RING, side->tx) == 0 &&
			     dmanic_rx_ring_start(side->nic, 0, BASE + RX_OFFSET, RING, side->rx) ==
				     0,
		     "rings");
}

static void set_link(struct side *side, bool is_pausing, uint16_t frame_max)
{
	dmanic_wire_lock(side->nic);
	side->nic->has_link = true;
	side->nic->is_pausing = is_pausing;
	side->nic->filter.frame_max = frame_max;
	dmanic_wire_unlock(side->nic);
}

static void end(struct side *side)
{
	dmanic_tx_ring_stop(side->nic, 0);
	dmanic_rx_ring_stop(side->nic, 0);
}

/* A descriptor with the address near a page, so that more than noise comes of it. */
static void put_descriptor(struct side *side, size_t offset, struct fuzz_input *input)
{
	uint8_t *ring = side->memory + offset;
	unsigned int index = fuzz_take8(input) % RING;
	uint8_t page = fuzz_take8(input);
	uint64_t word[2];

	fuzz_take(input, &word[0], sizeof(word[0]));
	word[1] = page < 240 ? BASE + (uint64_t)(page % PAGES) * PAGE + fuzz_take16(input) % PAGE
			     : fuzz_take64(input);
	memcpy(ring + (size_t)index * sizeof(word), word, sizeof(word));
}

static void step(struct fuzz_input *input)
{
	uint8_t what = fuzz_take8(input);
	struct side *side = &fuzz.side[what & 1];
	uint8_t value;

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		put_descriptor(side, TX_OFFSET, input);
		break;
	case 2:
		put_descriptor(side, RX_OFFSET, input);
		break;
	case 3:
		dmanic_tx_doorbell(side->nic, 0, fuzz_take8(input));
		break;
	case 4:
		dmanic_rx_doorbell(side->nic, 0, fuzz_take8(input));
		dmanic_rx_resume(side->nic, 0);
		break;
	case 5:
		value = fuzz_take8(input);
		set_rights(side, value % PAGES, value >> 4 & (IOMMU_READ | IOMMU_WRITE));
		break;
	case 6:
		dmanic_pump(side->nic, fuzz_take8(input));
		break;
	default:
		value = fuzz_take8(input);
		set_link(side, value & 1, (uint16_t)(64 + value * 40));
	}
}

/* Every frame that left one end is accounted for at the other. */
static void check_counts(const struct side *from, const struct side *to)
{
	const struct dmanic_tx_counters *tx = &from->nic->tx[0].counters;
	const struct dmanic_rx_counters *rx = &to->nic->rx[0].counters;
	uint64_t arrived = rx->frames + rx->missed + rx->refused + rx->oversize;

	for (unsigned int i = 0; i < DMANIC_DROPS; i++)
		arrived += to->nic->drops[i];
	fuzz_require(tx->frames == arrived, "what was sent was received or counted");
}

static void check_memory(void)
{
	for (size_t page = 0; page < (size_t)3 * PAGES; page++) {
		const struct side *side = &fuzz.side[page / PAGES];

		if (page < (size_t)2 * PAGES &&
		    (page % PAGES == 0 || side->was_writable[page % PAGES]))
			continue;
		fuzz_require(memcmp(fuzz.memory + page * PAGE, fuzz.pattern + page * PAGE, PAGE) ==
				     0,
			     "memory without write permission is unchanged");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	set_up();
	memcpy(fuzz.memory, fuzz.pattern, sizeof(fuzz.pattern));
	begin(&fuzz.side[0]);
	begin(&fuzz.side[1]);
	memset(fuzz.side[0].memory, 0, PAGE);
	memset(fuzz.side[1].memory, 0, PAGE);
	dmanic_cable_plug(fuzz.side[0].nic, fuzz.side[1].nic);
	set_link(&fuzz.side[0], true, DMANIC_FRAME_MAX);
	set_link(&fuzz.side[1], true, DMANIC_FRAME_MAX);
	for (unsigned int i = 0; i < STEPS && input.size > 0; i++)
		step(&input);
	check_counts(&fuzz.side[0], &fuzz.side[1]);
	check_counts(&fuzz.side[1], &fuzz.side[0]);
	end(&fuzz.side[0]);
	end(&fuzz.side[1]);
	check_memory();
	dmanic_cable_unplug(fuzz.side[0].nic, fuzz.side[1].nic);
	dmanic_device_destroy(fuzz.side[0].nic);
	dmanic_device_destroy(fuzz.side[1].nic);
	return 0;
}
