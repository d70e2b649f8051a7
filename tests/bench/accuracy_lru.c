/* SPDX-License-Identifier: BSD-3-Clause */
/* An LRU list: a doubly linked list in the order of use, with chains to find a key in it. */
#include <stdlib.h>

#include "accuracy_lru.h"

#define BUCKETS 4096

struct node {
	uint64_t key;
	struct node *newer;
	struct node *older;
	struct node *next; /* of its bucket */
};

struct accuracy_lru {
	struct node *newest;
	struct node *oldest;
	struct node *bucket[BUCKETS];
	uint32_t capacity;
	uint32_t used;
	struct node node[];
};

struct accuracy_lru *accuracy_lru_create(uint32_t capacity)
{
	struct accuracy_lru *lru = calloc(1, sizeof(*lru) + capacity * sizeof(struct node));

	if (lru != NULL)
		lru->capacity = capacity;
	return lru;
}

void accuracy_lru_destroy(struct accuracy_lru *lru)
{
	free(lru);
}

static struct node **bucket_of(struct accuracy_lru *lru, uint64_t key)
{
	return &lru->bucket[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
}

static void unlink_node(struct accuracy_lru *lru, struct node *node)
{
	if (node->newer != NULL)
		node->newer->older = node->older;
	else
		lru->newest = node->older;
	if (node->older != NULL)
		node->older->newer = node->newer;
	else
		lru->oldest = node->newer;
}

static void link_newest(struct accuracy_lru *lru, struct node *node)
{
	node->newer = NULL;
	node->older = lru->newest;
	if (lru->newest != NULL)
		lru->newest->newer = node;
	else
		lru->oldest = node;
	lru->newest = node;
}

/* A node without a key: a new one, or that of the key used longest ago. */
static struct node *vacate(struct accuracy_lru *lru)
{
	struct node *node, **link;

	if (lru->used < lru->capacity)
		return &lru->node[lru->used++];
	node = lru->oldest;
	unlink_node(lru, node);
	for (link = bucket_of(lru, node->key); *link != node; link = &(*link)->next)
		;
	*link = node->next;
	return node;
}

bool accuracy_lru_use(struct accuracy_lru *lru, uint64_t key)
{
	struct node **bucket = bucket_of(lru, key), *node;

	for (node = *bucket; node != NULL; node = node->next) {
		if (node->key == key) {
			unlink_node(lru, node);
			link_newest(lru, node);
			return true;
		}
	}
	node = vacate(lru);
	node->key = key;
	node->next = *bucket;
	*bucket = node;
	link_newest(lru, node);
	return false;
}
