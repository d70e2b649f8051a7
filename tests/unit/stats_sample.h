/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot with a different value in every field, so that no two can be mistaken. */
#pragma once

struct stats_report;

/** A report with a dmanic port, a port without a domain, two domains and two replays. */
struct stats_report *stats_sample_create(void);
