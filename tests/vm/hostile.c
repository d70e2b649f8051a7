/* SPDX-License-Identifier: BSD-3-Clause */
/* ioplane with a driver that makes its NIC misbehave: hostile CASE,... <ioplane's command line>. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "budget.h"
#include "eal.h"
#include "kernel_watch.h"
#include "options.h"
#include "port.h"
#include "run.h"

#define FRAME_SIZE    200
#define BUFFER_SIZE   2048
#define POOL_SIZE     1023
#define UNMAPPED_IOVA UINT64_C(0x6f00000000)
#define PATTERN	      0xa5
#define LINK_MS	      10000
#define WAIT_MS	      700
#define TRIES	      3 /* a link that has just come up may lose a frame */
#define PAUSE_S	      6 /* the kernel prints ten lines about faults in 5 s (dmar.c) */

/*
 * In each case port 0 is told to read (transmit) or to write (receive) memory that is not its
 * own, once; then it does something that is allowed. A line "hostile: {...}" says what came of it.
 */
static const char secret[] = "what only its owner may read";

/* A buffer that port 0 is pointed at. */
enum target {
	OWN,	    /* its own, with the right that the access needs */
	OWN_BARRED, /* its own, but without that right: a receive buffer read, a pool written */
	FOREIGN,    /* port 1's, which it may itself access so */
	UNMAPPED,   /* nobody's */
};

static const struct hostile_case {
	const char *name;
	bool is_write;
	enum target target;
} cases[] = {
	{"read-own", false, OWN},	  {"read-barred", false, OWN_BARRED},
	{"read-foreign", false, FOREIGN}, {"read-unmapped", false, UNMAPPED},
	{"write-own", true, OWN},	  {"write-barred", true, OWN_BARRED},
	{"write-foreign", true, FOREIGN}, {"write-unmapped", true, UNMAPPED},
};

/* What came of an access. */
struct outcome {
	uint64_t iova;
	unsigned int arrived; /* frames */
	bool has_secret;      /* one of them was the secret frame */
	bool is_changed;      /* memory that was to stay as it was */
};

static struct port *ports[2];
static struct port_pool *pools[2]; /* what each port may read */
static struct rte_mempool *sender; /* mbufs whose address is made up */

/* --- frames ---------------------------------------------------------------------------------- */

static void fill_frame(uint8_t *data, const struct port *from, const struct port *to)
{
	struct rte_ether_hdr *header = (struct rte_ether_hdr *)data;

	memset(data, PATTERN, FRAME_SIZE);
	rte_eth_macaddr_get(from->id, &header->src_addr);
	rte_eth_macaddr_get(to->id, &header->dst_addr);
	header->ether_type = rte_cpu_to_be_16(0x88b5); /* for experiments (IEEE 802) */
	memcpy(data + sizeof(*header), secret, sizeof(secret));
}

static bool is_secret(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_data_len(mbuf) >= sizeof(struct rte_ether_hdr) + sizeof(secret) &&
	       memcmp(rte_pktmbuf_mtod_offset(mbuf, char *, sizeof(struct rte_ether_hdr)), secret,
		      sizeof(secret)) == 0;
}

static bool is_filled(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != PATTERN)
			return false;
	}
	return true;
}

static int wait_for_links(struct base_error *err)
{
	for (unsigned int i = 0; i < RTE_DIM(ports); i++) {
		struct rte_eth_link link = {0};

		for (unsigned int ms = 0; ms < LINK_MS && link.link_status != RTE_ETH_LINK_UP;
		     ms += 10) {
			rte_eth_link_get_nowait(ports[i]->id, &link);
			rte_delay_us_sleep(10000);
		}
		if (link.link_status != RTE_ETH_LINK_UP)
			return base_error_set(err, -ENODEV, "port %u has no link", i);
	}
	return 0;
}

/* Sends one frame and looks at what the other port receives for a while. */
static int send_one(const struct port *from, struct rte_mbuf *mbuf, const struct port *to,
		    struct outcome *outcome, struct base_error *err)
{
	struct rte_mbuf *received[32];
	uint16_t count;

	if (wait_for_links(err) != 0 || rte_eth_tx_burst(from->id, 0, &mbuf, 1) != 1) {
		rte_pktmbuf_free(mbuf);
		return base_error_set(err, -EBUSY, "port %u does not send", from->id);
	}
	for (unsigned int ms = 0; ms < WAIT_MS; ms += 10) {
		count = rte_eth_rx_burst(to->id, 0, received, RTE_DIM(received));
		for (uint16_t i = 0; i < count; i++) {
			outcome->arrived++;
			outcome->has_secret |= is_secret(received[i]);
		}
		rte_pktmbuf_free_bulk(received, count);
		if (outcome->has_secret)
			break;
		rte_delay_us_sleep(10000);
	}
	return 0;
}

