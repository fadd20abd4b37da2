/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/iptnft_find.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "hooks/nft_wire.h"

enum {
	/* The deletion of a rule takes at most that much: three attributes, names of 256 bytes. */
	DELETION_MAX = 640,
	/* What is left for the rest: deletions of our own chains and tables, and the end. */
	TIDY_MAX = 2048,
	NOT_FOUND = -1,
};

/* --- messages --- */

static struct nlmsghdr *start(struct iptnft_search *s, uint16_t type, uint8_t family,
			      uint16_t resource)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(s->room + s->used);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = s->seq;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(resource);
	return nlh;
}

static void finish(struct iptnft_search *s, const struct nlmsghdr *nlh)
{
	s->used += MNL_ALIGN(nlh->nlmsg_len);
}

static void begin(struct iptnft_search *s, uint32_t generation)
{
	struct nlmsghdr *nlh;

	s->used = 0;
	nlh = start(s, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	finish(s, nlh);
}

void iptnft_end(struct iptnft_search *s)
{
	finish(s, start(s, NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static void copy_attr(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	mnl_attr_put(nlh, mnl_attr_get_type(attr), mnl_attr_get_payload_len(attr),
		     mnl_attr_get_payload(attr));
}

/* Writes that message with those attributes of what was read. */
static void delete (struct iptnft_search *s, uint16_t type, const struct nlattr *const *attrs,
		    size_t n)
{
	struct nlmsghdr *nlh = start(s, NFNL_SUBSYS_NFTABLES << 8 | type, s->family, 0);

	for (size_t i = 0; i < n; i++)
		copy_attr(nlh, attrs[i]);
	finish(s, nlh);
}

/* --- what an object says of itself --- */

static bool says(const void *data, size_t size, const char *text)
{
	size_t length = strlen(text);

	return size > length && !memcmp(data, text, length + 1);
}

static bool is_named(const struct nlattr *attr, const char *text)
{
	return says(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), text);
}

static int find_table(const struct nlattr *name)
{
	for (int i = 0; i < IPTNFT_TABLES; i++)
		if (is_named(name, iptnft_tables[i]))
			return i;
	return NOT_FOUND;
}

static int find_chain(const struct nlattr *table, const struct nlattr *name)
{
	for (int i = 0; i < IPTNFT_CHAINS; i++)
		if (is_named(table, iptnft_chains[i].table) &&
		    is_named(name, iptnft_chains[i].name))
			return i;
	return NOT_FOUND;
}

/* Does user data (nft_comment()) hold that comment? */
static bool has_comment(const struct nlattr *userdata, const char *text)
{
	enum { HEAD = 2, COMMENT = 0 }; /* type, length; as in libnftnl's udata.h */
	const uint8_t *p = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t left = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	while (left >= HEAD && left - HEAD >= p[1]) {
		if (p[0] == COMMENT && says(p + HEAD, p[1], text))
			return true;
		left -= HEAD + (size_t)p[1];
		p += HEAD + p[1];
	}
	return false;
}

/* For nl_each_nested(): 1 if the expression is a match "comment" with that text. */
static int is_comment_match(const struct nlattr *attr, void *text)
{
	static const uint8_t least[NFTA_EXPR_MAX + 1], least_match[NFTA_MATCH_MAX + 1];
	const struct nlattr *e[NFTA_EXPR_MAX + 1], *m[NFTA_MATCH_MAX + 1];

	if (nl_parse_nested(attr, e, least, NFTA_EXPR_MAX))
		return -EBADMSG;
	if (!e[NFTA_EXPR_NAME] || !e[NFTA_EXPR_DATA] || !is_named(e[NFTA_EXPR_NAME], "match"))
		return 0;
	if (nl_parse_nested(e[NFTA_EXPR_DATA], m, least_match, NFTA_MATCH_MAX))
		return -EBADMSG;
	return m[NFTA_MATCH_NAME] && m[NFTA_MATCH_INFO] &&
	       is_named(m[NFTA_MATCH_NAME], "comment") && is_named(m[NFTA_MATCH_INFO], text);
}

/* --- reading --- */

static int dump(struct iptnft_search *s, struct nl *nl, uint16_t type, mnl_cb_t read,
		void (*restart)(void *data), struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, NFNL_SUBSYS_NFTABLES << 8 | type, 0);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = s->family;
	return nl_dump(nl, nlh, read, restart, s, d, "reading the tables of iptables");
}

static int refuse(int err)
{
	errno = err;
	return MNL_CB_ERROR;
}

static bool is_ours(const struct iptnft_search *s, const struct nlattr *const *tb, int *err)
{
	int match = 0;

	if (has_comment(tb[NFTA_RULE_USERDATA], s->comment))
		return true;
	if (tb[NFTA_RULE_EXPRESSIONS])
		match = nl_each_nested(tb[NFTA_RULE_EXPRESSIONS], is_comment_match,
				       (void *)s->comment);
	*err = match < 0 ? match : 0;
	return match > 0;
}

static int read_rule(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_RULE_MAX + 1] = { [NFTA_RULE_HANDLE] = 8 };
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct iptnft_search *s = data;
	int err = nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, NFTA_RULE_MAX), chain;

	if (err || !tb[NFTA_RULE_TABLE] || !tb[NFTA_RULE_CHAIN] || !tb[NFTA_RULE_HANDLE])
		return refuse(EBADMSG);
	if (find_table(tb[NFTA_RULE_TABLE]) == NOT_FOUND || !is_ours(s, tb, &err))
		return err ? refuse(-err) : MNL_CB_OK;
	if (s->used + DELETION_MAX + TIDY_MAX > IPTNFT_ROOM) {
		s->more = true;
		return MNL_CB_STOP;
	}
	delete (s, NFT_MSG_DELRULE,
		(const struct nlattr *[]){ tb[NFTA_RULE_TABLE], tb[NFTA_RULE_CHAIN],
					   tb[NFTA_RULE_HANDLE] },
		3);
	s->found++;
	chain = find_chain(tb[NFTA_RULE_TABLE], tb[NFTA_RULE_CHAIN]);
	if (chain != NOT_FOUND)
		s->by_chain[chain]++;
	return MNL_CB_OK;
}

