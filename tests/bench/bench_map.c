/* SPDX-License-Identifier: BSD-3-Clause */
/* Times map + unmap + completed sync of one 4 KiB page, by layer: one line `name value unit`. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_null.h"
#include "dma.h"
#include "iommu_burst.h"
#include "iommu_ops.h"
#include "vtd.h"

#define PAGE	   UINT64_C(4096)
#define LIVE_MAX   4096
#define BURST	   32
#define PAIRS	   1024 /* in a round: so short that most rounds are not interrupted */
#define ROUNDS	   1601
#define MAP_RIGHTS IOMMU_WRITE

static const struct dma_policy_config strict = {.policy = DMA_STRICT, .is_fresh = true};

/* The way a device holds buffers: in order, as a ring does, or in any order. */
enum order { ORDER_RING, ORDER_SHUFFLED };

struct bench {
	const char *backend;
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct dma_space *space;
	struct dma_arena *arena;
	struct dma_mapper *mapper;
	uint8_t *vaddr;
	uint64_t iova[LIVE_MAX];
};

static void check(int ret)
{
	if (ret != 0) {
		fprintf(stderr, "bench_map: error %d\n", ret);
		abort();
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double report(const char *what, const char *backend, unsigned int live, double *ns)
{
	double median;

	qsort(ns, ROUNDS, sizeof(*ns), compare);
	median = ns[ROUNDS / 2];
	printf("%s-%s-live%u %.1f ns\n", what, backend, live, median);
	return median;
}

/* Odd factor, live a power of two: each buffer comes once in `live` steps. */
static unsigned int slot_of(unsigned int i, unsigned int live, enum order order)
{
	return (order == ORDER_RING ? i : i * 2654435761u >> 7) % live;
}

/* --- through all layers --------------------------------------------------------------------- */

static void time_dma(struct bench *bench, const char *name, unsigned int live, enum order order)
{
	static double ns[ROUNDS];

	for (unsigned int i = 0; i < live; i++)
		check(dma_map(bench->mapper, bench->vaddr + i * PAGE, MAP_RIGHTS, &bench->iova[i]));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns();

		for (unsigned int i = 0; i < PAIRS; i++) {
			unsigned int slot = slot_of(round * PAIRS + i, live, order);

			check(dma_unmap(bench->mapper, bench->iova[slot]));
			check(dma_map(bench->mapper, bench->vaddr + slot * PAGE, MAP_RIGHTS,
				      &bench->iova[slot]));
		}
		ns[round] = (double)(now_ns() - start) / PAIRS;
	}
	for (unsigned int i = 0; i < live; i++)
		check(dma_unmap(bench->mapper, bench->iova[i]));
	report(name, bench->backend, live, ns);
}

/* A ring of buffers from a pool, first in, first out: what a policy costs a buffer. */
static void time_policy(struct bench *bench, const char *text, unsigned int live)
{
	static double ns[ROUNDS];
	struct dma_policy_config config;
	struct dma_mapper *mapper;
	char name[128];

	check(dma_policy_parse(text, &config, NULL));
	check(dma_mapper_create(bench->space, bench->domain, PAGE, &config, &mapper));
	for (unsigned int i = 0; i < LIVE_MAX; i++)
		bench->iova[i] = dma_arena_iova(bench->arena, DMA_BUFFERS, i * PAGE);
	for (unsigned int i = 0; i < live; i++)
		check(dma_map(mapper, bench->vaddr + i * PAGE, MAP_RIGHTS, &bench->iova[i]));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns();

		for (unsigned int i = round * PAIRS; i < (round + 1) * PAIRS; i++) {
			unsigned int out = (i + live) % LIVE_MAX;

			check(dma_unmap(mapper, bench->iova[i % LIVE_MAX]));
			check(dma_map(mapper, bench->vaddr + out * PAGE, MAP_RIGHTS,
				      &bench->iova[out]));
		}
		ns[round] = (double)(now_ns() - start) / PAIRS;
	}
	for (unsigned int i = 0; i < live; i++)
		check(dma_unmap(mapper, bench->iova[(ROUNDS * PAIRS + i) % LIVE_MAX]));
	check(dma_mapper_destroy(mapper));
	snprintf(name, sizeof(name), "dma-%s", text);
	report(name, bench->backend, live, ns);
}

/* Map and unmap of the same buffer when the device uses it, so that the unit's caches hold what is
 * unmapped. */
static double time_used(struct bench *bench, struct iommu_translator *translator, const char *name,
			unsigned int live)
{
	static double ns[ROUNDS];
	struct iommu_access access[BURST];
	struct iommu_span span[BURST];

	for (unsigned int i = 0; i < live; i++)
		check(dma_map(bench->mapper, bench->vaddr + i * PAGE, MAP_RIGHTS, &bench->iova[i]));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t spent = 0;

		for (unsigned int first = 0; first < PAIRS; first += BURST) {
			uint64_t *iova = &bench->iova[first % live], start;

			for (unsigned int i = 0; i < BURST; i++)
				access[i] = (struct iommu_access){
					.iova = iova[i], .len = 64, .prot = MAP_RIGHTS};
			iommu_burst_begin(translator);
			if (iommu_translate_burst(translator, access, BURST, span, BURST) != BURST)
				abort();
			iommu_burst_end(translator);
			start = now_ns();
			for (unsigned int i = 0; i < BURST; i++)
				check(dma_unmap(bench->mapper, iova[i]));
			for (unsigned int i = 0; i < BURST; i++)
				check(dma_map(bench->mapper,
					      bench->vaddr + (first + i) % live * PAGE, MAP_RIGHTS,
					      &iova[i]));
			spent += now_ns() - start;
		}
		ns[round] = (double)spent / PAIRS;
	}
	for (unsigned int i = 0; i < live; i++)
		check(dma_unmap(bench->mapper, bench->iova[i]));
	if (translator->counters.faults != 0)
		abort();
	return report(name, bench->backend, live, ns);
}

