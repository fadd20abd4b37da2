/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

enum {
	ALTERNATIVE_NAME_MAX = 127
}; /* the kernel's ALTIFNAMSIZ, whose header clashes with net/if.h */

/* A list that a dump appends to. */
struct dump {
	void *out;
	size_t *n, had; /* its length now and before the dump */
	uint8_t family;
	uint32_t table;
	int ifindex;
};

/* An interrupted dump is forgotten, what was there before is not. */
static void forget(void *data)
{
	struct dump *dump = data;

	*dump->n = dump->had;
}

static int stop(int err)
{
	errno = -err;
	return MNL_CB_ERROR;
}

/* --- links --- */

static void copy_string(char *to, size_t size, const struct nlattr *attr)
{
	size_t n = attr ? strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)) : 0;

	n = n < size ? n : size - 1;
	if (n)
		memcpy(to, mnl_attr_get_payload(attr), n);
	to[n] = '\0';
}

static int parse_link(const struct nlmsghdr *nlh, struct link *link)
{
	static const uint8_t least[IFLA_LINKINFO + 1] = { [IFLA_MTU] = 4 };
	static const uint8_t least_info[IFLA_INFO_KIND + 1];
	const struct nlattr *tb[IFLA_LINKINFO + 1], *info[IFLA_INFO_KIND + 1] = { 0 };
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);
	int err = nl_parse(nlh, sizeof(*ifm), tb, least, IFLA_LINKINFO);

	if (!err && tb[IFLA_LINKINFO])
		err = nl_parse_nested(tb[IFLA_LINKINFO], info, least_info, IFLA_INFO_KIND);
	if (err)
		return err;
	*link = (struct link){
		.index = ifm->ifi_index,
		.flags = ifm->ifi_flags,
		.mtu = tb[IFLA_MTU] ? mnl_attr_get_u32(tb[IFLA_MTU]) : 0,
	};
	copy_string(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	copy_string(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
	return 0;
}

static int one_link(const struct nlmsghdr *nlh, void *data)
{
	int err;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	err = parse_link(nlh, data);
	return err ? stop(err) : MNL_CB_STOP;
}

/* A missing link is an answer, not an error: nothing is recorded for it. */
static int request_link(struct nl *nl, struct nlmsghdr *nlh, struct link *link, struct diag *d,
			const char *what)
{
	struct diag own = { 0 };
	int err;

	*link = (struct link){ 0 };
	err = nl_request(nl, nlh, one_link, link, &own, what);
	if (!err && !link->index)
		err = diag_sys(&own, EPROTO, "%s", what);
	if (err && err != -ENODEV)
		*d = own;
	return err;
}

int rtnl_get_link(struct nl *nl, struct link *link, const char *name, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETLINK, 0);
	bool is_alternative = strlen(name) >= IFNAMSIZ;
	char what[64];

	if (!*name || strlen(name) > ALTERNATIVE_NAME_MAX)
		return -ENODEV;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	/* the kernel looks for alternative names in both, but takes long ones in one only */
	mnl_attr_put_strz(nlh, is_alternative ? IFLA_ALT_IFNAME : IFLA_IFNAME, name);
	snprintf(what, sizeof(what), "read link %s", name);
	return request_link(nl, nlh, link, d, what);
}

int rtnl_get_link_by_index(struct nl *nl, struct link *link, int index, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETLINK, 0);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	char what[64];

	if (index <= 0)
		return -ENODEV;
	ifm->ifi_index = index;
	snprintf(what, sizeof(what), "read link %d", index);
	return request_link(nl, nlh, link, d, what);
}

static int add_link(const struct nlmsghdr *nlh, void *data)
{
	const struct dump *dump = data;
	struct rtnl_links *out = dump->out;
	struct link link;
	int err;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	err = parse_link(nlh, &link);
	if (err)
		return stop(err);
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = link;
	return MNL_CB_OK;
}

int rtnl_get_links(struct nl *nl, struct rtnl_links *out, struct diag *d)
{
	struct dump dump = { .out = out, .n = &out->n, .had = out->n };
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETLINK, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return nl_dump(nl, nlh, add_link, forget, &dump, d, "read links");
}

/* --- addresses --- */

