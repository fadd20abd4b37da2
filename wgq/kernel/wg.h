/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The WireGuard device: one interface over the kernel's generic netlink family (wg_genl.c) and the
 * socket of a userspace implementation (wg_uapi.c). Userspace wins where its socket answers, as in
 * wg(8).
 */
#ifndef WGQ_KERNEL_WG_H
#define WGQ_KERNEL_WG_H

#include "wgq/base/arena.h"
#include "wgq/base/model.h"
#include "wgq/kernel/nl.h"

struct wg {
	struct nl genl;  /* open if the kernel has WireGuard */
	uint16_t family; /* generic netlink id of "wireguard"; 0: the kernel has none, or was not
			    asked */
	char *buffer;    /* for requests and replies of either way; allocated by wg_open() */
	size_t buffer_size;
};

/*
 * Asks the kernel for the family (which loads the module where that is possible) and allocates what
 * wg_set() needs. A kernel without WireGuard is not an error: wg_has_kernel() tells. Returns 0 or a
 * negative errno recorded in d.
 */
int wg_open(struct wg *wg, struct diag *d);
void wg_close(struct wg *wg);
bool wg_has_kernel(const struct wg *wg);

/* Is there a userspace socket of that name that answers? A socket file that refuses is removed. */
bool wg_is_userspace(const char *ifname);

/*
 * Reads the device, keys included, into the arena. A port, a mark and a keepalive always count in
 * the flags, 0 being a value; keys and endpoints only where there is one. Peers come as delivered:
 * in the order of their making from the kernel, in any from userspace. Fragments of a peer are
 * merged; an interrupted dump starts again. Returns 0; -ENODEV: no such interface; -EOPNOTSUPP: not
 * a WireGuard interface; or another errno; recorded in d.
 */
int wg_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
	   struct diag *d);

/*
 * Sends what device->flags and the peers' flags name; what they leave out stays as it is. Split
 * over as many messages as it takes, each acknowledged before the next, so it is not atomic.
 * Allocates nothing. Returns 0 or a negative errno recorded in d, without any key.
 */
int wg_set(struct wg *wg, const char *ifname, const struct wg_device *device, struct diag *d);

/*
 * Waits until the userspace implementation behind ifname has gone after its link was deleted: at
 * most timeout_ms. Open before the deletion with wg_watch_userspace() (-1: it is not userspace);
 * the fd is closed.
 */
int wg_watch_userspace(const char *ifname);
void wg_await_userspace_exit(const char *ifname, int fd, int timeout_ms);

/* Names of all WireGuard interfaces of this network namespace, kernel links first, then sockets
 * whose link is here. */
struct wg_names {
	struct arena *arena;
	const char **v;
	size_t n, capacity;
};
int wg_list(struct nl *rtnl, struct wg_names *out, struct diag *d);

#endif