/* A frame that is allowed in all respects. */
static int send_allowed(unsigned int from, struct outcome *outcome, struct base_error *err)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pools[from]->mempool);

	if (mbuf == NULL)
		return base_error_set(err, -ENOMEM, "port %u has no buffers", from);
	rte_pktmbuf_append(mbuf, FRAME_SIZE);
	fill_frame(rte_pktmbuf_mtod(mbuf, uint8_t *), ports[from], ports[!from]);
	return send_one(ports[from], mbuf, ports[!from], outcome, err);
}

/* --- reads ----------------------------------------------------------------------------------- */

static struct rte_mempool *target_pool(const struct hostile_case *which)
{
	switch (which->target) {
	case OWN:
		return which->is_write ? ports[0]->mempool : pools[0]->mempool;
	case OWN_BARRED:
		return which->is_write ? pools[0]->mempool : ports[0]->mempool;
	case FOREIGN:
		return which->is_write ? ports[1]->mempool : pools[1]->mempool;
	case UNMAPPED:
		break;
	}
	return NULL;
}

/* Where the target's bytes are, for the device and for us; mbuf NULL: nowhere. */
static int find_target(const struct hostile_case *which, struct rte_mbuf **mbuf, uint64_t *iova,
		       struct base_error *err)
{
	struct rte_mempool *pool = target_pool(which);
	struct iommu_domain *domain = NULL;
	uint64_t pa;

	*mbuf = pool == NULL ? NULL : rte_pktmbuf_alloc(pool);
	if (pool != NULL && *mbuf == NULL)
		return base_error_set(err, -ENOMEM, "no buffer is left");
	*iova = *mbuf == NULL ? UNMAPPED_IOVA : rte_pktmbuf_iova(*mbuf);
	while (*mbuf == NULL && (domain = iommu_domain_next(domain)) != NULL) {
		if (iommu_iova_to_phys(domain, *iova, &pa) == 0)
			return base_error_set(err, -EEXIST, "0x%" PRIx64 " is mapped", *iova);
	}
	return 0;
}

/* Has port 0 transmit from the target: the mbuf is of a pool of ours, its address is not. */
static int do_read(const struct hostile_case *which, struct outcome *outcome,
		   struct base_error *err)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(sender), *target;
	int ret;

	if (mbuf == NULL)
		return base_error_set(err, -ENOMEM, "no mbuf is left");
	ret = find_target(which, &target, &outcome->iova, err);
	if (ret != 0)
		return ret;
	if (target != NULL)
		fill_frame(rte_pktmbuf_mtod(target, uint8_t *), ports[0], ports[1]);
	mbuf->data_off = 0;
	mbuf->buf_iova = outcome->iova;
	rte_pktmbuf_append(mbuf, FRAME_SIZE);
	ret = send_one(ports[0], mbuf, ports[1], outcome, err);
	rte_pktmbuf_free(target);
	return ret;
}

/* --- writes ---------------------------------------------------------------------------------- */

struct detour {
	uint64_t iova;	  /* where all buffers of the pool are for the device, 0: where they are */
	uint64_t *before; /* their own addresses */
};

static void turn(struct rte_mempool *pool __rte_unused, void *arg, void *object, unsigned int index)
{
	struct detour *detour = arg;
	struct rte_mbuf *mbuf = object;

	if (detour->iova == 0) {
		mbuf->buf_iova = detour->before[index];
		return;
	}
	detour->before[index] = mbuf->buf_iova;
	mbuf->buf_iova = detour->iova - RTE_PKTMBUF_HEADROOM;
}

/* The ring holds what the pool gives at the start. */
static int post_anew(struct detour *detour, struct base_error *err)
{
	int ret = port_stop(ports[0], err);

	rte_mempool_obj_iter(ports[0]->mempool, turn, detour);
	if (ret == 0)
		ret = port_resume(ports[0], err);
	return ret;
}

/* Has port 0 receive into the target, and into nothing else. */
static int do_write(const struct hostile_case *which, struct outcome *outcome,
		    struct base_error *err)
{
	struct rte_mempool *pool = ports[0]->mempool;
	struct detour detour = {.before = calloc(pool->size, sizeof(*detour.before))};
	struct rte_mbuf *target;
	int ret;

