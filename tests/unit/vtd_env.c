/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens and closes what tests of the VT-d unit begin with. */
#include <string.h>
#include <sys/mman.h>

#include "vtd_env.h"

#define ALIGNMENT (UINT64_C(1) << 30)

/* Addresses are aligned as 1 GiB pages are; only what a test touches takes memory. */
static uint8_t *reserve(size_t size)
{
	uint8_t *raw = mmap(NULL, size + ALIGNMENT, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t base;

	assert_ptr_not_equal(raw, MAP_FAILED);
	base = ((uintptr_t)raw + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
	munmap(raw, base - (uintptr_t)raw);
	munmap((uint8_t *)base + size, (uintptr_t)raw + ALIGNMENT - base);
	return (uint8_t *)base;
}

void vtd_env_open(struct vtd_env *env, const struct vtd_config *config, uint8_t levels,
		  size_t memory_size)
{
	const struct iommu_domain_config domain = {.levels = levels};

	memset(env, 0, sizeof(*env));
	env->memory = reserve(memory_size);
	env->memory_size = memory_size;
	assert_int_equal(iommu_unit_create(&vtd_ops, 0, config, &env->unit, NULL), 0);
	assert_int_equal(
		iommu_memory_add(env->unit, (uintptr_t)env->memory, env->memory, memory_size), 0);
	assert_int_equal(iommu_domain_create(env->unit, &domain, &env->domain, NULL), 0);
	assert_int_equal(iommu_attach(env->domain, "device", ENV_SOURCE_ID, &env->device, NULL), 0);
	assert_int_equal(iommu_translator_create(env->device, true, 0, &env->translator), 0);
}

void vtd_env_close(struct vtd_env *env)
{
	iommu_translator_destroy(env->translator);
	assert_int_equal(iommu_detach(env->device), 0);
	assert_int_equal(iommu_domain_destroy(env->domain), 0);
	assert_int_equal(iommu_unit_destroy(env->unit), 0);
	munmap(env->memory, env->memory_size);
}

uint16_t vtd_env_access(struct vtd_env *env, uint64_t iova, uint32_t len, uint16_t prot,
			struct iommu_span *spans, uint16_t span_max)
{
	struct iommu_access access = {.iova = iova, .len = len, .prot = prot};

	iommu_burst_begin(env->translator);
	assert_int_equal(iommu_translate_burst(env->translator, &access, 1, spans, span_max), 1);
	iommu_burst_end(env->translator);
	return access.span_count;
}

uint8_t *vtd_env_read(struct vtd_env *env, uint64_t iova)
{
	struct iommu_span span;

	return vtd_env_access(env, iova, 1, IOMMU_READ, &span, 1) == 1 ? span.vaddr : NULL;
}

uint8_t vtd_env_reason(struct vtd_env *env)
{
	struct iommu_fault faults[IOMMU_FAULT_LOG];
	unsigned int count = iommu_faults(env->domain, faults, IOMMU_FAULT_LOG);

	iommu_faults_clear(env->domain);
	return count == 0 ? 0 : faults[count - 1].reason;
}

void vtd_env_unmap(struct vtd_env *env, uint64_t iova, uint64_t size)
{
	struct iommu_gather gather = {0};

	assert_int_equal(iommu_unmap(env->domain, iova, size, &gather), 0);
	assert_int_equal(iommu_sync(env->domain, &gather), 0);
}
