/* SPDX-License-Identifier: BSD-3-Clause */
/* Times the software VT-d unit: translations and table updates; one line `name value unit`. */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "hugemem.h"
#include "iommu_burst.h"
#include "iommu_ops.h"
#include "vtd.h"

#define PAGE   UINT64_C(4096)
#define BURST  32
#define BURSTS 1024 /* used in turn: more than a branch predictor learns by heart */
#define REPEAT 128  /* bursts in a round: so short that most rounds are not interrupted */
#define ROUNDS 1601
#define TRIES  (20 * ROUNDS)
#define MEMORY (UINT64_C(64) << 20)
#define RW     (IOMMU_READ | IOMMU_WRITE)

#define TRANSLATIONS ((uint64_t)BURST * REPEAT)

struct queue {
	struct iommu_translator *translator;
	struct iommu_access access[BURSTS][BURST];
	unsigned int next; /* burst */
	pthread_t thread;
	int lcore;
	double cycles; /* for each translation, the median round */
	bool is_done;
	uint64_t rounds __attribute__((aligned(64))); /* its thread: write, the other: read */
};

struct bench {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct hugemem_region *memory;
	struct queue queue[2];
	pthread_barrier_t barrier;
};

static struct bench bench;
static double tsc_hz;

static void check(int ret)
{
	if (ret != 0) {
		fprintf(stderr, "bench_vtd: error %d\n", ret);
		exit(1);
	}
}

/* rte_get_tsc_hz() knows only after rte_eal_init(), which this program does without. */
static double measure_tsc_hz(void)
{
	struct timespec begin, end;
	uint64_t start = rte_rdtsc(), ns;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &end);
		ns = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (uint64_t)end.tv_nsec -
		     (uint64_t)begin.tv_nsec;
	} while (ns < 100000000);
	return (double)(rte_rdtsc() - start) * 1e9 / (double)ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* --- translations --------------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
}

/* Addresses in random order over `pages` pages `stride` apart, as buffers of a ring are. */
static void fill_accesses(struct queue *queue, uint64_t seed, uint64_t pages, uint64_t stride,
			  uint64_t page_size)
{
	for (unsigned int i = 0; i < BURSTS * BURST; i++) {
		struct iommu_access *access = &queue->access[i / BURST][i % BURST];
		uint64_t page = random_next(&seed) % pages;

		access->iova = page * stride + random_next(&seed) % (page_size / 2048) * 2048;
		access->len = 1500;
		access->prot = IOMMU_WRITE;
	}
}

static uint64_t run_bursts(struct queue *queue)
{
	struct iommu_span spans[BURST + 17];
	uint64_t start = rte_rdtsc();

	for (unsigned int i = 0; i < REPEAT; i++) {
		struct iommu_access *access = queue->access[queue->next++ % BURSTS];

		iommu_burst_begin(queue->translator);
		iommu_translate_burst(queue->translator, access, BURST, spans, BURST + 17);
		iommu_burst_end(queue->translator);
	}
	return rte_rdtsc() - start;
}

static void time_queue(struct queue *queue)
{
	static double cycles[ROUNDS];

	for (unsigned int round = 0; round < ROUNDS; round++)
		cycles[round] = (double)run_bursts(queue) / TRANSLATIONS;
	queue->cycles = median(cycles, ROUNDS);
}

/* Rounds in which the other thread did not do as much are not rounds of two: it was not running. */
static void time_beside(struct queue *queue, struct queue *other)
{
	static __thread double cycles[ROUNDS];
	unsigned int taken = 0;

	for (unsigned int round = 0; round < TRIES && taken < ROUNDS; round++) {
		uint64_t before = __atomic_load_n(&other->rounds, __ATOMIC_RELAXED), spent;

		spent = run_bursts(queue);
		__atomic_store_n(&queue->rounds, queue->rounds + 1, __ATOMIC_RELAXED);
		if (__atomic_load_n(&other->rounds, __ATOMIC_RELAXED) != before)
			cycles[taken++] = (double)spent / TRANSLATIONS;
	}
	queue->cycles = taken < ROUNDS / 10 ? 0 : median(cycles, taken);
	__atomic_store_n(&queue->is_done, true, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&other->is_done, __ATOMIC_RELAXED)) {
		run_bursts(queue);
		__atomic_store_n(&queue->rounds, queue->rounds + 1, __ATOMIC_RELAXED);
	}
}

static void *thread_main(void *arg)
{
	struct queue *queue = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(queue->lcore, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	pthread_barrier_wait(&bench.barrier);
	time_beside(queue, queue == &bench.queue[0] ? &bench.queue[1] : &bench.queue[0]);
	return NULL;
}

/* 0: the two threads never ran at the same time. */
static double time_two(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		bench.queue[i].lcore = (int)i;
		bench.queue[i].is_done = false;
		check(pthread_create(&bench.queue[i].thread, NULL, thread_main, &bench.queue[i]));
	}
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(bench.queue[i].thread, NULL);
	if (bench.queue[0].cycles == 0 || bench.queue[1].cycles == 0)
		return 0;
	return (bench.queue[0].cycles + bench.queue[1].cycles) / 2;
}

static void map(uint64_t iova, uint64_t offset, uint64_t size, uint64_t page_size)
{
	check(iommu_map(bench.domain, iova, (uint8_t *)bench.memory->vaddr + offset, size,
			page_size, RW));
}

static void unmap(uint64_t iova, uint64_t size)
{
	struct iommu_gather gather = {0};

	check(iommu_unmap(bench.domain, iova, size, &gather));
	check(iommu_sync(bench.domain, &gather));
}