	if (detour.before == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	ret = find_target(which, &target, &outcome->iova, err);
	if (ret == 0 && target != NULL)
		memset(rte_pktmbuf_mtod(target, void *), PATTERN,
		       BUFFER_SIZE - RTE_PKTMBUF_HEADROOM);
	/* its own buffers stand in the ring as they are */
	if (ret == 0 && which->target != OWN) {
		detour.iova = outcome->iova;
		ret = post_anew(&detour, err);
	}
	for (unsigned int i = 0; ret == 0 && i < TRIES && outcome->arrived == 0; i++)
		ret = send_allowed(1, outcome, err);
	if (ret == 0 && target != NULL)
		outcome->is_changed = !is_filled(rte_pktmbuf_mtod(target, uint8_t *),
						 BUFFER_SIZE - RTE_PKTMBUF_HEADROOM);
	if (detour.iova != 0) {
		detour.iova = 0;
		if (post_anew(&detour, ret == 0 ? err : NULL) != 0 && ret == 0)
			ret = err->code;
	}
	rte_pktmbuf_free(target);
	free(detour.before);
	return ret;
}

/* --- the run --------------------------------------------------------------------------------- */

static int do_case(const struct hostile_case *which, struct base_error *err)
{
	struct outcome outcome = {0}, after = {0};
	int ret = which->is_write ? do_write(which, &outcome, err) : do_read(which, &outcome, err);

	for (unsigned int i = 0; ret == 0 && i < TRIES && !after.has_secret; i++)
		ret = send_allowed(which->is_write, &after, err);
	if (ret == 0)
		printf("hostile: {\"case\": \"%s\", \"device\": \"%s\", \"iova\": %" PRIu64
		       ", \"size\": %u, \"arrived\": %u, \"secret\": %d, \"changed\": %d, "
		       "\"well\": %d}\n",
		       which->name, ports[0]->name, outcome.iova, FRAME_SIZE, outcome.arrived,
		       outcome.has_secret, outcome.is_changed, after.has_secret);
	return ret;
}

static const struct hostile_case *find_case(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	}
	return NULL;
}

static int prepare(struct base_error *err)
{
	int ret = 0;

	ports[0] = port_find(0);
	ports[1] = port_find(1);
	if (ports[0] == NULL || ports[1] == NULL)
		return base_error_set(err, -EINVAL, "two ports are needed");
	sender = rte_pktmbuf_pool_create("sender", 63, 0, 0, BUFFER_SIZE, SOCKET_ID_ANY);
	if (sender == NULL)
		return base_error_set(err, -ENOMEM, "no memory for mbufs");
	for (unsigned int i = 0; ret == 0 && i < RTE_DIM(ports); i++)
		ret = port_pool_create(ports[i], "hostile", POOL_SIZE, BUFFER_SIZE, &pools[i], err);
	return ret;
}

/* names is cut up. */
static int misbehave(char *names, struct base_error *err)
{
	int ret = prepare(err);

	for (char *name; ret == 0 && (name = strsep(&names, ",")) != NULL;) {
		const struct hostile_case *which = find_case(name);

		if (strcmp(name, "pause") == 0)
			rte_delay_us_sleep(PAUSE_S * 1000000);
		else if (which == NULL)
			ret = base_error_set(err, -EINVAL, "there is no case %s", name);
		else
			ret = do_case(which, err);
	}
	return ret;
}

static int run(char *names, struct eal_args *args, struct base_error *err)
{
	struct eal_memory memory;
	int ret = options_parse(args->option_argc, args->option_argv, err);

	if (ret == 0)
		ret = run_check_outputs(err);
	if (ret != 0)
		return ret;
	eal_choose_memory(args, budget_eal_memory(args), &memory);
	ret = eal_start(args, &memory, err);
	if (ret == 0)
		ret = run_prepare(args, &memory, err);
	if (ret == 0)
		ret = misbehave(names, err);
	if (run_finish(ret == 0 ? err : NULL) != 0 && ret == 0)
		ret = err->code;
	port_cleanup();
	kernel_watch_stop();
	rte_eal_cleanup();
	return ret;
}

int main(int argc, char **argv)
{
	struct base_error err = {0};
	struct eal_args args;
	int ret;

	if (argc < 2) {
		fprintf(stderr, "usage: hostile CASE,... <ioplane's command line>\n");
		return 2;
	}
	ret = eal_args_split(argc - 1, argv + 1, &args, &err);
	if (ret == 0)
		ret = run(argv[1], &args, &err);
	eal_args_free(&args);
	if (ret == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "hostile: %s\n", err.text);
	return EXIT_FAILURE;
}
