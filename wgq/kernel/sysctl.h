/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/sys, read and written without sysctl(8). */
#ifndef WGQ_KERNEL_SYSCTL_H
#define WGQ_KERNEL_SYSCTL_H

#include "wgq/base/diag.h"

/* Reads an integer switch by its path below /proc/sys ("net/ipv4/conf/all/src_valid_mark"). 0 or
 * -errno; not recorded. */
int sysctl_read(const char *name, int *value);

/* Writes it. Returns 0 or a negative errno recorded in d. */
int sysctl_write(const char *name, int value, struct diag *d);

/* Can new interfaces of this namespace have IPv6 addresses? */
bool sysctl_ipv6_usable(void);

#endif
