/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that goes on using a buffer after its return: a fault under strict, a window else. */
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_memzone.h>

#include "dmanic_desc.h"
#include "eal.h"
#include "options.h"
#include "packet.h"
#include "port.h"
#include "port_policy.h"
#include "unit.h"

#define RING   128
#define FRAMES 32
#define MARK   0xa5

static struct port *port;
static struct port_pool *pool;

/* A dmanic without a cable receives what it sends. */
static void open_port(const char *policy)
{
	struct base_error err = {0};

	assert_int_equal(dma_policy_parse(policy, &options_edit()->dma_policy, &err), 0);
	if (port_attach("net_dmanic0", &port, &err) != 0 || port_start(port, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(packet_pool_create(port, "test", &pool, &err), 0);
}

static void close_port(void)
{
	struct base_error err = {0};
	struct iommu_domain *domain = port->domain;
	struct iommu_domain_usage usage;

	port_pool_destroy(pool);
	if (port_stop(port, &err) != 0)
		fail_msg("%s", err.text);
	iommu_domain_usage(domain, &usage);
	assert_int_equal(usage.mappings, 1); /* the rings */
	if (port_detach(port, &err) != 0)
		fail_msg("%s", err.text);
}

/* Sends frames of MARK bytes, and returns how many were taken. */
static uint16_t send_frames(uint16_t n)
{
	struct rte_mbuf *pkts[FRAMES];
	uint16_t sent;

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool->mempool, pkts, n), 0);
	for (uint16_t i = 0; i < n; i++)
		memset(rte_pktmbuf_append(pkts[i], 64), MARK, 64);
	sent = rte_eth_tx_burst(port->id, 0, pkts, n);
	rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
	return sent;
}

static struct rte_mbuf *receive_one(void)
{
	struct rte_mbuf *pkts[FRAMES];
	uint16_t n;

	assert_int_equal(send_frames(1), 1);
	n = rte_eth_rx_burst(port->id, 0, pkts, FRAMES);
	assert_int_equal(n, 1);
	return pkts[0];
}

/* A device that forgot: each descriptor that it has not fetched yet names this IOVA. */
static void misdirect(uint64_t iova)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *zone;
	union dmanic_rx_desc *ring;

	snprintf(name, sizeof(name), "eth_p%u_q0_rx_ring", port->id);
	zone = rte_memzone_lookup(name);
	assert_non_null(zone);
	ring = zone->addr;
	for (unsigned int i = 0; i < RING; i++)
		if (!(ring[i].word[0] & DMANIC_DD))
			ring[i].word[1] = iova;
}

/* Enough to get past the descriptors that were fetched before. */
static void send_many(void)
{
	for (unsigned int i = 0; i < 3; i++)
		send_frames(FRAMES);
}

/* Posts new buffers in the place of those that were used. */
static void drain(void)
{
	struct rte_mbuf *pkts[FRAMES];
	uint16_t n;

	while ((n = rte_eth_rx_burst(port->id, 0, pkts, FRAMES)) > 0)
		rte_pktmbuf_free_bulk(pkts, n);
}

static bool is_overwritten(const struct rte_mbuf *mbuf)
{
	return *rte_pktmbuf_mtod(mbuf, uint8_t *) == MARK;
}

/* Receives a frame, wipes it, and has the device write where it was once more. */
static struct rte_mbuf *use_after_return(void)
{
	struct rte_mbuf *mbuf = receive_one();

	assert_true(is_overwritten(mbuf));
	memset(rte_pktmbuf_mtod(mbuf, void *), 0, 64);
	misdirect(rte_mbuf_data_iova_default(mbuf));
	return mbuf;
}

static void strict(const char *policy)
{
	struct rte_mbuf *mbuf;

	open_port(policy);
	mbuf = use_after_return();
	assert_int_equal(iommu_faults_total(port->domain), 0);
	send_many();
	assert_false(is_overwritten(mbuf));
	assert_true(iommu_faults_total(port->domain) > 0);
	rte_pktmbuf_free(mbuf);
	close_port();
}

static void a_strict_buffer_used_after_its_return_is_a_fault(void **state)
{
	strict("strict,iova=fresh");
	strict("strict,iova=fixed");
}