/* The address in an attribute, or false if it has not the family's size. */
static bool read_addr(struct prefix *p, uint8_t family, uint8_t len, const struct nlattr *attr)
{
	*p = (struct prefix){ .family = family, .len = len };
	if (!attr)
		return true;
	if (mnl_attr_get_payload_len(attr) != family_bytes(family))
		return false;
	memcpy(p->addr, mnl_attr_get_payload(attr), family_bytes(family));
	return true;
}

static bool is_ip(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static int add_addr(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[IFA_LOCAL + 1];
	const struct nlattr *tb[IFA_LOCAL + 1];
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct dump *dump = data;
	struct rtnl_addrs *out = dump->out;
	struct prefix p;

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	if (nl_parse(nlh, sizeof(*ifa), tb, least, IFA_LOCAL))
		return stop(-EBADMSG);
	if (!is_ip(ifa->ifa_family) || ifa->ifa_index != (uint32_t)dump->ifindex)
		return MNL_CB_OK;
	/* IPv6 has IFA_LOCAL only beside a different peer address */
	if (!read_addr(&p, ifa->ifa_family, ifa->ifa_prefixlen,
		       tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]))
		return stop(-EBADMSG);
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = p;
	return MNL_CB_OK;
}

/* Dumps; a dump that the kernel answers with this errno is empty, and nothing is recorded. */
static int dump_unless(int empty, struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t reply,
		       void (*restart)(void *), void *data, struct diag *d, const char *what)
{
	struct diag own = { 0 };
	int err = nl_dump(nl, nlh, reply, restart, data, &own, what);

	if (err == empty || err == -ENODEV)
		return 0;
	if (err)
		*d = own;
	return err;
}

int rtnl_get_addrs(struct nl *nl, struct rtnl_addrs *out, int ifindex, struct diag *d)
{
	struct dump dump = { .out = out, .n = &out->n, .had = out->n, .ifindex = ifindex };
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETADDR, 0);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_index = (uint32_t)ifindex;
	return dump_unless(-ENODEV, nl, nlh, add_addr, forget, &dump, d, "read addresses");
}

/* --- routes --- */

/* What is read of a route: what the model holds, and what path MTUs need. */
struct route_info {
	struct route route;
	uint32_t mtu; /* its own or cached one; 0: none, or locked */
	bool is_cloned;
};

static int parse_metrics(const struct nlattr *metrics, uint32_t *mtu)
{
	static const uint8_t least[RTAX_MTU + 1] = { [RTAX_LOCK] = 4, [RTAX_MTU] = 4 };
	const struct nlattr *tb[RTAX_MTU + 1];
	int err = nl_parse_nested(metrics, tb, least, RTAX_MTU);

	if (err || !tb[RTAX_MTU])
		return err;
	if (!tb[RTAX_LOCK] || !(mnl_attr_get_u32(tb[RTAX_LOCK]) & (1U << RTAX_MTU)))
		*mtu = mnl_attr_get_u32(tb[RTAX_MTU]);
	return 0;
}

static int parse_route(const struct nlmsghdr *nlh, struct route_info *info)
{
	static const uint8_t least[RTA_TABLE + 1] = { [RTA_OIF] = 4, [RTA_TABLE] = 4 };
	const struct nlattr *tb[RTA_TABLE + 1];
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	*info = (struct route_info){ 0 };
	if (nl_parse(nlh, sizeof(*rtm), tb, least, RTA_TABLE))
		return -EBADMSG;
	info->is_cloned = rtm->rtm_flags & RTM_F_CLONED;
	info->route.table = tb[RTA_TABLE] ? mnl_attr_get_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	info->route.protocol = rtm->rtm_protocol;
	if (tb[RTA_OIF])
		info->route.oif = (int)mnl_attr_get_u32(tb[RTA_OIF]);
	if (tb[RTA_METRICS] && parse_metrics(tb[RTA_METRICS], &info->mtu))
		return -EBADMSG;
	if (!is_ip(rtm->rtm_family))
		return 0; /* a multicast route; dst stays unset */
	return read_addr(&info->route.dst, rtm->rtm_family, rtm->rtm_dst_len, tb[RTA_DST])
		       ? 0
		       : -EBADMSG;
}

