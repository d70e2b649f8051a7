/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes as callbacks of an ethdev that knows nothing of ioplane. */
#include <errno.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "tracker.h"
#include "unit.h"

#define PORT  0
#define BURST 32
#define PAGE  UINT64_C(4096)

static const struct iotlb_geometry lru = {"lru-128", 128, 128, IOTLB_LRU, 0};

static struct rte_mempool *mempool;
static struct tracker *tracker;
static struct tracker_queue *rx, *tx;

/* The pages of all buffers that the pool has. */
static struct tracker_range pool_range(void)
{
	struct rte_mbuf *mbufs[1023];
	uint64_t low = UINT64_MAX, high = 0;
	unsigned int n = rte_mempool_avail_count(mempool);

	assert_int_equal(rte_pktmbuf_alloc_bulk(mempool, mbufs, n), 0);
	for (unsigned int i = 0; i < n; i++) {
		low = RTE_MIN(low, mbufs[i]->buf_iova);
		high = RTE_MAX(high, mbufs[i]->buf_iova + mbufs[i]->buf_len);
	}
	rte_pktmbuf_free_bulk(mbufs, n);
	low = low / PAGE * PAGE;
	return (struct tracker_range){low, (high - low + PAGE - 1) / PAGE * PAGE, 12};
}

static int open_port(void **state)
{
	const struct rte_eth_conf conf = {0};
	struct tracker_domain *domain;
	struct tracker_range range;

	mempool = rte_pktmbuf_pool_create("pool", 1023, 0, 0, 2176, SOCKET_ID_ANY);
	assert_non_null(mempool);
	assert_int_equal(rte_eth_dev_configure(PORT, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(PORT, 0, 64, SOCKET_ID_ANY, NULL, mempool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(PORT, 0, 64, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(PORT), 0);
	range = pool_range();
	assert_int_equal(tracker_create(&lru, &tracker), 0);
	assert_int_equal(tracker_domain_create(tracker, 1, &range, 1, &domain), 0);
	assert_int_equal(tracker_queue_create(domain, 0, true, 0, NULL, &rx), 0);
	assert_int_equal(tracker_queue_create(domain, 0, false, 0, NULL, &tx), 0);
	tracker_set_mode(tracker, TRACKER_FULL);
	return 0;
}

static int close_port(void **state)
{
	tracker_destroy(tracker);
	assert_int_equal(rte_eth_dev_stop(PORT), 0);
	rte_mempool_free(mempool);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const uint64_t *)a < *(const uint64_t *)b
		       ? -1
		       : *(const uint64_t *)a > *(const uint64_t *)b;
}

/* Different pages of frames that each lie in one, and how many frames do not. */
static unsigned int pages_of(struct rte_mbuf **mbufs, unsigned int n, unsigned int *across)
{
	uint64_t page[2 * BURST];
	unsigned int count = 0, different = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t iova = mbufs[i]->buf_iova + mbufs[i]->data_off;
		uint64_t last = iova + mbufs[i]->data_len - 1;

		page[count++] = iova / PAGE;
		if (iova / PAGE != last / PAGE)
			page[count++] = last / PAGE;
	}
	*across = count - n;
	qsort(page, count, sizeof(page[0]), compare);
	for (unsigned int i = 0; i < count; i++)
		different += i == 0 || page[i] != page[i - 1];
	return different;
}

static struct tracker_figures read_queue(struct tracker_queue *queue)
{
	struct tracker_figures figures;

	tracker_settle(tracker);
	assert_int_equal(tracker_queue_read(queue, &figures), 0);
	return figures;
}

/* A device hands over BURST frames and takes them back. */
static void pass_a_burst(unsigned int *pages, unsigned int *accesses)
{
	struct rte_mbuf *mbufs[BURST];
	unsigned int across;

	assert_int_equal(rte_eth_rx_burst(PORT, 0, mbufs, BURST), BURST);
	*pages = pages_of(mbufs, BURST, &across);
	*accesses = BURST + across;
	assert_int_equal(rte_eth_tx_burst(PORT, 0, mbufs, BURST), BURST);
}

static void callbacks_count_what_a_port_receives_and_sends(void **state)
{
	unsigned int pages, accesses;
	struct tracker_figures received, sent;

	assert_int_equal(tracker_attach(rx, PORT), 0);
	assert_int_equal(tracker_attach(tx, PORT), 0);
	pass_a_burst(&pages, &accesses);
	received = read_queue(rx);
	sent = read_queue(tx);
	assert_int_equal(received.packets, BURST);
	assert_int_equal(sent.packets, BURST);
	assert_int_equal(received.accesses, accesses);
	assert_int_equal(sent.accesses, accesses);
	assert_int_equal(received.pages_touched, pages);
	assert_int_equal(sent.pages_touched, pages);
	assert_int_equal(received.beyond + sent.beyond, 0);
	assert_int_equal(tracker_detach(rx), 0);
	assert_int_equal(tracker_detach(tx), 0);
}

static void a_queue_that_is_not_attached_counts_nothing(void **state)
{
	unsigned int pages, accesses;

	pass_a_burst(&pages, &accesses);
	assert_int_equal(read_queue(rx).packets, 0);
	assert_int_equal(tracker_attach(rx, PORT), 0);
	pass_a_burst(&pages, &accesses);
	assert_int_equal(tracker_detach(rx), 0);
	pass_a_burst(&pages, &accesses);
	assert_int_equal(read_queue(rx).packets, BURST);
	assert_int_equal(read_queue(tx).packets, 0);
}

static void attaching_twice_or_nowhere_is_refused(void **state)
{
	assert_int_equal(tracker_detach(rx), -ENOENT);
	assert_true(tracker_attach(rx, PORT + 1) < 0);
	assert_int_equal(tracker_attach(rx, PORT), 0);
	assert_int_equal(tracker_attach(rx, PORT), -EBUSY);
	assert_int_equal(tracker_detach(rx), 0);
	assert_int_equal(tracker_detach(rx), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_port, close_port)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(callbacks_count_what_a_port_receives_and_sends),
		TEST(a_queue_that_is_not_attached_counts_nothing),
		TEST(attaching_twice_or_nowhere_is_refused),
	};
	char *eal[] = {"test_tracker_attach",
		       "--no-huge",
		       "-m",
		       "64",
		       "--no-pci",
		       "--vdev",
		       "net_null0",
		       "-l",
		       "0",
		       "--log-level=error"};

	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
