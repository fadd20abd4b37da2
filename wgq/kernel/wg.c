/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/wg.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/wg_backend.h"

static int open_genl(struct wg *wg, struct diag *d)
{
	struct diag own = { 0 };
	int err = nl_open(&wg->genl, NETLINK_GENERIC, &own);

	if (!err)
		err = wg_genl_find_family(wg, &own);
	if (err)
		nl_close(&wg->genl);
	if (!err || err == -ENOENT || err == -EPROTONOSUPPORT)
		return 0; /* without WireGuard, or without generic netlink at all */
	*d = own;
	return err;
}

int wg_open(struct wg *wg, struct diag *d)
{
	*wg = (struct wg){ .buffer_size = WG_BUFFER, .buffer = malloc(WG_BUFFER) };
	if (!wg->buffer)
		return diag_sys(d, ENOMEM, "open WireGuard");
	return open_genl(wg, d);
}

void wg_close(struct wg *wg)
{
	/* whoever put keys into these buffers has wiped them */
	nl_close(&wg->genl);
	free(wg->buffer);
	*wg = (struct wg){ 0 };
}

bool wg_has_kernel(const struct wg *wg)
{
	return wg->family != 0;
}

bool wg_is_userspace(const char *ifname)
{
	int fd CLEANUP_FD = wg_uapi_connect(ifname);

	return fd >= 0;
}

/* --- one device --- */

/* The connection to a userspace device, or -ENOENT where the kernel is to be asked; else recorded.
 */
static int choose(const struct wg *wg, const char *ifname, struct diag *d)
{
	int fd = wg_uapi_connect(ifname);

	if (fd != -ENOENT)
		return fd < 0 ? diag_sys(d, -fd, "connect to the userspace process of %s", ifname)
			      : fd;
	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strchr(ifname, '/'))
		return diag_sys(d, ENODEV, "WireGuard device %.32s", ifname);
	if (wg->family)
		return -ENOENT;
	if (!if_nametoindex(ifname))
		return diag_sys(d, ENODEV, "WireGuard device %s", ifname);
	return -EOPNOTSUPP; /* for say_kind() */
}

static int say_kind(int err, const char *ifname, struct diag *d)
{
	if (err == -EOPNOTSUPP)
		return diag_set(d, -err, "%s is not a WireGuard interface", ifname);
	return err;
}

int wg_get(struct wg *wg, struct wg_device *device, struct arena *a, const char *ifname,
	   struct diag *d)
{
	int fd CLEANUP_FD = choose(wg, ifname, d);
	int err = fd;

	if (fd >= 0)
		return wg_uapi_get(wg, device, a, ifname, fd, d);
	if (err == -ENOENT)
		err = wg_genl_get(wg, device, a, ifname, d);
	return say_kind(err, ifname, d);
}

int wg_set(struct wg *wg, const char *ifname, const struct wg_device *device, struct diag *d)
{
	int fd CLEANUP_FD = choose(wg, ifname, d);
	int err = fd;

	if (fd >= 0)
		return wg_uapi_set(wg, ifname, device, fd, d);
	if (err == -ENOENT)
		err = wg_genl_set(wg, ifname, device, d);
	return say_kind(err, ifname, d);
}

/* --- the end of a userspace process --- */

int wg_watch_userspace(const char *ifname)
{
	int fd = wg_uapi_connect(ifname);

	return fd < 0 ? -1 : fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_ms(int64_t until)
{
	int64_t left = until - now_ms();

	return left > 0 ? (int)left : 0;
}

/* Nothing is asked over the connection, so all there is to read is its end. */
static void await_hangup(int fd, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };
	int n;

	do
		n = poll(&p, 1, left_ms(until));
	while (n < 0 && errno == EINTR);
}

/* It removes its socket as it ends; one that was killed leaves it to wg_uapi_connect(). */
static void await_socket_removal(const char *ifname, int64_t until)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	while (wg_is_userspace(ifname) && left_ms(until))
		nanosleep(&pause, NULL);
}

void wg_await_userspace_exit(const char *ifname, int fd, int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	if (fd < 0)
		return;
	if (timeout_ms > 0) {
		await_hangup(fd, until);
		await_socket_removal(ifname, until);
	}
	close(fd);
}

/* --- all devices --- */

static bool is_listed(const struct wg_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!strcmp(names->v[i], name))
			return true;
	}
	return false;
}

static void add_name(struct wg_names *out, const char *name, size_t n)
{
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = arena_strndup(out->arena, name, n);
}

static int list_kernel(struct nl *rtnl, struct wg_names *out, struct diag *d)
{
	struct rtnl_links links = { .arena = out->arena };
	int err = rtnl_get_links(rtnl, &links, d);

	for (size_t i = 0; i < links.n && !err; i++) {
		if (!strcmp(links.v[i].kind, "wireguard"))
			add_name(out, links.v[i].name, strlen(links.v[i].name));
	}
	return err;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sockets are seen from every namespace, links are not. */
static void list_userspace(struct wg_names *out)
{
	DIR *dir CLEANUP(close_dir) = opendir("/var/run/wireguard");
	size_t first = out->n;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);
		char name[IFNAMSIZ];

		if (n <= 5 || n - 5 >= sizeof(name) || strcmp(entry->d_name + n - 5, ".sock") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n - 5), entry->d_name);
		if (if_nametoindex(name) && !is_listed(out, name) && wg_is_userspace(name))
			add_name(out, name, n - 5);
	}
	if (out->n > first)
		qsort(out->v + first, out->n - first, sizeof(*out->v), by_name);
}

int wg_list(struct nl *rtnl, struct wg_names *out, struct diag *d)
{
	int err = list_kernel(rtnl, out, d);

	if (!err)
		list_userspace(out);
	return err;
}
