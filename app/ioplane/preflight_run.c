/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of the checks. */
#include "preflight_checks.h"

static int (*const checks[])(const struct preflight_subject *subject, struct base_error *err) = {
	preflight_find_device,	    preflight_find_group,  preflight_check_driver,
	preflight_check_viable,	    preflight_check_files, preflight_check_firmware,
	preflight_check_interrupts, preflight_check_width, preflight_check_entries,
	preflight_check_memlock,    preflight_check_pages,
};

int preflight_run(const struct preflight_subject *subject, struct base_error *err)
{
	for (unsigned int i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int ret = checks[i](subject, err);

		if (ret != 0)
			return ret;
	}
	return 0;
}
