/* SPDX-License-Identifier: BSD-3-Clause */
/* An error code with the sentence that the program prints for it. */
#pragma once

#define BASE_ERROR_TEXT_SIZE 512

struct base_error {
	int code; /* 0 or -errno */
	char text[BASE_ERROR_TEXT_SIZE];
};

/**
 * Records operation, object, cause and next step of a failure.
 * err may be NULL. The first failure wins: a set error is kept.
 * Returns code, so that `return base_error_set(err, -EBUSY, ...)` works.
 */
int base_error_set(struct base_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
