/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL's memory in a port's domain, for drivers that keep there what their device reads. */
#include "port_eal_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_memory.h>

#define CALLBACK "ioplane_eal_memory"

/*
 * EAL calls back with its memory lock held for writing, so the list changes with it held for
 * reading, and nothing that the callback reaches takes memory from EAL, which would wait for
 * itself.
 */
struct user {
	LIST_ENTRY(user) link;
	struct iommu_domain *domain;
	unsigned int port_count;
};

static LIST_HEAD(, user) users = LIST_HEAD_INITIALIZER(users);
static bool is_constant; /* EAL frees nothing: it calls nobody back */

static struct user *find_user(const struct iommu_domain *domain)
{
	struct user *user;

	LIST_FOREACH(user, &users, link)
		if (user->domain == domain)
			return user;
	return NULL;
}

static int map(struct iommu_domain *domain, const struct rte_memseg *ms, uint64_t size)
{
	return iommu_map(domain, ms->iova, ms->addr, size, ms->hugepage_sz,
			 IOMMU_READ | IOMMU_WRITE);
}

static void unmap(struct iommu_domain *domain, const struct rte_memseg *ms, uint64_t size)
{
	struct iommu_gather gather = {0};

	/* -ENOENT: EAL gives up what it has just told of, and we could not map */
	if (iommu_unmap(domain, ms->iova, size, &gather) == 0)
		iommu_sync(domain, &gather);
}

/* --- what EAL has now ------------------------------------------------------------------------- */

struct walk {
	struct iommu_domain *domain;
	bool is_undo;
	int ret;
};

static int visit(struct walk *walk, const struct rte_memseg_list *msl, const struct rte_memseg *ms,
		 uint64_t size)
{
	if (msl->external)
		return 0;
	if (walk->is_undo)
		unmap(walk->domain, ms, size);
	else
		walk->ret = map(walk->domain, ms, size);
	return walk->ret;
}

/* A mapping each: EAL frees any of them alone, and half of a mapping cannot be unmapped. */
static int visit_page(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *walk)
{
	return visit(walk, msl, ms, ms->len);
}

static int visit_run(const struct rte_memseg_list *msl, const struct rte_memseg *ms, size_t size,
		     void *walk)
{
	return visit(walk, msl, ms, size);
}

static int walk_all(struct iommu_domain *domain, bool is_undo)
{
	struct walk walk = {.domain = domain, .is_undo = is_undo};

	if (is_constant)
		rte_memseg_contig_walk_thread_unsafe(visit_run, &walk);
	else
		rte_memseg_walk_thread_unsafe(visit_page, &walk);
	return walk.ret;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static void on_page(enum rte_mem_event event, const struct rte_memseg *ms)
{
	struct user *user;

	LIST_FOREACH(user, &users, link) {
		int ret;

		if (event == RTE_MEM_EVENT_FREE) {
			unmap(user->domain, ms, ms->len);
			continue;
		}
		ret = map(user->domain, ms, ms->len);
		/* EAL does not ask whether it may have grown */
		if (ret != 0)
			fprintf(stderr,
				"memory that DPDK has taken at 0x%" PRIx64 " cannot be mapped in "
				"domain %u (%s): its devices must not use it\n",
				ms->iova, iommu_domain_id(user->domain), strerror(-ret));
	}
}

static void on_event(enum rte_mem_event event, const void *addr, size_t size,
		     void *arg __rte_unused)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(addr);
	const uint8_t *page = addr, *end = page + size;

	if (msl == NULL || msl->external)
		return;
	for (; page < end; page += msl->page_sz) {
		const struct rte_memseg *ms = rte_mem_virt2memseg(page, msl);

		if (ms != NULL)
			on_page(event, ms);
	}
}

static int watch(struct base_error *err)
{
	if (!LIST_EMPTY(&users) || rte_mem_event_callback_register(CALLBACK, on_event, NULL) == 0)
		return 0;
	is_constant = rte_errno == ENOTSUP;
	if (is_constant)
		return 0;
	return base_error_set(err, -rte_errno, "EAL does not tell of its memory: %s",
			      rte_strerror(rte_errno));
}

static void unwatch(void)
{
	if (LIST_EMPTY(&users) && !is_constant)
		rte_mem_event_callback_unregister(CALLBACK, NULL);
}

/* --- users ------------------------------------------------------------------------------------ */

static int add_locked(struct port *port, struct user *user, struct base_error *err)
{
	int ret = watch(err);

	if (ret != 0)
		return ret;
	ret = walk_all(user->domain, false);
	if (ret == 0) {
		LIST_INSERT_HEAD(&users, user, link);
		return 0;
	}
	walk_all(user->domain, true);
	unwatch();
	return base_error_set(err, ret,
			      "mapping EAL's memory in the domain of %s failed: %s; if its driver "
			      "does without, give it eal-memory=no",
			      port->name, strerror(-ret));
}

int port_eal_memory_add(struct port *port, struct base_error *err)
{
	struct user *user = find_user(port->domain);
	int ret;

	if (user != NULL) {
		user->port_count++;
		return 0;
	}
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	user->domain = port->domain;
	user->port_count = 1;
	rte_mcfg_mem_read_lock();
	ret = add_locked(port, user, err);
	rte_mcfg_mem_read_unlock();
	if (ret != 0)
		free(user);
	return ret;
}

void port_eal_memory_remove(struct port *port)
{
	struct user *user = find_user(port->domain);

	if (user == NULL || --user->port_count > 0)
		return;
	rte_mcfg_mem_read_lock();
	LIST_REMOVE(user, link);
	walk_all(user->domain, true);
	unwatch();
	rte_mcfg_mem_read_unlock();
	free(user);
}
