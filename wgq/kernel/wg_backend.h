/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ways to a WireGuard device, for wg.c and for the tests and fuzzers of what is read from
 * them. What a function reads from the outside comes as a buffer: those are pure but for the arena.
 */
#ifndef WGQ_KERNEL_WG_BACKEND_H
#define WGQ_KERNEL_WG_BACKEND_H

#include "wgq/kernel/wg.h"

enum { WG_BUFFER = 64 * 1024 };

/* --- generic netlink (wg_genl.c) --- */

/* Looks up the family over an open wg->genl. Returns 0, -ENOENT (nothing recorded), or another
 * errno in d. */
int wg_genl_find_family(struct wg *wg, struct diag *d);

/* As wg_get() and wg_set(), where the kernel has the family. */
int wg_genl_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
		struct diag *d);
int wg_genl_set(struct wg *wg, const char *ifname, const struct wg_device *device, struct diag *d);

/* What has been written of a device so far. */
struct wg_genl_writer {
	const char *ifname;
	const struct wg_device *device;
	size_t peer, allowed_ip; /* where the next message begins */
	bool has_begun;          /* the device's own values have been written */
	bool peer_has_begun;     /* that peer's own values have been written */
};

/*
 * Puts what comes next behind the netlink header nlh, in a buffer of size bytes from nlh on, at
 * least 512. Returns true if there is more for another message.
 */
bool wg_genl_write(struct wg_genl_writer *w, struct nlmsghdr *nlh, size_t size);

/* Adds what one message of a dump says to device. Returns 0 or -EBADMSG. */
int wg_genl_read(const struct nlmsghdr *nlh, struct wg_device *device, struct arena *a);

/* --- the socket of a userspace implementation (wg_uapi.c) --- */

enum { WG_UAPI_PATH = 64 };

/* "/var/run/wireguard/IFNAME.sock"; returns path. */
const char *wg_uapi_path(char path[WG_UAPI_PATH], const char *ifname);

/*
 * Connects to the socket of that interface. Returns the fd; -ENOENT: there is none, or one that
 * refused and has been removed; or another negative errno.
 */
int wg_uapi_connect(const char *ifname);

/* As wg_get() and wg_set(), over a connection; they leave fd open. */
int wg_uapi_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
		int fd, struct diag *d);
int wg_uapi_set(struct wg *wg, const char *ifname, const struct wg_device *device, int fd,
		struct diag *d);

struct wg_uapi_reader {
	struct arena *arena;
	struct wg_device *device;
	int error; /* the answer's errno, 0 or negative */
	bool done; /* the empty line at the end has been read */
};

/*
 * Reads the whole lines at the start of text. Returns how many bytes it used, or -EPROTO if they
 * are not an answer to "get".
 */
ssize_t wg_uapi_read(struct wg_uapi_reader *r, struct str text);

#endif