static void time_pages(const char *name, uint64_t pages, uint64_t page_size)
{
	map(0, 0, pages * page_size, page_size);
	fill_accesses(&bench.queue[0], 1, pages, page_size, page_size);
	time_queue(&bench.queue[0]);
	printf("%s %.2f cycles\n", name, bench.queue[0].cycles);
	unmap(0, pages * page_size);
}

/* Pages of an arena of which the IOTLB holds some: any order, not neighbours. */
static void time_scattered(const char *name, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		map(i * 3 * PAGE, i * PAGE, PAGE, PAGE);
	fill_accesses(&bench.queue[0], 1, pages, 3 * PAGE, PAGE);
	time_queue(&bench.queue[0]);
	printf("%s %.2f cycles\n", name, bench.queue[0].cycles);
	for (uint64_t i = 0; i < pages; i++)
		unmap(i * 3 * PAGE, PAGE);
}

static void time_half_miss(void)
{
	const struct iommu_counters *counters = &bench.queue[0].translator->counters;
	uint64_t lookups = counters->lookups, misses = counters->misses;
	double mega;

	map(0, 0, 256 * PAGE, PAGE);
	fill_accesses(&bench.queue[0], 1, 256, PAGE, PAGE);
	time_queue(&bench.queue[0]);
	lookups = counters->lookups - lookups;
	misses = counters->misses - misses;
	mega = tsc_hz / bench.queue[0].cycles / 1e6;
	printf("unit-half-miss %.1f M/s\n", mega);
	printf("unit-half-miss-ratio %.3f misses/lookup\n", (double)misses / (double)lookups);
	unmap(0, 256 * PAGE);
}

static void time_hits_of_two(void)
{
	double cycles;

	map(0, 0, 96 * PAGE, PAGE);
	fill_accesses(&bench.queue[0], 1, 96, PAGE, PAGE);
	fill_accesses(&bench.queue[1], 2, 96, PAGE, PAGE);
	cycles = time_two();
	if (cycles != 0)
		printf("unit-hit-2 %.2f cycles\n", cycles);
	unmap(0, 96 * PAGE);
}

/* --- tables --------------------------------------------------------------------------------- */

static double to_ns(uint64_t cycles)
{
	return (double)cycles * 1e9 / tsc_hz;
}

/* `count` mappings of `pages` pages each, one after the other, then all of them unmapped. */
static void time_tables(const char *name, unsigned int count, uint64_t pages, bool is_kept)
{
	static double map_ns[ROUNDS], unmap_ns[ROUNDS];
	struct iommu_mapping mapping = {.size = pages * PAGE, .page_size = PAGE, .prot = RW};

	/* A neighbour keeps the tables: how it is in an arena of which most is mapped. */
	if (is_kept)
		map(UINT64_C(0x40000000), 0, PAGE, PAGE);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct iommu_gather gather = {.start = UINT64_MAX};
		uint64_t base = UINT64_C(0x40001000), start = rte_rdtsc();

		for (unsigned int i = 0; i < count; i++) {
			mapping.iova = base + i * mapping.size;
			mapping.vaddr = (uint8_t *)bench.memory->vaddr + i * mapping.size;
			check(vtd_ops.map(bench.domain, &mapping));
		}
		map_ns[round] = to_ns(rte_rdtsc() - start) / count;
		start = rte_rdtsc();
		for (unsigned int i = 0; i < count; i++) {
			mapping.iova = base + i * mapping.size;
			vtd_ops.unmap(bench.domain, &mapping, &gather);
		}
		unmap_ns[round] = to_ns(rte_rdtsc() - start) / count;
		if (gather.freelist != NULL)
			vtd_ops.free_tables(bench.domain, gather.freelist);
	}
	if (is_kept)
		unmap(UINT64_C(0x40000000), PAGE);
	printf("table-map-%s %.1f ns\n", name, median(map_ns, ROUNDS));
	printf("table-unmap-%s %.1f ns\n", name, median(unmap_ns, ROUNDS));
}

int main(void)
{
	const struct hugemem_request request = {
		.size = MEMORY, .node = -1, .page_size = HUGEMEM_2M};
	const struct iommu_domain_config config = {0};

	tsc_hz = measure_tsc_hz();
	check(hugemem_create(&request, &bench.memory, NULL));
	check(iommu_unit_create(&vtd_ops, 0, NULL, &bench.unit, NULL));
	check(iommu_memory_add(bench.unit, (uintptr_t)bench.memory->vaddr, bench.memory->vaddr,
			       MEMORY));
	check(iommu_domain_create(bench.unit, &config, &bench.domain, NULL));
	check(iommu_attach(bench.domain, "bench", 0x0100, &bench.device, NULL));
	for (unsigned int i = 0; i < 2; i++)
		check(iommu_translator_create(bench.device, i == 0, 0, &bench.queue[i].translator));
	pthread_barrier_init(&bench.barrier, NULL, 2);

	time_pages("unit-hit-1", 112, PAGE);
	time_scattered("unit-hit-scattered", 96);
	time_pages("unit-hit-2m", 32, HUGEMEM_2M);
	time_half_miss();
	time_hits_of_two();
	time_tables("4k", 256, 1, true);
	time_tables("256", 1, 256, true);
	time_tables("4k-new-tables", 1, 1, false);
	for (unsigned int i = 0; i < 2; i++)
		iommu_translator_destroy(bench.queue[i].translator);
	check(iommu_detach(bench.device));
	check(iommu_domain_destroy(bench.domain));
	check(iommu_unit_destroy(bench.unit));
	hugemem_destroy(bench.memory);
	return 0;
}
