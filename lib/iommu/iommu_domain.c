/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains, and the devices attached to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_registry.h"

#define LEVELS_MIN 3
#define LEVELS_MAX 5

struct iommu_domain_list iommu_domains = TAILQ_HEAD_INITIALIZER(iommu_domains);
static uint32_t next_domain_id; /* registry lock */

/* --- domains -------------------------------------------------------------------------------- */

/* A table of 512 entries translates 9 bits, a page 12 (VT-d specification, section 3.7). */
static uint8_t domain_width(const struct iommu_domain *domain)
{
	uint8_t unit_bits = domain->unit->limits.addr_bits;
	uint8_t table_bits = (uint8_t)(12 + 9 * domain->levels);

	return domain->levels != 0 && table_bits < unit_bits ? table_bits : unit_bits;
}

static int create(struct iommu_unit *unit, const struct iommu_domain_config *config,
		  struct iommu_domain **out, struct base_error *err)
{
	struct iommu_domain *domain = calloc(1, sizeof(*domain));
	int ret;

	if (domain == NULL)
		return base_error_set(err, -ENOMEM, "cannot create an IOMMU domain: out of memory");
	domain->unit = unit;
	domain->levels = config->levels;
	domain->usage.entries_limit = unit->limits.entries_limit;
	rte_spinlock_init(&domain->lock);
	rte_spinlock_init(&domain->faults.lock);
	RB_INIT(&domain->mappings);
	TAILQ_INIT(&domain->devices);
	ret = unit->ops->domain_create(domain, config, err);
	if (ret != 0) {
		free(domain);
		return base_error_set(err, ret, "cannot create a domain in unit %u of %s: %s",
				      unit->id, unit->ops->name, strerror(-ret));
	}
	domain->addr_bits = domain_width(domain);
	domain->id = next_domain_id++;
	unit->domain_count++;
	TAILQ_INSERT_TAIL(&iommu_domains, domain, link);
	*out = domain;
	return 0;
}

int iommu_domain_create(struct iommu_unit *unit, const struct iommu_domain_config *config,
			struct iommu_domain **out, struct base_error *err)
{
	static const struct iommu_domain_config defaults;
	int ret;

	if (config == NULL)
		config = &defaults;
	if (config->levels != 0 && (config->levels < LEVELS_MIN || config->levels > LEVELS_MAX))
		return base_error_set(err, -EINVAL,
				      "cannot create an IOMMU domain of %u levels: use 3, 4 or 5",
				      config->levels);
	iommu_registry_lock();
	ret = create(unit, config, out, err);
	iommu_registry_unlock();
	return ret;
}

int iommu_domain_destroy(struct iommu_domain *domain)
{
	struct iommu_unit *unit = domain->unit;

	iommu_registry_lock();
	if (!TAILQ_EMPTY(&domain->devices)) {
		iommu_registry_unlock();
		return -EBUSY;
	}
	TAILQ_REMOVE(&iommu_domains, domain, link);
	iommu_domain_clear(domain);
	unit->ops->domain_destroy(domain);
	unit->domain_count--;
	iommu_registry_unlock();
	free(domain);
	return 0;
}

uint32_t iommu_domain_id(const struct iommu_domain *domain)
{
	return domain->id;
}

uint8_t iommu_domain_addr_bits(const struct iommu_domain *domain)
{
	return domain->addr_bits;
}

struct iommu_unit *iommu_domain_unit(const struct iommu_domain *domain)
{
	return domain->unit;
}

struct iommu_domain *iommu_domain_next(const struct iommu_domain *prev)
{
	struct iommu_domain *domain;

	iommu_registry_lock();
	domain = prev == NULL ? TAILQ_FIRST(&iommu_domains) : TAILQ_NEXT(prev, link);
	iommu_registry_unlock();
	return domain;
}

/* --- devices -------------------------------------------------------------------------------- */

static struct iommu_device *find(const char *name)
{
	struct iommu_domain *domain;
	struct iommu_device *device;

	TAILQ_FOREACH(domain, &iommu_domains, link) {
		TAILQ_FOREACH(device, &domain->devices, link) {
			if (strcmp(device->name, name) == 0)
				return device;
		}
	}
	return NULL;
}

/* A unit tells devices apart by their source id only. */
static const struct iommu_device *find_source(const struct iommu_unit *unit, uint16_t source_id)
{
	struct iommu_domain *domain;
	struct iommu_device *device;

	TAILQ_FOREACH(domain, &iommu_domains, link) {
		if (domain->unit != unit)
			continue;
		TAILQ_FOREACH(device, &domain->devices, link) {
			if (device->source_id == source_id)
				return device;
		}
	}
	return NULL;
}

static int attach(struct iommu_domain *domain, const char *name, uint16_t source_id,
		  struct iommu_device **out, struct base_error *err)
{
	const struct iommu_device *other = find(name);
	struct iommu_device *device;
	int ret;

	if (other != NULL)
		return base_error_set(err, -EEXIST, "cannot attach %s: it is in domain %u already",
				      name, other->domain->id);
	other = find_source(domain->unit, source_id);
	if (other != NULL)
		return base_error_set(err, -EBUSY, "cannot attach %s: %s has source id %#x already",
				      name, other->name, source_id);
	device = calloc(1, sizeof(*device));
	if (device == NULL)
		return base_error_set(err, -ENOMEM, "cannot attach %s: out of memory", name);
	device->domain = domain;
	device->source_id = source_id;
	strcpy(device->name, name);
	TAILQ_INIT(&device->translators);
	ret = domain->unit->ops->attach(device, err);
	if (ret != 0) {
		free(device);
		return base_error_set(err, ret, "cannot attach %s to domain %u: %s", name,
				      domain->id, strerror(-ret));
	}
	TAILQ_INSERT_TAIL(&domain->devices, device, link);
	*out = device;
	return 0;
}

int iommu_attach(struct iommu_domain *domain, const char *name, uint16_t source_id,
		 struct iommu_device **out, struct base_error *err)
{
	int ret;

	if (name[0] == '\0' || strlen(name) >= IOMMU_NAME_SIZE)
		return base_error_set(
			err, -EINVAL,
			"cannot attach a device: its name \"%.80s\" has not 1 to %d bytes", name,
			IOMMU_NAME_SIZE - 1);
	iommu_registry_lock();
	ret = attach(domain, name, source_id, out, err);
	iommu_registry_unlock();
	return ret;
}

int iommu_detach(struct iommu_device *device)
{
	iommu_registry_lock();
	if (!TAILQ_EMPTY(&device->translators)) {
		iommu_registry_unlock();
		return -EBUSY;
	}
	TAILQ_REMOVE(&device->domain->devices, device, link);
	device->domain->unit->ops->detach(device);
	iommu_registry_unlock();
	free(device);
	return 0;
}

struct iommu_device *iommu_device_find(const char *name)
{
	struct iommu_device *device;

	iommu_registry_lock();
	device = find(name);
	iommu_registry_unlock();
	return device;
}

const char *iommu_device_name(const struct iommu_device *device)
{
	return device->name;
}

uint16_t iommu_device_source_id(const struct iommu_device *device)
{
	return device->source_id;
}

struct iommu_domain *iommu_device_domain(const struct iommu_device *device)
{
	return device->domain;
}

struct iommu_device *iommu_device_next(const struct iommu_domain *domain,
				       const struct iommu_device *prev)
{
	struct iommu_device *device;

	iommu_registry_lock();
	device = prev == NULL ? TAILQ_FIRST(&domain->devices) : TAILQ_NEXT(prev, link);
	iommu_registry_unlock();
	return device;
}
