/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes ports for the accuracy benchmark, and takes them away again. */
/* rte_pktmbuf_pool_create_extbuf(): since DPDK 20.02 */
#define ALLOW_EXPERIMENTAL_API
#include <stdio.h>
#include <stdlib.h>

#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "accuracy_port.h"

#define DESC_SIZE     16
#define HEAP_OVERHEAD 65536
#define RING_OVERHEAD 8192
#define MTU_JUMBO     9000

void accuracy_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s does not hold (%s)\n", file, line, condition,
		rte_strerror(rte_errno));
	exit(1);
}

/* --- memory --------------------------------------------------------------------------------- */

static void make_arena(struct accuracy_port *port)
{
	const struct accuracy_port_config *config = &port->config;
	unsigned int rings = config->rx_queues + config->tx_queues;
	struct dma_arena_config arena = {
		.name = port->name,
		.ring_size = HEAP_OVERHEAD + rings * (RING_OVERHEAD + config->descs * DESC_SIZE),
		.buffer_size = (size_t)config->buffers * ACCURACY_BUFFER,
		.page_size = config->page_size,
		.node = -1,
	};
	struct base_error err = {0};

	arena.ring_size = RTE_ALIGN_CEIL(arena.ring_size, config->page_size);
	arena.buffer_size = RTE_ALIGN_CEIL(arena.buffer_size, config->page_size);
	if (dma_arena_create(config->space, &arena, &port->arena, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	for (enum dma_part part = 0; part < DMA_PARTS; part++)
		accuracy_check(dma_arena_grant(port->arena, part, port->domain,
					       IOMMU_READ | IOMMU_WRITE, NULL) == 0);
}

static void make_heap(struct accuracy_port *port)
{
	struct dma_range rings;
	rte_iova_t *iovas;
	unsigned int pages;

	snprintf(port->heap, sizeof(port->heap), "accuracy_%u", port->config.number);
	dma_arena_range(port->arena, DMA_RINGS, &rings);
	pages = (unsigned int)(rings.size / rings.page_size);
	iovas = calloc(pages, sizeof(*iovas));
	accuracy_check(iovas != NULL && rte_malloc_heap_create(port->heap) == 0);
	for (unsigned int i = 0; i < pages; i++)
		iovas[i] = rings.iova + i * rings.page_size;
	accuracy_check(rte_malloc_heap_memory_add(port->heap, rings.vaddr, rings.size, iovas, pages,
						  rings.page_size) == 0);
	free(iovas);
}

static void make_pool(struct accuracy_port *port)
{
	struct rte_pktmbuf_extmem memory = {.elt_size = ACCURACY_BUFFER};
	struct dma_range buffers;

	dma_arena_range(port->arena, DMA_BUFFERS, &buffers);
	memory.buf_ptr = buffers.vaddr;
	memory.buf_iova = buffers.iova;
	memory.buf_len = buffers.size;
	port->pool =
		rte_pktmbuf_pool_create_extbuf(port->name, port->config.buffers, port->config.cache,
					       0, ACCURACY_BUFFER, SOCKET_ID_ANY, &memory, 1);
	accuracy_check(port->pool != NULL);
}

/* --- ethdev --------------------------------------------------------------------------------- */

static void set_queues_up(struct accuracy_port *port)
{
	const struct accuracy_port_config *config = &port->config;
	struct rte_eth_conf conf = {0};
	unsigned int socket = (unsigned int)rte_malloc_heap_get_socket(port->heap);

	if (config->has_rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
						   RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 |
						   RTE_ETH_RSS_NONFRAG_IPV6_TCP |
						   RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	}
	if (config->is_scattered) {
		conf.rxmode.mtu = MTU_JUMBO;
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	accuracy_check(
		rte_eth_dev_configure(port->id, config->rx_queues, config->tx_queues, &conf) == 0);
	for (uint16_t i = 0; i < config->rx_queues; i++)
		accuracy_check(rte_eth_rx_queue_setup(port->id, i, config->descs, socket, NULL,
						      port->pool) == 0);
	for (uint16_t i = 0; i < config->tx_queues; i++)
		accuracy_check(rte_eth_tx_queue_setup(port->id, i, config->descs, socket, NULL) ==
			       0);
	accuracy_check(rte_eth_promiscuous_enable(port->id) == 0);
}

void accuracy_port_create(struct accuracy_port *port, const struct accuracy_port_config *config)
{
	char arguments[64] = "eal-memory=no";
	struct base_error err = {0};

	*port = (struct accuracy_port){.config = *config};
	snprintf(port->name, sizeof(port->name), "net_dmanic%u", config->number);
	if (config->cable >= 0)
		snprintf(arguments, sizeof(arguments), "eal-memory=no,cable=net_dmanic%d",
			 config->cable);
	accuracy_check(iommu_domain_create(config->unit, NULL, &port->domain, &err) == 0);
	accuracy_check(iommu_attach(port->domain, port->name,
				    (uint16_t)(0x100 + config->number * 8), &port->device,
				    &err) == 0);
	make_arena(port);
	make_heap(port);
	make_pool(port);
	accuracy_check(rte_vdev_init(port->name, arguments) == 0);
	accuracy_check(rte_eth_dev_get_port_by_name(port->name, &port->id) == 0);
	set_queues_up(port);
}

void accuracy_port_grant(const struct accuracy_port *from, const struct accuracy_port *to,
			 uint32_t prot)
{
	accuracy_check(dma_arena_grant(from->arena, DMA_BUFFERS, to->domain, prot, NULL) == 0);
}

void accuracy_port_close(struct accuracy_port *port)
{
	accuracy_check(rte_eth_dev_stop(port->id) == 0);
	accuracy_check(rte_vdev_uninit(port->name) == 0);
}

void accuracy_port_destroy(struct accuracy_port *port)
{
	struct dma_range rings;

	rte_mempool_free(port->pool);
	dma_arena_range(port->arena, DMA_RINGS, &rings);
	accuracy_check(rte_malloc_heap_memory_remove(port->heap, rings.vaddr, rings.size) == 0);
	accuracy_check(rte_malloc_heap_destroy(port->heap) == 0);
	for (enum dma_part part = 0; part < DMA_PARTS; part++)
		accuracy_check(dma_arena_grant(port->arena, part, port->domain, 0, NULL) == 0);
	accuracy_check(iommu_detach(port->device) == 0);
	accuracy_check(iommu_domain_destroy(port->domain) == 0);
	accuracy_check(dma_arena_destroy(port->arena) == 0);
}
