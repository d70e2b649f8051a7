/* SPDX-License-Identifier: BSD-3-Clause */
/* An application that brings its own memory: maps it for two net_dmanic, or lets EAL tell them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#define PAGE   4096
#define PAGES  512
#define SIZE   ((size_t)PAGE * PAGES)
#define STRIDE 2304 /* headroom and 2 KiB */
#define MBUFS  512
#define IOVA   UINT64_C(0x5000000000) /* where the application wants it */
#define FRAMES 16
#define HEAP   "dmanic_test"
#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			printf("%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, \
			       rte_strerror(rte_errno));                                   \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

static struct rte_device *device_of(uint16_t port)
{
	struct rte_eth_dev_info info;

	CHECK(rte_eth_dev_info_get(port, &info) == 0);
	return info.device;
}

static void port_start(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};

	CHECK(rte_eth_dev_configure(port, 1, 1, &conf) == 0);
	CHECK(rte_eth_rx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL, pool) == 0);
	CHECK(rte_eth_tx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL) == 0);
	CHECK(rte_eth_promiscuous_enable(port) == 0);
	CHECK(rte_eth_dev_start(port) == 0);
}

static uint64_t xstat(uint16_t port, const char *name)
{
	uint64_t id, value;

	CHECK(rte_eth_xstats_get_id_by_name(port, name, &id) == 0);
	CHECK(rte_eth_xstats_get_by_id(port, &id, &value, 1) == 1);
	return value;
}

/* Sends FRAMES from port 0 and returns how many reach port 1 as they were. */
static unsigned int frames_through(struct rte_mempool *pool)
{
	struct rte_mbuf *mbufs[FRAMES];
	unsigned int good = 0, n;

	CHECK(rte_pktmbuf_alloc_bulk(pool, mbufs, FRAMES) == 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		memset(rte_pktmbuf_append(mbufs[i], 200), 'a' + i, 200);
	CHECK(rte_eth_tx_burst(0, 0, mbufs, FRAMES) == FRAMES);
	n = rte_eth_rx_burst(1, 0, mbufs, FRAMES);
	for (unsigned int i = 0; i < n; i++) {
		const char *data = rte_pktmbuf_mtod(mbufs[i], const char *);

		good += mbufs[i]->pkt_len == 200 && data[0] == 'a' + (int)i &&
			data[199] == 'a' + (int)i;
	}
	rte_pktmbuf_free_bulk(mbufs, n);
	return good;
}

static struct rte_mempool *pool_create(void *memory)
{
	struct rte_pktmbuf_extmem area = {
		.buf_ptr = memory, .buf_iova = IOVA, .buf_len = SIZE, .elt_size = STRIDE};
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create_extbuf("own", MBUFS, 0, 0, STRIDE, SOCKET_ID_ANY, &area, 1);

	CHECK(pool != NULL);
	return pool;
}

static void ports_stop(void)
{
	CHECK(rte_eth_dev_stop(0) == 0);
	CHECK(rte_eth_dev_stop(1) == 0);
}

static void *memory_create(void)
{
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	memset(memory, 0, SIZE);
	return memory;
}

/* rte_extmem_register() and rte_dev_dma_map(): the application says what each device reaches. */
static void mapped_by_the_application(void)
{
	rte_iova_t iova[PAGES];
	void *memory = memory_create();
	struct rte_mempool *pool;

	for (unsigned int i = 0; i < PAGES; i++)
		iova[i] = IOVA + (uint64_t)i * PAGE;
	CHECK(rte_dev_dma_map(device_of(0), memory, IOVA, SIZE) != 0);
	CHECK(rte_extmem_register(memory, SIZE, iova, PAGES, PAGE) == 0);
	pool = pool_create(memory);
	port_start(0, pool);
	port_start(1, pool);

	/* The control: registered is not mapped. */
	CHECK(frames_through(pool) == 0);
	CHECK(xstat(0, "tx_q0_dma_faults") == FRAMES);
	CHECK(rte_dev_dma_map(device_of(0), memory, IOVA, SIZE) == 0);
	CHECK(frames_through(pool) == 0);
	CHECK(xstat(0, "tx_q0_dma_faults") == FRAMES);
	CHECK(xstat(1, "rx_q0_dma_faults") == FRAMES);
	CHECK(rte_dev_dma_map(device_of(1), memory, IOVA, SIZE) == 0);
	CHECK(frames_through(pool) == FRAMES);
	CHECK(rte_dev_dma_map(device_of(1), memory, IOVA, SIZE) != 0);

	/* Unmapped for one, it is still there for the other. */
	CHECK(rte_dev_dma_unmap(device_of(1), memory, IOVA, SIZE) == 0);
	CHECK(frames_through(pool) == 0);
	CHECK(xstat(1, "rx_q0_dma_faults") == 2 * FRAMES);
	CHECK(xstat(0, "tx_q0_dma_faults") == FRAMES);
	CHECK(rte_dev_dma_unmap(device_of(0), memory, IOVA, SIZE) == 0);
	CHECK(rte_dev_dma_unmap(device_of(0), memory, IOVA, SIZE) != 0);
	CHECK(frames_through(pool) == 0);
	CHECK(xstat(0, "tx_q0_dma_faults") == 2 * FRAMES);

	ports_stop();
	rte_mempool_free(pool);
	CHECK(rte_extmem_unregister(memory, SIZE) == 0);
	munmap(memory, SIZE);
	printf("mapped_by_the_application: ok\n");
}

/* A heap of external memory: memory events are all that the devices hear of it. */
static void told_by_memory_events(void)
{
	rte_iova_t iova[PAGES];
	void *memory = memory_create(), *block;
	struct rte_mempool *pool;

	for (unsigned int i = 0; i < PAGES; i++)
		iova[i] = IOVA + (uint64_t)i * PAGE;
	CHECK(rte_malloc_heap_create(HEAP) == 0);
	CHECK(rte_malloc_heap_memory_add(HEAP, memory, SIZE, iova, PAGES, PAGE) == 0);
	block = rte_malloc_socket(NULL, STRIDE, 0, rte_malloc_heap_get_socket(HEAP));
	CHECK(block != NULL);
	CHECK(rte_malloc_virt2iova(block) == IOVA + (uint64_t)((char *)block - (char *)memory));
	/* The area lies over the heap's block; nobody else takes from this heap meanwhile. */
	pool = pool_create(memory);
	port_start(0, pool);
	port_start(1, pool);
	rte_eth_stats_reset(0);
	rte_eth_stats_reset(1);
	CHECK(frames_through(pool) == FRAMES);
	CHECK(xstat(0, "tx_q0_dma_faults") == 0);
	ports_stop();
	rte_mempool_free(pool);
	rte_free(block);
	CHECK(rte_malloc_heap_memory_remove(HEAP, memory, SIZE) == 0);
	CHECK(rte_malloc_heap_destroy(HEAP) == 0);

	/* The control: what was removed is not reached any more. */
	pool = pool_create(memory);
	port_start(0, pool);
	port_start(1, pool);
	CHECK(frames_through(pool) == 0);
	CHECK(xstat(0, "tx_q0_dma_faults") == FRAMES);
	ports_stop();
	rte_mempool_free(pool);
	munmap(memory, SIZE);
	printf("told_by_memory_events: ok\n");
}

int main(int argc, char **argv)
{
	CHECK(rte_eal_init(argc, argv) >= 0);
	CHECK(rte_eth_dev_count_avail() == 2);
	mapped_by_the_application();
	told_by_memory_events();
	rte_eth_dev_close(0);
	rte_eth_dev_close(1);
	return rte_eal_cleanup() == 0 ? 0 : 1;
}
