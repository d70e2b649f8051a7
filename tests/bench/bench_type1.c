/* SPDX-License-Identifier: BSD-3-Clause */
/* Times our way through VFIO against the bare ioctls, in turn: bench_type1 ADDRESS, in the guest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/vfio.h>
#include <rte_eal.h>

#include "dma.h"
#include "hugemem.h"
#include "iommu.h"
#include "type1.h"

#define PAIRS	201
#define RIGHTS	(IOMMU_READ | IOMMU_WRITE)
#define OURS	UINT64_C(0x4000000000)
#define THEIRS	UINT64_C(0x5000000000)
#define BUFFERS (16 * HUGEMEM_2M)

struct bench {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct dma_space *space;
	struct dma_arena *arena;
	void *vaddr; /* what is mapped, and how */
	uint64_t size;
	uint64_t page_size;
	unsigned int repeats; /* in a round */
};

static void check(int ret)
{
	if (ret != 0) {
		fprintf(stderr, "bench_type1: %s\n", strerror(-ret));
		exit(1);
	}
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* --- what is timed: a map, and an unmap that is complete -------------------------------------- */

static void pair_iommu(struct bench *bench)
{
	struct iommu_gather gather = {0};

	check(iommu_map(bench->domain, OURS, bench->vaddr, bench->size, bench->page_size, RIGHTS));
	check(iommu_unmap(bench->domain, OURS, bench->size, &gather));
	check(iommu_sync(bench->domain, &gather));
}

static void pair_grant(struct bench *bench)
{
	check(dma_arena_grant(bench->arena, DMA_BUFFERS, bench->domain, RIGHTS, NULL));
	check(dma_arena_grant(bench->arena, DMA_BUFFERS, bench->domain, 0, NULL));
}

static void pair_bare(struct bench *bench)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)bench->vaddr,
		.iova = THEIRS,
		.size = bench->size,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = THEIRS,
		.size = bench->size,
	};
	int fd = type1_unit_fd(bench->unit);

	check(ioctl(fd, VFIO_IOMMU_MAP_DMA, &map) == 0 ? 0 : -errno);
	check(ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap) == 0 ? 0 : -errno);
}

/* --- in turn ---------------------------------------------------------------------------------- */

static double round_us(struct bench *bench, void (*pair)(struct bench *bench))
{
	double start = now_us();

	for (unsigned int i = 0; i < bench->repeats; i++)
		pair(bench);
	return (now_us() - start) / bench->repeats;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, PAIRS, sizeof(*values), compare);
	return values[PAIRS / 2];
}

/* Who is first changes with each pair. */
static void time_pairs(struct bench *bench, const char *name, void (*pair)(struct bench *bench))
{
	static double ours[PAIRS], theirs[PAIRS], ratio[PAIRS];
	double our_us, their_us;

	for (unsigned int i = 0; i < PAIRS; i++) {
		if (i % 2 == 0)
			ours[i] = round_us(bench, pair);
		theirs[i] = round_us(bench, pair_bare);
		if (i % 2 != 0)
			ours[i] = round_us(bench, pair);
		ratio[i] = ours[i] / theirs[i];
	}
	our_us = median(ours);
	their_us = median(theirs);
	printf("%s %.4f ratio\n", name, median(ratio));
	printf("%s-ours %.2f us\n%s-bare %.2f us\n", name, our_us, name, their_us);
	fflush(stdout);
}

static void set_up(struct bench *bench, const char *address)
{
	const struct type1_config config = {.device = address};
	const struct dma_arena_config arena = {
		.name = "bench", .buffer_size = BUFFERS, .page_size = HUGEMEM_2M, .node = -1};
	struct base_error err = {0};

	if (iommu_unit_create(&type1_ops, 0, &config, &bench->unit, &err) != 0 ||
	    iommu_domain_create(bench->unit, NULL, &bench->domain, &err) != 0 ||
	    dma_space_create(&bench->space, &err) != 0 ||
	    dma_arena_create(bench->space, &arena, &bench->arena, &err) != 0) {
		fprintf(stderr, "bench_type1: %s\n", err.text);
		exit(1);
	}
	check(dma_space_add_unit(bench->space, bench->unit));
}

int main(int argc, char **argv)
{
	char eal[][20] = {"bench_type1",
			  "--no-shconf",
			  "--no-pci",
			  "--iova-mode=va",
			  "--no-telemetry",
			  "--lcores=0",
			  "--no-huge",
			  "-m",
			  "16"};
	char *arguments[sizeof(eal) / sizeof(eal[0])];
	static struct bench bench;
	struct dma_range range;

	for (unsigned int i = 0; i < sizeof(eal) / sizeof(eal[0]); i++)
		arguments[i] = eal[i];
	if (argc != 2 || rte_eal_init(sizeof(eal) / sizeof(eal[0]), arguments) < 0) {
		fprintf(stderr, "usage: bench_type1 ADDRESS\n");
		return 2;
	}
	set_up(&bench, argv[1]);
	dma_arena_range(bench.arena, DMA_BUFFERS, &range);
	bench.vaddr = range.vaddr;
	bench.page_size = HUGEMEM_2M;
	bench.size = HUGEMEM_4K;
	bench.repeats = 32;
	time_pairs(&bench, "type1-map-4k", pair_iommu);
	bench.size = HUGEMEM_2M;
	time_pairs(&bench, "type1-map-2m", pair_iommu);
	bench.size = range.size;
	bench.repeats = 4;
	time_pairs(&bench, "type1-grant-32m", pair_grant);
	return 0;
}
