/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of commands that the files of this folder export. */
#pragma once

#include "cli.h"

extern const struct cli_command cli_clear[];
extern const struct cli_command cli_config_fwd[];
extern const struct cli_command cli_config_port[];
extern const struct cli_command cli_control[];
extern const struct cli_command cli_dump[];
extern const struct cli_command cli_ports[];
extern const struct cli_command cli_replay[];
extern const struct cli_command cli_show_config[];
extern const struct cli_command cli_show_dma[];
extern const struct cli_command cli_show_fwd[];
extern const struct cli_command cli_show_iommu[];
extern const struct cli_command cli_show_iotlb_pages[];
extern const struct cli_command cli_show_port[];
extern const struct cli_command cli_show_port_info[];
extern const struct cli_command cli_show_queue[];
extern const struct cli_command cli_show_rss[];
extern const struct cli_command cli_show_walk[];
extern const struct cli_command cli_tracker[];