static int add_route(const struct nlmsghdr *nlh, void *data)
{
	const struct dump *dump = data;
	struct rtnl_routes *out = dump->out;
	struct route_info info;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (parse_route(nlh, &info))
		return stop(-EBADMSG);
	if (info.is_cloned || info.route.dst.family != dump->family ||
	    (dump->table && info.route.table != dump->table) ||
	    (dump->ifindex && info.route.oif != dump->ifindex))
		return MNL_CB_OK;
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = info.route;
	return MNL_CB_OK;
}

/* A request for the routes of a family, with the filters that strict checking kernels honour. */
static struct nlmsghdr *routes_message(struct nl *nl, uint8_t family, uint32_t table, int oif)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = family;
	if (table)
		mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (oif)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)oif);
	return nlh;
}

int rtnl_get_routes(struct nl *nl, struct rtnl_routes *out, uint8_t family, uint32_t table, int oif,
		    struct diag *d)
{
	struct dump dump = { .out = out,
			     .n = &out->n,
			     .had = out->n,
			     .family = family,
			     .table = table,
			     .ifindex = oif };
	struct nlmsghdr *nlh = routes_message(nl, family, table, oif);

	return dump_unless(-ENOENT, nl, nlh, add_route, forget, &dump, d, "read routes");
}

/* --- rules --- */

static uint32_t get_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr ? mnl_attr_get_u32(attr) : otherwise;
}

static bool is_known_rule_attr(uint16_t type)
{
	static const uint16_t known[] = {
		FRA_PRIORITY, FRA_FWMARK,   FRA_FWMASK,
		FRA_TABLE,    FRA_PROTOCOL, FRA_SUPPRESS_PREFIXLEN,
		FRA_PAD,      FRA_UNSPEC,   FRA_SUPPRESS_IFGROUP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i] == type)
			return true;
	}
	return false;
}

/* Has the rule selectors or an action that struct rule has no place for? */
static bool rule_is_foreign(const struct nlmsghdr *nlh, const struct nlattr *const *tb)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (frh->action != FR_ACT_TO_TBL || frh->src_len || frh->dst_len || frh->tos)
		return true;
	if (get_u32(tb[FRA_SUPPRESS_IFGROUP], UINT32_MAX) != UINT32_MAX)
		return true;
	/* a mark that was given without a mask has all its bits set */
	if (tb[FRA_FWMASK] &&
	    (!get_u32(tb[FRA_FWMARK], 0) || mnl_attr_get_u32(tb[FRA_FWMASK]) != UINT32_MAX))
		return true;
	/* the message, not tb: a newer kernel's attributes count too */
	mnl_attr_for_each(attr, nlh, sizeof(*frh))
	{
		if (!is_known_rule_attr(mnl_attr_get_type(attr)))
			return true;
	}
	return false;
}

static int add_rule(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[FRA_MAX + 1] = {
		[FRA_PRIORITY] = 4, [FRA_FWMARK] = 4,           [FRA_FWMASK] = 4,
		[FRA_TABLE] = 4,    [FRA_SUPPRESS_IFGROUP] = 4, [FRA_SUPPRESS_PREFIXLEN] = 4,
	};
	const struct nlattr *tb[FRA_MAX + 1];
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct dump *dump = data;
	struct rtnl_rules *out = dump->out;

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return MNL_CB_OK;
	if (nl_parse(nlh, sizeof(*frh), tb, least, FRA_MAX))
		return stop(-EBADMSG);
	if (!is_ip(frh->family))
		return MNL_CB_OK;
	*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = (struct rule){
		.family = frh->family,
		.invert = frh->flags & FIB_RULE_INVERT,
		.priority = get_u32(tb[FRA_PRIORITY], 0),
		.table = get_u32(tb[FRA_TABLE], frh->table),
		.fwmark = get_u32(tb[FRA_FWMARK], 0),
		.suppress_prefixlen = (int)get_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX),
		.foreign = rule_is_foreign(nlh, tb),
	};
	return MNL_CB_OK;
}

int rtnl_get_rules(struct nl *nl, struct rtnl_rules *out, uint8_t family, struct diag *d)
{
	struct dump dump = { .out = out, .n = &out->n, .had = out->n };
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETRULE, 0);
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	frh->family = family;
	return dump_unless(-EAFNOSUPPORT, nl, nlh, add_rule, forget, &dump, d, "read rules");
}

/* --- paths --- */

struct path {
	uint32_t mtu;
	int oif; /* whose MTU counts if mtu is 0 */
};

