/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads a capture into memory that the port's device may read. */
#include "port_replay_load.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <rte_ether.h>

#include "cli/cli.h"
#include "options.h"
#include "port.h"
#include "port_memory.h"
#include "port_policy.h"
#include "replay_store.h"

#define SHOW_AFTER_NS 1000000000 /* a load that is shorter needs no progress */
#define SHOW_EVERY_NS 100000000

struct progress {
	const char *path;
	uint64_t next_ns; /* when to show it again */
	bool is_shown;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct progress *progress = arg;
	uint64_t now = now_ns();

	if (cli_is_quitting())
		return -1;
	if (now < progress->next_ns || !isatty(STDERR_FILENO))
		return 0;
	progress->next_ns = now + SHOW_EVERY_NS;
	progress->is_shown = true;
	fprintf(stderr, "\rloading %s: %3ju %%", progress->path, (uintmax_t)(done * 100 / total));
	return 0;
}

uint16_t port_replay_frame_max(const struct port *port)
{
	uint16_t mtu = RTE_ETHER_MTU;

	rte_eth_dev_get_mtu(port->id, &mtu);
	return (uint16_t)RTE_MIN(mtu + RTE_ETHER_HDR_LEN + 2u * RTE_VLAN_HLEN, UINT16_MAX);
}

static void say_what_is_left_out(const struct replay_info *info, const char *path,
				 uint16_t frame_max)
{
	if (info->oversize > 0)
		fprintf(stderr,
			"replay: %ju of %ju packets of %s are larger than the %u bytes that the "
			"path takes (the largest has %ju): they count as errors and are not sent; "
			"raise --max-pkt-len\n",
			(uintmax_t)info->oversize, (uintmax_t)info->records, path, frame_max,
			(uintmax_t)info->largest);
	if (info->empty > 0)
		fprintf(stderr,
			"replay: %ju of %ju packets of %s have no stored bytes: they count as "
			"errors and are not sent\n",
			(uintmax_t)info->empty, (uintmax_t)info->records, path);
}

/* A driver that was not told of chains may send a chain's first segment only. */
static uint16_t segment_size(const struct port *port)
{
	uint32_t size = options_get()->mbuf_size;

	if ((port->conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0)
		return UINT16_MAX;
	return (uint16_t)RTE_MIN(size - RTE_MIN(size - 1, (uint32_t)RTE_PKTMBUF_HEADROOM),
				 UINT16_MAX);
}

int port_replay_load(struct port *port, const char *path, uint16_t frame_max,
		     struct replay_store **out, struct base_error *err)
{
	struct progress progress = {.path = path, .next_ns = now_ns() + SHOW_AFTER_NS};
	/* else frames are copied into buffers that are */
	bool is_mapped = port->device != NULL && !port_policy_is_wanted(port);
	struct replay_store_config config = {
		.path = path,
		.frame_max = frame_max,
		.segment_size = segment_size(port),
		.memory =
			{
				.space = port_space(),
				.domain = is_mapped ? iommu_device_domain(port->device) : NULL,
				.ledger = is_mapped ? &port->ledger : NULL,
				.page_size = options_get()->page_size,
				.node = port->node,
			},
		.progress = show_progress,
		.arg = &progress,
	};
	int ret = replay_store_create(&config, out, err);

	if (progress.is_shown)
		fprintf(stderr, "\r\033[K");
	if (ret != 0)
		return ret;
	port_tell_step_back(port, replay_store_step_back(*out));
	say_what_is_left_out(replay_store_info(*out), path, frame_max);
	return 0;
}