/* --- the generic layer and the backend ------------------------------------------------------ */

static void time_iommu(struct bench *bench, unsigned int live, enum order order)
{
	static double ns[ROUNDS];
	struct iommu_gather gather = {0};
	uint64_t base = UINT64_C(0x20000000);

	for (unsigned int i = 0; i < live; i++)
		check(iommu_map(bench->domain, base + i * PAGE, bench->vaddr + i * PAGE, PAGE, PAGE,
				MAP_RIGHTS));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns();

		for (unsigned int i = 0; i < PAIRS; i++) {
			uint64_t offset = slot_of(round * PAIRS + i, live, order) * PAGE;

			check(iommu_unmap(bench->domain, base + offset, PAGE, &gather));
			check(iommu_sync(bench->domain, &gather));
			check(iommu_map(bench->domain, base + offset, bench->vaddr + offset, PAGE,
					PAGE, MAP_RIGHTS));
		}
		ns[round] = (double)(now_ns() - start) / PAIRS;
	}
	for (unsigned int i = 0; i < live; i++)
		check(iommu_unmap(bench->domain, base + i * PAGE, PAGE, &gather));
	check(iommu_sync(bench->domain, &gather));
	report(order == ORDER_RING ? "iommu-pair" : "iommu-pair-shuffled", bench->backend, live,
	       ns);
}

/* A sync looks at each translator that is registered, though none is online. */
static double time_translators(struct bench *bench, unsigned int count)
{
	static struct iommu_translator *translator[256];
	struct iommu_device *device;
	double used_ns = 0;
	char name[32];

	check(iommu_attach(bench->domain, "bench", 8, &device, NULL));
	for (unsigned int i = 0; i < count; i++)
		check(iommu_translator_create(device, true, (uint16_t)i, &translator[i]));
	snprintf(name, sizeof(name), "dma-pair-used-tr%u", count);
	if (translator[0]->translate_burst != NULL)
		used_ns = time_used(bench, translator[0], name, 512);
	snprintf(name, sizeof(name), "dma-pair-tr%u", count);
	time_dma(bench, name, 512, ORDER_SHUFFLED);
	for (unsigned int i = 0; i < count; i++)
		iommu_translator_destroy(translator[i]);
	check(iommu_detach(device));
	return used_ns;
}

/* Nanoseconds of a pair when a device with 8 queues uses 512 buffers; 0: it cannot. */
static double run(const struct iommu_ops *ops)
{
	const struct dma_arena_config config = {
		.name = "bench", .buffer_size = LIVE_MAX * PAGE, .node = -1};
	static struct bench bench;
	struct dma_range range;
	double used_ns;

	bench.backend = ops->name;
	check(iommu_unit_create(ops, 0, NULL, &bench.unit, NULL));
	check(iommu_domain_create(bench.unit, NULL, &bench.domain, NULL));
	check(dma_space_create(&bench.space, NULL));
	check(dma_arena_create(bench.space, &config, &bench.arena, NULL));
	check(dma_arena_add_unit(bench.arena, bench.unit));
	check(dma_mapper_create(bench.space, bench.domain, PAGE, &strict, &bench.mapper));
	dma_arena_range(bench.arena, DMA_BUFFERS, &range);
	bench.vaddr = range.vaddr;
	for (unsigned int live = 1; live <= LIVE_MAX; live *= 8) {
		time_dma(&bench, "dma-pair", live, ORDER_RING);
		time_dma(&bench, "dma-pair-shuffled", live, ORDER_SHUFFLED);
		time_iommu(&bench, live, ORDER_SHUFFLED);
	}
	time_policy(&bench, "strict,iova=fresh", 512);
	time_policy(&bench, "strict,iova=fixed", 512);
	time_policy(&bench, "deferred,batch=128,iova=fresh", 512);
	time_policy(&bench, "deferred,batch=128,iova=fixed", 512);
	used_ns = time_translators(&bench, 8);
	time_translators(&bench, 32);
	check(dma_mapper_destroy(bench.mapper));
	dma_arena_remove_unit(bench.arena, bench.unit);
	check(dma_arena_destroy(bench.arena));
	check(dma_space_destroy(bench.space));
	check(iommu_domain_destroy(bench.domain));
	check(iommu_unit_destroy(bench.unit));
	return used_ns;
}

int main(void)
{
	run(&bench_null_ops);
	printf("map-unmap-sync %.1f ns\n", run(&vtd_ops));
	return 0;
}
