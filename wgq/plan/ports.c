/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has the ListenPort; the other parts are in ports_folder.c and ports_nat.c. */
#include <errno.h>

#include "wgq/base/text.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/socks.h"
#include "wgq/plan/ports_part.h"
#include "wgq/plan/record.h"

enum { PORTS = UINT16_MAX + 1, PRIVILEGED = 1024 };

/* --- ports --- */

void ports_speak_for(struct ports *p, uint16_t port)
{
	p->spoken_for[port / 8] |= (uint8_t)(1U << port % 8);
}

/* As WireGuard will: IPv4, then IPv6 where there is any. Other errors than EADDRINUSE are not about
 * others: a dry run may not have a privileged port. */
static bool is_taken(uint16_t port)
{
	return socks_try_udp(AF_INET, port) == -EADDRINUSE ||
	       socks_try_udp(AF_INET6, port) == -EADDRINUSE;
}

static bool can_suggest(const struct ports *p, int port)
{
	int err;

	if (p->spoken_for[port / 8] & 1U << port % 8)
		return false;
	err = socks_try_udp(AF_INET, (uint16_t)port);
	if (err && err != -EAFNOSUPPORT)
		return false;
	err = socks_try_udp(AF_INET6, (uint16_t)port);
	return !err || err == -EAFNOSUPPORT;
}

uint16_t ports_suggest(const struct ports *p)
{
	for (int port = p->port + 1; port < PORTS; port++)
		if (can_suggest(p, port))
			return (uint16_t)port;
	for (int port = p->port - 1; port >= PRIVILEGED; port--)
		if (can_suggest(p, port))
			return (uint16_t)port;
	return 0;
}

/* --- who has it --- */

/* All sockets of one owner. */
struct owner {
	const struct sock_holder *holder; /* the first process; NULL: none was found */
	size_t nholders;
	uint32_t uid;
	const char *wg;    /* the WireGuard interface that it is; NULL: it is none */
	const char *file;  /* where that one comes from; NULL: not known */
	const char *where; /* the first addresses */
	size_t nsocks;
	bool is_everywhere; /* on all addresses, of IPv4 at least */
};

struct owners {
	struct owner *v;
	size_t n, capacity;
	bool is_own; /* the tunnel itself has the port */
};

/*
 * The interface whose socket the kernel made. Two may name the port, where one has come from
 * another network namespace and left its socket there: our own is believed first.
 */
static const char *find_kernel_wg(const struct ports *p)
{
	struct rtnl_links links = { .arena = p->arena };
	const char *found = NULL;
	struct diag ignored; /* not root: then nobody knows */

	if (rtnl_get_links(&p->h->rtnl, &links, &ignored))
		return NULL;
	for (size_t i = 0; i < links.n; i++) {
		struct arena scratch CLEANUP(arena_fini) = { 0 };
		const struct link *link = &links.v[i];
		struct wg_device device = { 0 };

		if (strcmp(link->kind, "wireguard") != 0 || !(link->flags & IFF_UP) ||
		    wg_get(&p->h->wg, &device, &scratch, link->name, &ignored) ||
		    device.listen_port != p->port)
			continue;
		if (!found || !strcmp(link->name, p->ifname))
			found = link->name;
	}
	return found;
}

/* Where an interface of another tunnel comes from: its record knows, else the usual place has it.
 */
static const char *find_file(const struct ports *p, const char *ifname)
{
	struct rundir dir CLEANUP(rundir_close) = { .fd = -1 };
	const char *path = NULL;
	struct diag ignored;

	if (!rundir_open(&dir, false, &ignored))
		path = record_find_config(&dir, ifname, p->arena);
	if (!path)
		path = arena_printf(p->arena, "/etc/wireguard/%s.conf", ifname);
	return access(path, F_OK) ? NULL : path;
}

