/* SPDX-License-Identifier: BSD-3-Clause */
/* dump_*: what DPDK's memory, pools and rings hold. */
#include <stdio.h>
#include <rte_devargs.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_ring.h>

#include "cli_commands.h"

static void run_physmem(const struct cli_args *args __rte_unused)
{
	rte_dump_physmem_layout(stdout);
}

static void run_memzone(const struct cli_args *args __rte_unused)
{
	rte_memzone_dump(stdout);
}

static void print_socket(const char *name, const struct rte_malloc_socket_stats *stats)
{
	const double mb = 1024 * 1024;
	double total = (double)stats->heap_totalsz_bytes, alloc = (double)stats->heap_allocsz_bytes;

	printf("%s size(M) total: %.6lf alloc: %.6lf(%.3lf%%) free: %.6lf \tcount alloc: %-4u "
	       "free: %u\n",
	       name, total / mb, alloc / mb, total == 0 ? 0 : 100 * alloc / total,
	       (double)stats->heap_freesz_bytes / mb, stats->alloc_count, stats->free_count);
}

/* Heaps of arenas have sockets of their own from here on (rte_malloc_heap_create()). */
#define EXTERNAL_SOCKET 256

static void run_socket_mem(const struct cli_args *args __rte_unused)
{
	struct rte_malloc_socket_stats sum = {0};
	char name[32];

	for (int socket = 0; socket < EXTERNAL_SOCKET + RTE_MAX_HEAPS; socket++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(socket, &stats) != 0 ||
		    stats.heap_totalsz_bytes == 0)
			continue;
		sum.heap_totalsz_bytes += stats.heap_totalsz_bytes;
		sum.heap_allocsz_bytes += stats.heap_allocsz_bytes;
		sum.heap_freesz_bytes += stats.heap_freesz_bytes;
		sum.alloc_count += stats.alloc_count;
		sum.free_count += stats.free_count;
		snprintf(name, sizeof(name), "Socket %d:", socket);
		print_socket(name, &stats);
	}
	print_socket("Total   :", &sum);
}

static void run_mempools(const struct cli_args *args __rte_unused)
{
	rte_mempool_list_dump(stdout);
}

static void run_mempool(const struct cli_args *args)
{
	struct rte_mempool *pool = rte_mempool_lookup(args->word[1].text);

	if (pool == NULL)
		cli_fail("there is no mempool \"%s\"; dump_mempool lists all", args->word[1].text);
	else
		rte_mempool_dump(stdout, pool);
}

static void run_rings(const struct cli_args *args __rte_unused)
{
	rte_ring_list_dump(stdout);
}

static void run_ring(const struct cli_args *args)
{
	struct rte_ring *ring = rte_ring_lookup(args->word[1].text);

	if (ring == NULL)
		cli_fail("there is no ring \"%s\"; dump_ring lists all", args->word[1].text);
	else
		rte_ring_dump(stdout, ring);
}

static void run_devargs(const struct cli_args *args __rte_unused)
{
	rte_devargs_dump(stdout);
}

static void run_log_types(const struct cli_args *args __rte_unused)
{
	rte_log_dump(stdout);
}

const struct cli_command cli_dump[] = {
	{"display", "dump_physmem", "EAL's memory segments and their IOVAs", .run = run_physmem},
	{"display", "dump_memzone", "EAL's memory zones", .run = run_memzone},
	{"display", "dump_socket_mem", "how full the heaps of the NUMA nodes are",
	 .run = run_socket_mem},
	{"display", "dump_mempool", "all packet pools", .run = run_mempools},
	{"display", "dump_mempool <name>", "one packet pool", .run = run_mempool},
	{"display", "dump_ring", "all rings of DPDK", .run = run_rings},
	{"display", "dump_ring <name>", "one ring of DPDK", .run = run_ring},
	{"display", "dump_devargs", "the devices that EAL was told of", .run = run_devargs},
	{"display", "dump_log_types", "the log types and their levels", .run = run_log_types},
	{0},
};
