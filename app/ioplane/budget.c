/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run needs of huge pages, table entries, queues and buffers, before anything is touched. */
#include "budget.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_common.h>

#include "hugemem.h"
#include "options.h"
#include "port_device.h"
#include "port_direct.h"
#include "port_memory.h"
#include "preflight.h"

/* EAL, ethdev, telemetry and a driver's own structures. */
#define EAL_BASE     (48ull << 20)
#define EAL_PER_PORT (4ull << 20)
/* A frame of a capture takes at least a record header and 14 bytes, and an mbuf header here. */
#define FRAME_MIN	30
#define FRAME_HEADERS	320
#define DMANIC_QUEUES	32
#define DMANIC_RING_MIN 64
#define DMANIC_RING_MAX 4096

/* As port_policy_choose() will find it. */
static bool is_apart(const char *device)
{
	return options_get()->dma_policy.policy != DMA_STATIC &&
	       (port_device_kind(device) != PORT_PCI || !port_direct_is_unprotected(device));
}

static void need_of(const char *device, struct port_need *need)
{
	port_memory_need(port_device_kind(device), false, is_apart(device), need);
}

/* Size of the file that "PORT,file=F,..." names; 0 when it cannot be read: told later, better. */
static uint64_t replay_file_size(const char *spec)
{
	const char *file = strstr(spec, "file=");
	char path[4096];
	struct stat status;

	if (file == NULL)
		return 0;
	file += strlen("file=");
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(file, ","), file);
	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

uint64_t budget_eal_memory(const struct eal_args *args)
{
	const struct options *options = options_get();
	uint64_t bytes = EAL_BASE;

	for (unsigned int i = 0; i < args->device_count; i++) {
		struct port_need need;

		need_of(args->devices[i], &need);
		bytes += EAL_PER_PORT + need.header_bytes;
	}
	for (unsigned int i = 0; i < options->replay_count; i++) {
		uint64_t size = replay_file_size(options->replay[i]);

		bytes += size / FRAME_MIN * FRAME_HEADERS;
		/* what is copied is no DMA memory */
		if (options->dma_policy.policy != DMA_STATIC)
			bytes += size;
	}
	return bytes;
}

static uint64_t page_round(uint64_t bytes, uint64_t page_size)
{
	return (bytes + page_size - 1) / page_size * page_size;
}

/* The page size that DMA memory would get, as hugemem steps back. */
static uint64_t arena_page_size(uint64_t bytes)
{
	uint64_t wanted = options_get()->page_size, free_pages, total_pages;
	static const size_t sizes[] = {HUGEMEM_1G, HUGEMEM_2M};

	for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
		if (wanted != 0 ? wanted < sizes[i] : bytes < sizes[i])
			continue;
		if (hugemem_pages(sizes[i], -1, &free_pages, &total_pages) == 0 &&
		    free_pages * sizes[i] >= bytes)
			return sizes[i];
	}
	return HUGEMEM_4K;
}

struct totals {
	unsigned int ports, domains, dmanics, unprotected;
	uint32_t mbufs;
	uint64_t bytes; /* of DMA memory */
	uint64_t mappings;
	uint64_t leaves; /* of the tables that hold them */
};

/* At most: full rings, each buffer a mapping in pages of 4 KiB. */
static void add_hand_over(struct totals *totals)
{
	const struct options *o = options_get();
	uint64_t buffers = (uint64_t)o->rxq * o->rxd + (uint64_t)o->txq * o->txd;

	totals->mappings += buffers;
	totals->leaves += buffers * (port_memory_stride((uint16_t)o->mbuf_size, true) / HUGEMEM_4K);
}

static void print_policy(void)
{
	char text[DMA_POLICY_TEXT_SIZE];

	if (options_get()->dma_policy.policy != DMA_STATIC)
		printf("DMA policy:   %s, buffers in pages of 4 KiB of their own\n",
		       dma_policy_print(&options_get()->dma_policy, text));
}

static void add_device(const char *device, struct totals *totals)
{
	enum port_kind kind = port_device_kind(device);
	struct port_need need;
	uint64_t page;

	need_of(device, &need);
	page = arena_page_size(need.buffer_bytes);
	totals->ports++;
	totals->mbufs += need.mbufs;
	totals->bytes += page_round(need.buffer_bytes, page);
	if (kind == PORT_PLAIN)
		return;
	totals->domains++;
	totals->dmanics += kind == PORT_DMANIC;
	totals->unprotected += kind == PORT_PCI && port_direct_is_unprotected(device);
	totals->bytes += page_round(need.ring_bytes, page);
	totals->mappings++;
	totals->leaves += page_round(need.ring_bytes, page) / page;
	if (is_apart(device)) {
		add_hand_over(totals);
		return;
	}
	/* its buffers, and those of the port that it forwards for */
	totals->mappings += 2;
	totals->leaves += 2 * page_round(need.buffer_bytes, page) / page;
}

