/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads a capture in two passes: one to size the memory, one to fill it. */
#include "replay_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>

#include "hugemem.h"
#include "replay_file.h"

#define FRAME_ALIGN	 RTE_CACHE_LINE_SIZE
#define PROGRESS_RECORDS 4096

struct replay_store {
	struct replay_info info;
	struct replay_memory data;
	struct hugemem_region *headers; /* the mbufs: out of every device's reach */
	struct rte_mbuf **frames;
	struct rte_mempool *pool; /* what the mbufs name as their pool; they never return to it */
	struct rte_mbuf_ext_shared_info shared;
};

/* Where the next frame goes. */
struct fill {
	uint64_t frame;
	uint64_t segment;
	uint64_t offset;
};

static uint64_t segments_of(const struct replay_store_config *config, uint32_t size)
{
	return (size + config->segment_size - 1) / config->segment_size;
}

static bool is_sendable(const struct replay_store_config *config,
			const struct replay_record *record)
{
	return record->size > 0 && record->size <= config->frame_max;
}

static int report(const struct replay_store_config *config, struct replay_file *file,
		  uint64_t records, uint64_t pass)
{
	uint64_t size = replay_file_size(file);

	if (config->progress == NULL || records % PROGRESS_RECORDS != 0)
		return 0;
	return config->progress(config->arg, pass * size + replay_file_position(file), 2 * size);
}

static void account(const struct replay_store_config *config, const struct replay_record *record,
		    struct replay_info *info)
{
	info->records++;
	info->largest = RTE_MAX(info->largest, (uint64_t)record->size);
	if (record->size == 0) {
		info->empty++;
	} else if (record->size > config->frame_max) {
		info->oversize++;
	} else {
		info->frames++;
		info->frame_bytes += record->size;
		info->segments += segments_of(config, record->size);
		info->memory_bytes =
			replay_memory_place(&config->memory, info->memory_bytes, record->size) +
			RTE_ALIGN_CEIL((uint64_t)record->size, FRAME_ALIGN);
	}
}

/* First pass. info->memory_bytes is that of the data when it returns. */
static int scan(const struct replay_store_config *config, struct replay_info *info,
		struct base_error *err)
{
	struct replay_record record;
	struct replay_file *file;
	int ret;

	ret = replay_file_open(config->path, &file, err);
	if (ret < 0)
		return ret;
	while ((ret = replay_file_next(file, &record, err)) == 1) {
		account(config, &record, info);
		if (report(config, file, info->records, 0) != 0) {
			ret = base_error_set(err, -ECANCELED, "loading %s was interrupted",
					     config->path);
			break;
		}
	}
	replay_file_close(file);
	if (ret < 0 || info->frames > 0)
		return ret;
	if (info->records == 0)
		return base_error_set(err, -ENODATA,
				      "capture %s holds no packets: there is nothing to replay",
				      config->path);
	return base_error_set(err, -ENODATA,
			      "none of the %ju packets of %s can be sent: the largest has %ju "
			      "bytes, the path takes 1 to %u; raise --max-pkt-len",
			      (uintmax_t)info->records, config->path, (uintmax_t)info->largest,
			      config->frame_max);
}

static int check_memory(const struct replay_store_config *config, const struct replay_info *info,
			struct base_error *err)
{
	uint64_t available = replay_memory_available();
	double share = (double)available / (double)info->memory_bytes;

	if (info->memory_bytes <= available)
		return 0;
	return base_error_set(err, -ENOMEM,
			      "%s needs %ju MiB for its %ju packets and %ju MiB are free: take its "
			      "first %ju packets with tcpdump -r FILE -c N -w NEW, or free memory",
			      config->path, (uintmax_t)(info->memory_bytes >> 20) + 1,
			      (uintmax_t)info->frames, (uintmax_t)(available >> 20),
			      (uintmax_t)((double)info->records * share * 0.9));
}

static void init_segment(struct replay_store *store, struct rte_mbuf *mbuf, uint64_t offset,
			 uint16_t size)
{
	mbuf->buf_addr = RTE_PTR_ADD(store->data.vaddr, offset);
	rte_mbuf_iova_set(mbuf, replay_memory_iova(&store->data, offset));
	mbuf->buf_len = size;
	mbuf->data_len = size;
	mbuf->nb_segs = 1;
	mbuf->port = RTE_MBUF_PORT_INVALID;
	mbuf->ol_flags = RTE_MBUF_F_EXTERNAL;
	mbuf->pool = store->pool;
	mbuf->shinfo = &store->shared;
	/* A driver's free only counts down: each sending uses up one credit. */
	rte_mbuf_refcnt_set(mbuf, 1 + REPLAY_CREDITS);
}

static void add_frame(struct replay_store *store, const struct replay_store_config *config,
		      const struct replay_record *record, struct fill *at)
{
	struct rte_mbuf *mbufs = store->headers->vaddr;
	struct rte_mbuf *head = &mbufs[at->segment];
	struct rte_mbuf *last = NULL;

	memcpy(RTE_PTR_ADD(store->data.vaddr, at->offset), record->data, record->size);
	for (uint32_t done = 0; done < record->size; done += config->segment_size) {
		struct rte_mbuf *mbuf = &mbufs[at->segment++];

		init_segment(store, mbuf, at->offset + done,
			     (uint16_t)RTE_MIN(record->size - done, config->segment_size));
		if (last != NULL)
			last->next = mbuf;
		last = mbuf;
	}
	head->nb_segs = (uint16_t)segments_of(config, record->size);
	head->pkt_len = record->size;
	store->frames[at->frame++] = head;
	at->offset += RTE_ALIGN_CEIL((uint64_t)record->size, FRAME_ALIGN);
}