static void forget_rules(void *data)
{
	struct iptnft_search *s = data;

	s->used = s->begun;
	s->found = 0;
	s->more = false;
	memset(s->by_chain, 0, sizeof(s->by_chain));
}

int iptnft_find(struct iptnft_search *s, struct nl *nl, struct diag *d)
{
	uint32_t generation;
	int err = nft_wire_generation(nl, &generation, d);

	if (err)
		return err;
	begin(s, generation);
	s->empty = s->begun = s->used;
	return dump(s, nl, NFT_MSG_GETRULE, read_rule, forget_rules, d);
}

/* --- what wgq made --- */

static int read_chain(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_CHAIN_MAX + 1] = {
		[NFTA_CHAIN_POLICY] = 4, [NFTA_CHAIN_USE] = 4
	};
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	struct iptnft_search *s = data;
	int at;

	if (nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, NFTA_CHAIN_MAX))
		return refuse(EBADMSG);
	if (!tb[NFTA_CHAIN_TABLE] || !tb[NFTA_CHAIN_NAME] || !tb[NFTA_CHAIN_POLICY] ||
	    !tb[NFTA_CHAIN_USE] || !has_comment(tb[NFTA_CHAIN_USERDATA], IPTNFT_MADE_BY))
		return MNL_CB_OK;
	at = find_chain(tb[NFTA_CHAIN_TABLE], tb[NFTA_CHAIN_NAME]);
	if (at == NOT_FOUND || ntohl(mnl_attr_get_u32(tb[NFTA_CHAIN_USE])) != s->by_chain[at] ||
	    ntohl(mnl_attr_get_u32(tb[NFTA_CHAIN_POLICY])) != NF_ACCEPT)
		return MNL_CB_OK;
	delete (s, NFT_MSG_DELCHAIN,
		(const struct nlattr *[]){ tb[NFTA_CHAIN_TABLE], tb[NFTA_CHAIN_NAME] }, 2);
	s->chains_by_table[find_table(tb[NFTA_CHAIN_TABLE])]++;
	return MNL_CB_OK;
}

static void forget_chains(void *data)
{
	struct iptnft_search *s = data;

	s->used = s->begun;
	memset(s->chains_by_table, 0, sizeof(s->chains_by_table));
}

static int read_table(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_TABLE_MAX + 1] = { [NFTA_TABLE_USE] = 4 };
	const struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct iptnft_search *s = data;
	int at;

	if (nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, NFTA_TABLE_MAX))
		return refuse(EBADMSG);
	if (!tb[NFTA_TABLE_NAME] || !tb[NFTA_TABLE_USE] ||
	    !has_comment(tb[NFTA_TABLE_USERDATA], IPTNFT_MADE_BY))
		return MNL_CB_OK;
	at = find_table(tb[NFTA_TABLE_NAME]);
	if (at != NOT_FOUND &&
	    ntohl(mnl_attr_get_u32(tb[NFTA_TABLE_USE])) == s->chains_by_table[at])
		delete (s, NFT_MSG_DELTABLE, &tb[NFTA_TABLE_NAME], 1);
	return MNL_CB_OK;
}

static void forget_tables(void *data)
{
	struct iptnft_search *s = data;

	s->used = s->begun;
}

int iptnft_tidy(struct iptnft_search *s, struct nl *nl, struct diag *d)
{
	int err;

	s->begun = s->used;
	err = dump(s, nl, NFT_MSG_GETCHAIN, read_chain, forget_chains, d);
	if (err)
		return err;
	s->begun = s->used;
	return dump(s, nl, NFT_MSG_GETTABLE, read_table, forget_tables, d);
}
