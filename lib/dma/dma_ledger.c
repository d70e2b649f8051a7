/* SPDX-License-Identifier: BSD-3-Clause */
/* The ledger's clock. */
#include <pthread.h>
#include <time.h>

#include "dma_private.h"

#define CALIBRATION_NS 4000000

uint64_t dma_ns_scale;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* EAL knows the frequency once it is initialised; tests and tools run without it. */
static uint64_t measure_hz(void)
{
	uint64_t start_ns = now_ns(), start = rte_rdtsc(), ns;

	do
		ns = now_ns() - start_ns;
	while (ns < CALIBRATION_NS);
	return (rte_rdtsc() - start) * 1000000000 / ns;
}

static void init(void)
{
	uint64_t hz = rte_get_tsc_hz();

	if (hz == 0)
		hz = measure_hz();
	dma_ns_scale = (UINT64_C(1000000000) << DMA_NS_SHIFT) / hz;
}

void dma_clock_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
}
