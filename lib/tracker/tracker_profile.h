/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads an IOTLB profile, as config/iotlb has them. */
#pragma once

#include "iotlb_geometry.h"

/**
 * One [iotlb] section with name, entries, ways, replacement, walk_entries; what is left out is that
 * of iotlb_geometry_default(). *out is written on success only. -errno, with file, key and cause in
 * err.
 */
int tracker_profile_read(const char *path, struct iotlb_geometry *out, struct base_error *err);
