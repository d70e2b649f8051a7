/* SPDX-License-Identifier: BSD-3-Clause */
/* Times the IOVA plan and its cache: prints nanoseconds per pair of alloc and free. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "iova.h"

#define PAGE   UINT64_C(4096)
#define LIVE   4096
#define PAIRS  (1024 * LIVE)
#define ROUNDS 5

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A walk that meets each live range once in LIVE steps: the factor is odd, LIVE a power of two. */
static unsigned int slot_of(unsigned int i)
{
	return i * 2654435761u % LIVE;
}

static double time_plan(struct iova_plan *plan, uint64_t *live)
{
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < PAIRS; i++) {
		uint64_t *iova = &live[slot_of(i)];

		if (iova_free(plan, *iova, PAGE) != 0 || iova_alloc(plan, PAGE, PAGE, iova) != 0)
			abort();
	}
	return (double)(now_ns() - start) / PAIRS;
}

/* Random slots in turn taken and given back: half are out, and both trees are full of holes. */
static double time_plan_with_holes(struct iova_plan *plan, uint64_t *live)
{
	uint64_t start = now_ns(), random = 1;
	static uint8_t is_free[LIVE];
	double pair_ns;

	for (unsigned int i = 0; i < 2 * PAIRS; i++) {
		unsigned int slot;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		slot = (unsigned int)(random >> 33) % LIVE;
		if ((is_free[slot] ? iova_alloc(plan, PAGE, PAGE, &live[slot])
				   : iova_free(plan, live[slot], PAGE)) != 0)
			abort();
		is_free[slot] ^= 1;
	}
	pair_ns = (double)(now_ns() - start) / PAIRS;
	for (unsigned int slot = 0; slot < LIVE; slot++) {
		if (is_free[slot] && iova_alloc(plan, PAGE, PAGE, &live[slot]) != 0)
			abort();
		is_free[slot] = 0;
	}
	return pair_ns;
}

static double time_cache(struct iova_cache *cache, uint64_t *live)
{
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < PAIRS; i++) {
		uint64_t *iova = &live[slot_of(i)];

		if (iova_cache_free(cache, *iova) != 0 || iova_cache_alloc(cache, iova) != 0)
			abort();
	}
	return (double)(now_ns() - start) / PAIRS;
}

/* Frees `run` ranges, then allocates as many, as a batch of gathered unmaps does. */
static double time_cache_runs(struct iova_cache *cache, uint64_t *live, unsigned int run)
{
	uint64_t start = now_ns();

	for (unsigned int first = 0; first < PAIRS; first += run) {
		for (unsigned int i = 0; i < run; i++) {
			if (iova_cache_free(cache, live[slot_of(first + i)]) != 0)
				abort();
		}
		for (unsigned int i = 0; i < run; i++) {
			if (iova_cache_alloc(cache, &live[slot_of(first + i)]) != 0)
				abort();
		}
	}
	return (double)(now_ns() - start) / PAIRS;
}

static double best_of(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

int main(void)
{
	double plan_ns = 0, holes_ns = 0, cache_ns = 0, batch_ns = 0, long_ns = 0;
	static uint64_t live[LIVE];
	struct iova_plan *plan;
	struct iova_cache *cache;

	if (iova_plan_create(PAGE, UINT64_C(1) << 48, &plan) != 0 ||
	    iova_cache_create(plan, PAGE, &cache) != 0 ||
	    iova_alloc_batch(plan, PAGE, PAGE, live, LIVE) != LIVE)
		return 1;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		plan_ns = best_of(plan_ns, time_plan(plan, live));
		holes_ns = best_of(holes_ns, time_plan_with_holes(plan, live));
		cache_ns = best_of(cache_ns, time_cache(cache, live));
		batch_ns = best_of(batch_ns, time_cache_runs(cache, live, 256));
		long_ns = best_of(long_ns, time_cache_runs(cache, live, LIVE));
	}
	printf("iova-plan %.1f ns\n", plan_ns);
	printf("iova-plan-holes %.1f ns\n", holes_ns);
	printf("iova-cache %.1f ns\n", cache_ns);
	printf("iova-cache-256 %.1f ns\n", batch_ns);
	printf("iova-cache-4096 %.1f ns\n", long_ns);
	iova_cache_destroy(cache);
	iova_plan_destroy(plan);
	return 0;
}