struct path_query {
	const struct prefix *addrs;
	struct path *paths;
};

static void build_path_query(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data)
{
	const struct path_query *query = data;
	const struct prefix *addr = &query->addrs[i];
	struct rtmsg *rtm;

	(void)nl;
	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = addr->family;
	rtm->rtm_dst_len = family_bits(addr->family);
	mnl_attr_put(nlh, RTA_DST, family_bytes(addr->family), addr->addr);
}

static void take_path(size_t i, const struct nlmsghdr *reply, int err, void *data)
{
	struct path_query *query = data;
	struct route_info info;

	(void)err; /* no route there */
	if (reply && reply->nlmsg_type == RTM_NEWROUTE && !parse_route(reply, &info))
		query->paths[i] = (struct path){ .mtu = info.mtu, .oif = info.route.oif };
}

/* Thousands of paths leave by a few links: each is read once. */
struct link_mtus {
	struct nl *nl;
	struct path seen[32];
	size_t n; /* counts on, the oldest make room */
};

static int link_mtu(struct link_mtus *links, int oif, uint32_t *mtu, struct diag *d)
{
	struct link link;
	struct path *entry;
	int err;

	for (size_t i = 0; i < links->n && i < ARRAY_SIZE(links->seen); i++) {
		if (links->seen[i].oif == oif) {
			*mtu = links->seen[i].mtu;
			return 0;
		}
	}
	err = rtnl_get_link_by_index(links->nl, &link, oif, d);
	if (err && err != -ENODEV)
		return err;
	entry = &links->seen[links->n++ % ARRAY_SIZE(links->seen)];
	*entry = (struct path){ .oif = oif, .mtu = err ? 0 : link.mtu };
	*mtu = entry->mtu;
	return 0;
}

static int path_mtu(struct link_mtus *links, const struct path *path, uint32_t *mtu, struct diag *d)
{
	*mtu = path->mtu;
	return path->mtu || !path->oif ? 0 : link_mtu(links, path->oif, mtu, d);
}

int rtnl_get_path_mtus(struct nl *nl, uint32_t *mtus, const struct prefix *addrs, size_t n,
		       struct diag *d)
{
	struct path *paths CLEANUP_FREE = calloc(n ? n : 1, sizeof(*paths));
	struct path_query query = { .addrs = addrs, .paths = paths };
	struct link_mtus links = { .nl = nl };
	int err;

	if (!paths)
		return diag_sys(d, ENOMEM, "look up routes");
	err = nl_query(nl, n, build_path_query, take_path, &query, d, "look up routes");
	for (size_t i = 0; i < n && !err; i++)
		err = path_mtu(&links, &paths[i], &mtus[i], d);
	return err;
}

int rtnl_get_path_links(struct nl *nl, int *ifindexes, const struct prefix *addrs, size_t n,
			struct diag *d)
{
	struct path *paths CLEANUP_FREE = calloc(n ? n : 1, sizeof(*paths));
	struct path_query query = { .addrs = addrs, .paths = paths };
	int err;

	if (!paths)
		return diag_sys(d, ENOMEM, "look up routes");
	err = nl_query(nl, n, build_path_query, take_path, &query, d, "look up routes");
	for (size_t i = 0; i < n && !err; i++)
		ifindexes[i] = paths[i].oif;
	return err;
}

/* The first of the dump is the one with the lowest metric. */
static int take_default(const struct nlmsghdr *nlh, void *data)
{
	struct path *path = data;
	struct route_info info;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (parse_route(nlh, &info))
		return stop(-EBADMSG);
	if (info.is_cloned || info.route.dst.family != AF_INET || info.route.dst.len ||
	    info.route.table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	*path = (struct path){ .mtu = info.mtu, .oif = info.route.oif };
	return MNL_CB_STOP;
}

static void forget_default(void *data)
{
	*(struct path *)data = (struct path){ 0 };
}

int rtnl_get_default_mtu(struct nl *nl, uint32_t *mtu, struct diag *d)
{
	struct nlmsghdr *nlh = routes_message(nl, AF_INET, RT_TABLE_MAIN, 0);
	struct link_mtus links = { .nl = nl };
	struct path path;
	int err = dump_unless(-ENOENT, nl, nlh, take_default, forget_default, &path, d,
			      "read default route");

	return err ? err : path_mtu(&links, &path, mtu, d);
}
