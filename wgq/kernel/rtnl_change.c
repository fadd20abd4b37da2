/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* --- links --- */

/* ip link add NAME type wireguard */
int rtnl_add_link(struct nl *nl, const char *name, struct diag *d)
{
	static const char kind[] = "wireguard";
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;
	char what[64];

	if (strlen(name) >= IFNAMSIZ)
		return diag_sys(d, EINVAL, "add link %.32s", name);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put(nlh, IFLA_INFO_KIND, sizeof(kind) - 1, kind);
	mnl_attr_nest_end(nlh, info);
	snprintf(what, sizeof(what), "add link %s", name);
	return nl_request(nl, nlh, NULL, NULL, d, what);
}

/* ip link delete dev NAME */
int rtnl_del_link(struct nl *nl, int ifindex, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_DELLINK, 0);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_index = ifindex;
	return nl_request(nl, nlh, NULL, NULL, d, "delete link");
}

/* ip link set mtu MTU up dev NAME */
int rtnl_set_link(struct nl *nl, int ifindex, uint32_t mtu, bool up, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	char what[64];
	int n;

	ifm->ifi_index = ifindex;
	ifm->ifi_change = IFF_UP;
	ifm->ifi_flags = up ? IFF_UP : 0;
	n = snprintf(what, sizeof(what), "set link %s", up ? "up" : "down");
	if (mtu) {
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
		snprintf(what + n, sizeof(what) - (size_t)n, ", mtu %u", mtu);
	}
	return nl_request(nl, nlh, NULL, NULL, d, what);
}

/* --- addresses, routes, rules: many at once --- */

struct change {
	bool add;
	int ifindex; /* of addresses */
	union {
		const struct prefix *(*addr)(size_t i, void *data);
		const struct route *(*route)(size_t i, void *data);
		const struct rule *(*rule)(size_t i, void *data);
	} get;
	nl_batch_settle settle;
	void *data;
};

static int settle_change(size_t i, int err, void *data)
{
	const struct change *c = data;

	return c->settle ? c->settle(i, err, c->data) : err;
}

static void *put_header(struct nlmsghdr *nlh, const struct change *c, uint16_t add, uint16_t delete,
			size_t size)
{
	nlh->nlmsg_type = c->add ? add : delete;
	nlh->nlmsg_flags = c->add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	return mnl_nlmsg_put_extra_header(nlh, size);
}

/* Numbers below 256 fit the header. Returns what goes there. */
static uint8_t put_table(struct nlmsghdr *nlh, uint16_t attribute, uint32_t table)
{
	if (table < 256)
		return (uint8_t)table;
	mnl_attr_put_u32(nlh, attribute, table);
	return RT_TABLE_UNSPEC;
}

/* ip address add ADDR/LEN dev NAME */
static void build_addr(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data)
{
	const struct change *c = data;
	const struct prefix *p = c->get.addr(i, c->data);
	struct ifaddrmsg *ifa = put_header(nlh, c, RTM_NEWADDR, RTM_DELADDR, sizeof(*ifa));

	(void)nl;
	ifa->ifa_family = p->family;
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = (uint32_t)c->ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, family_bytes(p->family), p->addr);
	mnl_attr_put(nlh, IFA_ADDRESS, family_bytes(p->family), p->addr);
}

/* ip route add PREFIX dev NAME [table TABLE] */
static void build_route(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data)
{
	const struct change *c = data;
	const struct route *r = c->get.route(i, c->data);
	struct rtmsg *rtm = put_header(nlh, c, RTM_NEWROUTE, RTM_DELROUTE, sizeof(*rtm));
	bool on_link = r->dst.family == AF_INET;

	(void)nl;
	rtm->rtm_family = r->dst.family;
	rtm->rtm_dst_len = r->dst.len;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_protocol = c->add && !r->protocol ? RTPROT_BOOT : r->protocol;
	rtm->rtm_scope = on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put(nlh, RTA_DST, family_bytes(r->dst.family), r->dst.addr);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r->oif);
	rtm->rtm_table = put_table(nlh, RTA_TABLE, r->table ? r->table : RT_TABLE_MAIN);
}

/*
 * ip rule add not fwmark MARK table TABLE
 * ip rule add table main suppress_prefixlength 0
 *
 * A deletion carries all that is known of the rule, so that no other one goes.
 */
static void build_rule(struct nl *nl, struct nlmsghdr *nlh, size_t i, void *data)
{
	const struct change *c = data;
	const struct rule *r = c->get.rule(i, c->data);
	struct fib_rule_hdr *frh = put_header(nlh, c, RTM_NEWRULE, RTM_DELRULE, sizeof(*frh));

	(void)nl;
	frh->family = r->family;
	frh->action = FR_ACT_TO_TBL;
	frh->flags = r->invert ? FIB_RULE_INVERT : 0;
	if (r->priority)
		mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	if (r->fwmark)
		mnl_attr_put_u32(nlh, FRA_FWMARK, r->fwmark);
	frh->table = put_table(nlh, FRA_TABLE, r->table);
	if (r->suppress_prefixlen >= 0)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, (uint32_t)r->suppress_prefixlen);
}

int rtnl_addrs(struct nl *nl, bool add, int ifindex, size_t n,
	       const struct prefix *(*get)(size_t i, void *data), nl_batch_settle settle,
	       void *data, size_t *failed, struct diag *d)
{
	struct change c = {
		.add = add, .ifindex = ifindex, .get.addr = get, .settle = settle, .data = data
	};

	return nl_batch(nl, n, build_addr, settle_change, &c, failed, d);
}

int rtnl_routes(struct nl *nl, bool add, size_t n, const struct route *(*get)(size_t i, void *data),
		nl_batch_settle settle, void *data, size_t *failed, struct diag *d)
{
	struct change c = { .add = add, .get.route = get, .settle = settle, .data = data };

	return nl_batch(nl, n, build_route, settle_change, &c, failed, d);
}

int rtnl_rules(struct nl *nl, bool add, size_t n, const struct rule *(*get)(size_t i, void *data),
	       nl_batch_settle settle, void *data, size_t *failed, struct diag *d)
{
	struct change c = { .add = add, .get.rule = get, .settle = settle, .data = data };

	return nl_batch(nl, n, build_rule, settle_change, &c, failed, d);
}
