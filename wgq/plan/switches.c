/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/switches.h"

#include <errno.h>

#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/sysctl.h"

enum { NAME_SIZE = 128 };

static const char all_ipv6[] = "net/ipv6/conf/all/forwarding";

/* The switch that an interface has of its own. */
struct kind {
	const char *family; /* "ipv4" */
	const char *leaf;   /* "forwarding" */
};

static const char *switch_name(char name[NAME_SIZE], const struct kind *kind, const char *ifname)
{
	snprintf(name, NAME_SIZE, "net/%s/conf/%s/%s", kind->family, ifname, kind->leaf);
	return name;
}

/* Of a dry run by others than root nothing is known. */
static int check_writable(const char *name, const char *ifname, struct diag *d)
{
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (!access(path, W_OK) || geteuid())
		return 0;
	return diag_set(d, errno,
			"Forward needs a switch for %s that cannot be set: %s: %s; for a container "
			"pass --sysctl net.ipv4.conf.all.forwarding=1 (and "
			"net.ipv6.conf.all.forwarding=1 for IPv6)",
			ifname, path, strerror(errno));
}

static void push(struct switches *out, const char *name, int value, int old, bool stays)
{
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = (struct wanted_switch){
		.op = { .name = arena_strndup(out->arena, name, strlen(name)),
			.value = value,
			.old = old,
			.needed = true },
		.stays = stays,
	};
}

/* A new interface starts with a copy of conf/default. */
static int want_own(struct switches *out, const struct kind *kind, const char *ifname,
		    struct diag *d)
{
	char name[NAME_SIZE];
	int value, err;

	if (!sysctl_read(switch_name(name, kind, "default"), &value) && value == 1)
		return 0;
	err = check_writable(name, ifname, d);
	if (err)
		return err;
	push(out, switch_name(name, kind, ifname), 1, 0, false);
	return 0;
}

/* One that is on already is ours too if it was a tunnel that turned it on. */
static int want_other(struct switches *out, const struct kind *kind, const char *ifname,
		      const struct claims *claims, struct diag *d)
{
	const struct op_sysctl *claim;
	char name[NAME_SIZE];
	int value, err;

	if (sysctl_read(switch_name(name, kind, ifname),
			&value)) /* gone, or not of this protocol */
		return 0;
	claim = claims_find(claims, name);
	if (value == 1) {
		if (!claim)
			return 0;
		push(out, name, 1, claim->old, false);
		out->v[out->n - 1].op.shared = true;
		return 0;
	}
	err = check_writable(name, ifname, d);
	if (!err)
		push(out, name, 1, value, false);
	return err;
}

static bool is_other_side(const struct link *link, const char *ifname)
{
	return link->flags & IFF_UP && !(link->flags & IFF_LOOPBACK) &&
	       strcmp(link->name, ifname) != 0;
}

static int want_others(struct switches *out, const struct rtnl_links *links,
		       const struct kind *kind, const char *ifname, const struct claims *claims,
		       struct diag *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < links->n; i++)
		if (is_other_side(&links->v[i], ifname))
			err = want_other(out, kind, links->v[i].name, claims, d);
	return err;
}

/* A host that forwards takes no router advertisements, and so loses its own default route, unless
 * accept_ra is 2. */
static int want_host(struct switches *out, const struct rtnl_links *links, const char *ifname,
		     struct diag *d)
{
	static const struct kind accept_ra = { "ipv6", "accept_ra" };
	char name[NAME_SIZE];
	int value, err;

	if (!sysctl_read(all_ipv6, &value) && value == 1)
		return 0;
	err = check_writable(all_ipv6, ifname, d);
	for (size_t i = 0; !err && i < links->n; i++) {
		if (!sysctl_read(switch_name(name, &accept_ra, links->v[i].name), &value) &&
		    value == 1 && is_other_side(&links->v[i], ifname))
			push(out, name, 2, 1, true);
	}
	if (!err)
		push(out, all_ipv6, 1, 0, true);
	return err;
}

int switches_want(struct switches *out, struct host *h, const char *ifname, uint8_t family,
		  bool replies, const struct claims *claims, struct diag *d)
{
	static const struct kind ipv4 = { "ipv4", "forwarding" },
				 ipv6 = { "ipv6", "force_forwarding" };
	const struct kind *kind = family == AF_INET6 ? &ipv6 : &ipv4;
	char name[NAME_SIZE];
	struct rtnl_links links = { .arena = out->arena };
	int ignored, err;
	bool has_own = !sysctl_read(switch_name(name, kind, "default"), &ignored);

	if (!has_own || replies) {
		err = rtnl_get_links(&h->rtnl, &links, d);
		if (err)
			return err;
	}
	if (!has_own)
		return want_host(out, &links, ifname, d);
	err = want_own(out, kind, ifname, d);
	return err || !replies ? err : want_others(out, &links, kind, ifname, claims, d);
}