static int check_memory(const struct totals *totals, const struct eal_memory *memory,
			struct base_error *err)
{
	uint64_t page = arena_page_size(totals->bytes), available, all;
	uint64_t small =
		(page == HUGEMEM_4K ? totals->bytes : 0) + (memory->is_huge ? 0 : memory->needed);

	/* where the machine does not say what is available, the run will */
	if (hugemem_pages(HUGEMEM_4K, -1, &available, &all) != 0)
		return 0;
	available *= HUGEMEM_4K;
	if (small > available)
		return base_error_set(err, -ENOMEM,
				      "%" PRIu64 " MiB of memory are needed and %" PRIu64
				      " are free: lower --total-num-mbufs, --rxd or --txd",
				      small >> 20, available >> 20);
	return 0;
}

static int check_queues(const struct totals *totals, struct base_error *err)
{
	const struct options *options = options_get();

	if (totals->dmanics > 0 && (options->rxq > DMANIC_QUEUES || options->txq > DMANIC_QUEUES))
		return base_error_set(err, -EINVAL, "a net_dmanic has at most %d queues each way",
				      DMANIC_QUEUES);
	if (totals->dmanics > 0 && (RTE_MIN(options->rxd, options->txd) < DMANIC_RING_MIN ||
				    RTE_MAX(options->rxd, options->txd) > DMANIC_RING_MAX))
		return base_error_set(err, -EINVAL,
				      "a net_dmanic has rings of %d to %d descriptors",
				      DMANIC_RING_MIN, DMANIC_RING_MAX);
	if (totals->ports == 0)
		return base_error_set(err, -ENODEV,
				      "there is no port: give EAL a --vdev or "
				      "an -a");
	return 0;
}

/* What attaching them would find. */
static int check_pci_devices(const struct eal_args *args, struct base_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < args->device_count; i++) {
		char address[HOST_NAME_SIZE];
		struct preflight preflight;

		if (port_device_kind(args->devices[i]) != PORT_PCI)
			continue;
		snprintf(address, sizeof(address), "%.*s", (int)strcspn(args->devices[i], ","),
			 args->devices[i]);
		ret = preflight_check(address, &preflight, err);
	}
	return ret;
}

static void add_devices(const struct eal_args *args, struct totals *totals)
{
	for (unsigned int i = 0; i < args->device_count; i++)
		add_device(args->devices[i], totals);
}

int budget_check_memory(const struct eal_args *args, const struct eal_memory *memory,
			struct base_error *err)
{
	struct totals totals = {0};

	add_devices(args, &totals);
	return check_memory(&totals, memory, err);
}

int budget_check(struct eal_args *args, struct base_error *err)
{
	const struct options *options = options_get();
	struct totals totals = {0};
	struct eal_memory memory;
	uint64_t page;
	int ret;

	add_devices(args, &totals);
	eal_choose_iova(args);
	eal_choose_memory(args, budget_eal_memory(args), &memory);
	page = arena_page_size(totals.bytes);
	printf("Ports:        %u, of which %u behind an IOMMU, %s", totals.ports,
	       totals.domains - totals.unprotected,
	       options->shares_domain ? "in one domain" : "in a domain each");
	if (totals.unprotected != 0)
		printf("; %u UNPROTECTED", totals.unprotected);
	printf("\n");
	printf("Queues:       %u receive and %u transmit a port, rings of %u and %u\n",
	       options->rxq, options->txq, options->rxd, options->txd);
	printf("Buffers:      %u of %u bytes, %s\n", totals.mbufs, options->mbuf_size,
	       options->is_inline ? "with their headers" : "headers apart");
	print_policy();
	printf("DMA memory:   %" PRIu64 " MiB in pages of %s (%" PRIu64 " of them)\n",
	       totals.bytes >> 20, hugemem_page_size_name(page), totals.bytes / page);
	printf("DPDK memory:  %" PRIu64 " MiB, %s\n", memory.needed >> 20, memory.why);
	printf("IOMMU:        %" PRIu64 " mappings in %" PRIu64 " table entries; %s\n",
	       totals.mappings, totals.leaves,
	       totals.dmanics == totals.domains ? "the software unit has no limit"
						: "VFIO allows 65535 mappings in a domain");
	printf("IOVA mode:    %s\n", args->iova_why);
	ret = check_queues(&totals, err);
	if (ret == 0)
		ret = check_memory(&totals, &memory, err);
	if (ret == 0)
		ret = check_pci_devices(args, err);
	printf("Nothing was touched; the run would %s.\n", ret == 0 ? "start" : "fail");
	return ret;
}