static bool is_same_owner(const struct owner *owner, const struct sock *sock)
{
	if (!owner->holder || !sock->nholders)
		return !owner->holder && !sock->nholders && owner->uid == sock->uid;
	return owner->holder->pid == sock->holders[0].pid;
}

static struct owner *find_owner(struct owners *owners, const struct ports *p,
				const struct sock *sock)
{
	struct owner *owner;

	for (size_t i = 0; i < owners->n; i++)
		if (is_same_owner(&owners->v[i], sock))
			return &owners->v[i];
	owner = ARENA_PUSH(p->arena, owners->v, owners->n, owners->capacity);
	*owner = (struct owner){
		.holder = sock->nholders ? &sock->holders[0] : NULL,
		.nholders = sock->nholders,
		.uid = sock->uid,
		.wg = sock->nholders ? sock->holders[0].wg : find_kernel_wg(p),
	};
	if (owner->wg)
		owner->file = find_file(p, owner->wg);
	return owner;
}

static bool is_any(const struct prefix *addr)
{
	static const uint8_t any[16];

	return !memcmp(addr->addr, any, family_bytes(addr->family));
}

/* "192.0.2.1", "0.0.0.0 at eth0"; all of IPv4 is nothing to be told of. */
static const char *format_where(struct arena *a, const struct sock *sock)
{
	char addr[PREFIX_TEXT], link[IFNAMSIZ];

	prefix_format_addr(addr, &sock->addr);
	if (!sock->ifindex && is_any(&sock->addr))
		return arena_printf(a, "all of IPv6 (%s)", addr);
	if (!sock->ifindex)
		return arena_printf(a, "%s", addr);
	if (!if_indextoname((unsigned)sock->ifindex, link))
		snprintf(link, sizeof(link), "%d", sock->ifindex);
	return arena_printf(a, "%s at %s", addr, link);
}

static void add_sock(struct owner *owner, struct arena *a, const struct sock *sock)
{
	const char *where;

	if (!sock->ifindex && is_any(&sock->addr) &&
	    (sock->addr.family == AF_INET || !sock->is_v6only))
		owner->is_everywhere = true;
	if (owner->nsocks++ >= PORTS_RELATED_MAX)
		return;
	where = format_where(a, sock);
	owner->where = owner->where ? arena_printf(a, "%s, %s", owner->where, where) : where;
}

static void find_owners(struct owners *owners, const struct ports *p, struct socks *socks)
{
	if (socks->n)
		socks_find_holders(socks);
	for (size_t i = 0; i < socks->n; i++) {
		struct owner *owner = find_owner(owners, p, &socks->v[i]);

		if (owner->wg && !strcmp(owner->wg, p->ifname))
			owners->is_own = true;
		add_sock(owner, p->arena, &socks->v[i]);
	}
}

/* --- what is said of it --- */

/* "dnsmasq (pid 812) and 2 more processes" */
static const char *name_processes(struct arena *a, const struct owner *owner)
{
	const char *name = owner->holder->name;
	char shown[64];

	text_escape(shown, sizeof(shown), (struct str){ name, strlen(name) });
	if (owner->nholders == 1)
		return arena_printf(a, "%s (pid %d)", shown, (int)owner->holder->pid);
	return arena_printf(a, "%s (pid %d) and %zu more process%s", shown, (int)owner->holder->pid,
			    owner->nholders - 1, owner->nholders > 2 ? "es" : "");
}

static const char *name_wg(struct arena *a, const struct owner *owner)
{
	const char *file = owner->file ? owner->file : "";
	char shown[PATH_MAX];

	text_escape(shown, sizeof(shown), (struct str){ file, strlen(file) });
	return arena_printf(a, "the WireGuard interface %s%s%s%s%s", owner->wg, *file ? " of " : "",
			    shown, owner->holder ? ", by " : "",
			    owner->holder ? name_processes(a, owner) : "");
}