static bool has_room(const struct replay_store *store, const struct replay_store_config *config,
		     const struct replay_record *record, struct fill *at)
{
	at->offset = replay_memory_place(&config->memory, at->offset, record->size);
	return at->frame < store->info.frames && at->offset + record->size <= store->data.size &&
	       at->segment + segments_of(config, record->size) <= store->info.segments;
}

/* Second pass. */
static int load(struct replay_store *store, const struct replay_store_config *config,
		struct base_error *err)
{
	struct fill at = {0};
	struct replay_record record;
	struct replay_file *file;
	uint64_t records = 0;
	int ret;

	ret = replay_file_open(config->path, &file, err);
	if (ret < 0)
		return ret;
	while ((ret = replay_file_next(file, &record, err)) == 1) {
		if (is_sendable(config, &record)) {
			if (!has_room(store, config, &record, &at))
				break;
			add_frame(store, config, &record, &at);
		}
		if (report(config, file, ++records, 1) != 0) {
			ret = base_error_set(err, -ECANCELED, "loading %s was interrupted",
					     config->path);
			break;
		}
	}
	replay_file_close(file);
	if (ret < 0)
		return ret;
	if (ret == 1 || at.frame != store->info.frames)
		return base_error_set(err, -EAGAIN,
				      "%s changed while it was read: replay it when it is complete",
				      config->path);
	return 0;
}

/* The mbufs' pool is there for code that looks at mbuf->pool; it holds one mbuf of its own. */
static int make_pool(struct replay_store *store, int node, struct base_error *err)
{
	static unsigned int serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "replay_%u", serial++);
	store->pool = rte_pktmbuf_pool_create(name, 1, 0, 0, RTE_PKTMBUF_HEADROOM,
					      node < 0 ? SOCKET_ID_ANY : node);
	if (store->pool == NULL)
		return base_error_set(err, -ENOMEM, "no DPDK memory for a replay: %s",
				      rte_strerror(rte_errno));
	return 0;
}

static int take_headers(struct replay_store *store, const struct replay_store_config *config,
			struct base_error *err)
{
	struct hugemem_request request = {
		.size = store->info.segments * sizeof(struct rte_mbuf),
		.node = config->memory.node,
	};

	store->frames = calloc(store->info.frames, sizeof(*store->frames));
	if (store->frames == NULL)
		return base_error_set(err, -ENOMEM, "no memory for the packet list of %s",
				      config->path);
	return hugemem_create(&request, &store->headers, err);
}

int replay_store_create(const struct replay_store_config *config, struct replay_store **out,
			struct base_error *err)
{
	struct replay_store *store = calloc(1, sizeof(*store));
	uint64_t data_bytes;
	int ret;

	if (store == NULL)
		return base_error_set(err, -ENOMEM, "no memory for a replay");
	ret = scan(config, &store->info, err);
	if (ret < 0)
		goto free_store;
	data_bytes = store->info.memory_bytes;
	store->info.memory_bytes += store->info.segments * sizeof(struct rte_mbuf) +
				    store->info.frames * sizeof(struct rte_mbuf *);
	ret = check_memory(config, &store->info, err);
	if (ret < 0)
		goto free_store;
	ret = make_pool(store, config->memory.node, err);
	if (ret < 0)
		goto free_store;
	ret = take_headers(store, config, err);
	if (ret < 0)
		goto free_headers;
	ret = replay_memory_create(&config->memory, data_bytes, &store->data, err);
	if (ret < 0)
		goto free_headers;
	rte_mbuf_ext_refcnt_set(&store->shared, 1);
	ret = load(store, config, err);
	if (ret < 0)
		goto free_data;
	*out = store;
	return 0;

free_data:
	replay_memory_destroy(&store->data);
free_headers:
	if (store->headers != NULL)
		hugemem_destroy(store->headers);
	free(store->frames);
	rte_mempool_free(store->pool);
free_store:
	free(store);
	return ret;
}

/* A frame that a driver still holds has fewer credits than it was loaded with. */
static bool is_in_flight(const struct replay_store *store)
{
	const struct rte_mbuf *mbufs = store->headers->vaddr;

	for (uint64_t i = 0; i < store->info.segments; i++)
		if (rte_mbuf_refcnt_read(&mbufs[i]) != 1 + REPLAY_CREDITS)
			return true;
	return false;
}

int replay_store_destroy(struct replay_store *store)
{
	if (is_in_flight(store))
		return -EBUSY;
	replay_memory_destroy(&store->data);
	hugemem_destroy(store->headers);
	free(store->frames);
	rte_mempool_free(store->pool);
	free(store);
	return 0;
}

const struct replay_info *replay_store_info(const struct replay_store *store)
{
	return &store->info;
}

const char *replay_store_step_back(const struct replay_store *store)
{
	return store->data.arena == NULL ? "" : dma_arena_step_back(store->data.arena);
}

struct rte_mbuf *replay_store_frame(const struct replay_store *store, uint64_t index)
{
	return store->frames[index];
}
