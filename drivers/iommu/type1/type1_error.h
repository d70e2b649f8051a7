/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes wrong with VFIO, each case with its own next step. */
#pragma once

#include "base_error.h"
#include "iommu_ops.h"

#define TYPE1_GROUP_PATH_SIZE 32

/** /dev/vfio/N. */
void type1_group_path(int number, char path[static TYPE1_GROUP_PATH_SIZE]);

/* All of these set err and return -errno; code is the errno of the step that failed. */
int type1_error_container(struct base_error *err);
int type1_error_group(const char *address, int number, int code, struct base_error *err);
int type1_error_viable(const char *address, int number, struct base_error *err);
int type1_error_join(const char *address, int number, int code, struct base_error *err);

/** iommu_ops.explain_map: entries used up, locked memory. */
int type1_error_map(struct iommu_domain *domain, int code, uint64_t size, struct base_error *err);