static const char *name_owner(struct arena *a, const struct owner *owner, bool saw_everybody)
{
	if (owner->wg)
		return name_wg(a, owner);
	if (owner->holder)
		return name_processes(a, owner);
	if (owner->uid)
		return arena_printf(a, "a process of user %u that cannot be seen from here",
				    owner->uid);
	return saw_everybody ? "the kernel itself: no process has the socket"
			     : "the kernel itself, or a process that cannot be seen from here";
}

/* " on 192.0.2.1" */
static const char *name_where(struct arena *a, const struct owner *owner)
{
	if (owner->is_everywhere)
		return "";
	if (owner->nsocks > PORTS_RELATED_MAX)
		return arena_printf(a, " on %s and %zu more addresses", owner->where,
				    owner->nsocks - PORTS_RELATED_MAX);
	return arena_printf(a, " on %s", owner->where);
}

static const char *way_out(struct arena *a, const struct owner *owner)
{
	if (owner && owner->wg)
		return arena_printf(a, "take %s down", owner->wg);
	if (owner && owner->holder)
		return arena_printf(a, "stop %s", name_processes(a, owner));
	return "end what has it";
}

static void help(struct ports *p, size_t finding, const struct owner *owner)
{
	uint16_t port = ports_suggest(p);
	const char *other = way_out(p->arena, owner);

	if (port)
		finding_help(p->f, finding, "write ListenPort = %u, or %s", port, other);
	else
		finding_help(p->f, finding, "%s", other);
}

/* Shows the other file's line, about which port-shared then has nothing to add. */
static void relate_file(struct ports *p, size_t finding, const struct owner *owner)
{
	struct port_file file;

	if (!owner->file || !ports_read_file(&file, p->arena, owner->file))
		return;
	if (file.port == p->port)
		finding_relate(p->f, finding, file.at, "the same port here");
	for (size_t i = 0; i < p->nfiles; i++)
		p->files[i].is_named |= p->files[i].dev == file.dev && p->files[i].ino == file.ino;
}

static void report_owner(struct ports *p, const struct owner *owner, bool saw_everybody)
{
	size_t i = finding_add(p->f, FINDING_PORT_IN_USE, p->at, "UDP port %u is taken%s by %s",
			       p->port, name_where(p->arena, owner),
			       name_owner(p->arena, owner, saw_everybody));

	relate_file(p, i, owner);
	help(p, i, owner);
}

static void report_unknown(struct ports *p, const char *why)
{
	size_t i = finding_add(p->f, FINDING_PORT_IN_USE, p->at,
			       "UDP port %u is taken, by whom cannot be found out%s%s", p->port,
			       *why ? ": " : "", why);

	help(p, i, NULL);
}

static void check_in_use(struct ports *p)
{
	struct socks socks = { .arena = p->arena };
	struct owners owners = { 0 };
	struct diag why = { "" };

	if (!is_taken(p->port))
		return;
	if (!socks_get_udp(&socks, p->port, &why))
		find_owners(&owners, p, &socks);
	if (owners.is_own)
		return;
	for (size_t i = 0; i < owners.n; i++)
		report_owner(p, &owners.v[i], socks.saw_everybody);
	if (!owners.n && is_taken(p->port)) /* still */
		report_unknown(p, why.text);
}

int ports_check(struct findings *f, struct host *h, const struct config *c, const char *ifname,
		struct diag *d)
{
	struct ports p = { .arena = c->arena, .f = f, .h = h, .c = c, .ifname = ifname, .d = d };

	if (!(c->device.flags & DEVICE_HAS_LISTEN_PORT) || !c->device.listen_port)
		return 0;
	p.port = c->device.listen_port;
	p.at = source_place(&c->source, c->listen_port_at);
	p.spoken_for = arena_alloc(c->arena, PORTS / 8);
	ports_read_folder(&p);
	check_in_use(&p);
	ports_report_shared(&p);
	return ports_check_nat(&p);
}
