/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoint names to addresses, all at once, before anything changes. */
#ifndef WGQ_KERNEL_RESOLVE_H
#define WGQ_KERNEL_RESOLVE_H

#include "wgq/base/addr.h"

struct resolve {
	const char *host;
	const char *service;
	union endpoint *result; /* written when found */
	int error;              /* out: 0, or an EAI_* code */
};

/*
 * Looks up n names in parallel (getaddrinfo(3), UDP, any family, first answer). Retries as wg(8)
 * does where retries is not 0: temporary failures (anything but EAI_NONAME, EAI_FAIL, EAI_NODATA
 * and EAI_SERVICE), after 1 s, then 1.2 times as long each time, at most 20 s; a negative number
 * retries for ever. progress(name, delay_ms) is called before each wait, from one thread at a time;
 * may be NULL. Addresses are taken as they are, without a thread or the network. Signals keep their
 * disposition and may end the process: nothing has been changed yet.
 */
void resolve_all(struct resolve *names, size_t n, int retries,
		 void (*progress)(const struct resolve *, unsigned delay_ms));

/*
 * Reads WG_ENDPOINT_RESOLUTION_RETRIES: *retries gets -1 for "infinity", the number, or 0 with *set
 * false if unset. Returns 0 or -EINVAL.
 */
int resolve_retries(int *retries, bool *set);

#endif