static void deferred(const char *policy)
{
	struct stats_dma dma;
	struct rte_mbuf *mbuf;

	open_port(policy);
	mbuf = use_after_return();
	port_policy_collect(port, true, 0, &dma);
	assert_int_equal(dma.waiting, 1);
	send_many();
	/* within the window the device gets through: what strict is for */
	assert_true(is_overwritten(mbuf));
	assert_int_equal(iommu_faults_total(port->domain), 0);
	/* the window closes, and is measured */
	drain();
	port_policy_flush_all();
	port_policy_collect(port, true, 0, &dma);
	assert_int_equal(dma.waiting, 0);
	assert_int_equal(dma.window_ns.count, dma.unmaps);
	assert_true(dma.window_ns.max > 0);
	memset(rte_pktmbuf_mtod(mbuf, void *), 0, 64);
	misdirect(rte_mbuf_data_iova_default(mbuf));
	send_many();
	assert_false(is_overwritten(mbuf));
	assert_true(iommu_faults_total(port->domain) > 0);
	rte_pktmbuf_free(mbuf);
	close_port();
}

static void a_deferred_buffer_is_reachable_until_its_window_ends(void **state)
{
	deferred("deferred,batch=4096,timeout-us=60000000,iova=fresh");
	deferred("deferred,batch=4096,timeout-us=60000000,iova=fixed");
}

/* The same device under static: that is DPDK's way, and why the tests above mean something. */
static void a_static_buffer_is_always_reachable(void **state)
{
	struct rte_mbuf *mbuf;

	open_port("static");
	mbuf = use_after_return();
	send_many();
	assert_true(is_overwritten(mbuf));
	assert_int_equal(iommu_faults_total(port->domain), 0);
	rte_pktmbuf_free(mbuf);
	port_pool_destroy(pool);
	assert_int_equal(port_stop(port, NULL), 0);
	assert_int_equal(port_detach(port, NULL), 0);
}

static void the_transmitting_device_may_only_read(void **state)
{
	struct rte_mbuf *mbuf;

	open_port("strict");
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool->mempool, &mbuf, 1), 0);
	assert_int_equal(port_policy_map_tx(port_policy_tx(port, 0), mbuf), 0);
	misdirect(rte_mbuf_data_iova_default(mbuf));
	memset(rte_pktmbuf_mtod(mbuf, void *), 0, 64);
	send_many();
	send_many();
	assert_false(is_overwritten(mbuf));
	assert_true(iommu_faults_of_reason(port->domain, 0x05) > 0); /* write refused */
	rte_pktmbuf_free(mbuf);
	close_port();
}

static void what_cannot_be_mapped_is_not_offered_and_not_lost(void **state)
{
	struct rte_mbuf *pkts[2], *foreign;
	struct rte_mempool *other;

	open_port("strict");
	other = rte_pktmbuf_pool_create("other", 64, 0, 0, 2048, SOCKET_ID_ANY);
	assert_non_null(other);
	foreign = rte_pktmbuf_alloc(other);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool->mempool, pkts, 2), 0);
	rte_pktmbuf_append(pkts[0], 64);
	rte_pktmbuf_append(pkts[1], 64);
	rte_pktmbuf_append(foreign, 64);

	struct rte_mbuf *burst[] = {pkts[0], foreign, pkts[1]};

	/* the first goes, the foreign one and what stands behind it stay the caller's */
	assert_int_equal(rte_eth_tx_burst(port->id, 0, burst, 3), 1);
	assert_string_equal(port_policy_error(port), strerror(ENOTSUP));
	/* one that is referred to twice has one IOVA only */
	rte_mbuf_refcnt_update(pkts[1], 1);
	assert_int_equal(rte_eth_tx_burst(port->id, 0, &pkts[1], 1), 0);
	rte_mbuf_refcnt_update(pkts[1], -1);
	assert_int_equal(rte_eth_tx_burst(port->id, 0, &pkts[1], 1), 1);
	rte_pktmbuf_free(foreign);
	rte_mempool_free(other);
	close_port();
}

int main(void)
{
	static char *eal[] = {"test_port_policy", "--no-huge",	    "-m", "256", "--no-pci",
			      "--no-shconf",	  "--iova-mode=va", "-l", "0"};
	static char *words[] = {"test_port_policy", "--no-flush-rx"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_strict_buffer_used_after_its_return_is_a_fault),
		cmocka_unit_test(a_deferred_buffer_is_reachable_until_its_window_ends),
		cmocka_unit_test(a_static_buffer_is_always_reachable),
		cmocka_unit_test(the_transmitting_device_may_only_read),
		cmocka_unit_test(what_cannot_be_mapped_is_not_offered_and_not_lost),
	};

	if (rte_eal_init(RTE_DIM(eal), eal) < 0 || options_parse(RTE_DIM(words), words, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
