/* SPDX-License-Identifier: BSD-3-Clause */
/* Deals frames to queues by flow, and keeps their reference counts up. */
#include "replay_share.h"

#include <errno.h>
#include <stdlib.h>

#include "replay_flow.h"

#define PAIRS 65536 /* of hosts, by hash */

/*
 * A fragment has no ports. So that it stays with the datagrams before and after it, all packets of
 * two hosts of which one sends fragments go to one queue.
 */
struct fragment_hosts {
	uint8_t is_marked[PAIRS / 8];
};

static void mark(struct fragment_hosts *hosts, uint32_t hash)
{
	hosts->is_marked[(hash % PAIRS) / 8] |= (uint8_t)(1u << (hash % 8));
}

static bool is_marked(const struct fragment_hosts *hosts, uint32_t hash)
{
	return (hosts->is_marked[(hash % PAIRS) / 8] >> (hash % 8) & 1) != 0;
}

static void mark_fragments(const struct replay_store *store, struct fragment_hosts *hosts)
{
	struct replay_flow flow;

	for (uint64_t i = 0; i < replay_store_info(store)->frames; i++) {
		replay_flow_find(replay_store_frame(store, i), &flow);
		if (flow.is_fragment)
			mark(hosts, flow.hosts);
	}
}

static void choose_queues(const struct replay_store *store, unsigned int count, uint8_t *queues)
{
	struct fragment_hosts hosts = {0};
	struct replay_flow flow;

	mark_fragments(store, &hosts);
	for (uint64_t i = 0; i < replay_store_info(store)->frames; i++) {
		replay_flow_find(replay_store_frame(store, i), &flow);
		queues[i] = (uint8_t)((is_marked(&hosts, flow.hosts) ? flow.hosts : flow.ports) %
				      count);
	}
}

static void deal(const struct replay_store *store, const uint8_t *queues,
		 struct replay_split *split)
{
	uint64_t frames = replay_store_info(store)->frames;
	struct rte_mbuf **next = split->frames;

	for (uint64_t i = 0; i < frames; i++)
		split->shares[queues[i]].count++;
	for (unsigned int i = 0; i < split->count; i++) {
		split->shares[i].frames = next;
		next += split->shares[i].count;
		split->shares[i].count = 0;
	}
	for (uint64_t i = 0; i < frames; i++) {
		struct replay_share *share = &split->shares[queues[i]];

		share->frames[share->count++] = replay_store_frame(store, i);
	}
}

int replay_split_create(const struct replay_store *store, unsigned int count,
			struct replay_split **out, struct base_error *err)
{
	uint64_t frames = replay_store_info(store)->frames;
	struct replay_split *split = calloc(1, sizeof(*split));
	uint8_t *queues = calloc(frames, 1);

	if (split == NULL || queues == NULL)
		goto free_split;
	split->count = count;
	split->frames = calloc(frames, sizeof(*split->frames));
	if (split->frames == NULL)
		goto free_split;
	split->shares = aligned_alloc(RTE_CACHE_LINE_SIZE, count * sizeof(*split->shares));
	if (split->shares == NULL)
		goto free_frames;
	memset(split->shares, 0, count * sizeof(*split->shares));
	if (count > 1)
		choose_queues(store, count, queues);
	deal(store, queues, split);
	free(queues);
	*out = split;
	return 0;

free_frames:
	free(split->frames);
free_split:
	free(split);
	free(queues);
	return base_error_set(err, -ENOMEM, "no memory to deal %ju packets to %u queues",
			      (uintmax_t)frames, count);
}

/* Gives each frame back the references that its sendings of this cycle used up or will. */
static void restore_credits(struct replay_share *share)
{
	uint64_t laps = share->count == 0 ? 0 : share->cycle / share->count;
	uint64_t rest = share->count == 0 ? 0 : share->cycle % share->count;

	for (uint64_t i = 0; i < share->count && share->cycle > 0; i++) {
		int16_t used = (int16_t)(laps + (i < rest));

		for (struct rte_mbuf *m = share->frames[i]; used != 0 && m != NULL; m = m->next)
			rte_mbuf_refcnt_update(m, used);
	}
	share->cycle = 0;
}

static void start_cycle(struct replay_share *share, uint64_t laps_left)
{
	share->left = share->count * RTE_MIN(laps_left, (uint64_t)REPLAY_CREDITS);
}

void replay_share_renew(struct replay_share *share)
{
	uint64_t done = share->sent / share->count;

	restore_credits(share);
	start_cycle(share, share->laps == 0 ? REPLAY_CREDITS : share->laps - done);
}

void replay_share_rewind(struct replay_share *share, uint64_t laps)
{
	restore_credits(share);
	share->position = 0;
	share->sent = 0;
	share->bytes = 0;
	share->end_tsc = 0;
	share->laps = laps;
	start_cycle(share, laps == 0 ? REPLAY_CREDITS : laps);
}

void replay_split_destroy(struct replay_split *split)
{
	if (split == NULL)
		return;
	for (unsigned int i = 0; i < split->count; i++)
		restore_credits(&split->shares[i]);
	free(split->shares);
	free(split->frames);
	free(split);
}
