/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads nf_tables: all tables, chains, sets and rules by one dump each, and the elements of those
 * sets that rules on the way of a packet look up. The whole is of one generation, or read again.
 */
#include "hooks/ruleset_nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "hooks/nf_there.h"
#include "wgq/kernel/nl.h"

enum { READ_ATTEMPTS = 32 };

/* --- small things --- */

static bool family_counts(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
}

static uint8_t message_family(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return nfg->nfgen_family;
}

static const char *copy_string(struct nft_reader *r, const struct nlattr *attr)
{
	const char *text = mnl_attr_get_payload(attr);

	return arena_strndup(r->rs->arena, text, strnlen(text, mnl_attr_get_payload_len(attr)));
}

static uint32_t get_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr ? ntohl(mnl_attr_get_u32(attr)) : otherwise;
}

/* Parses a message of a family that counts. 0: it was filled in; 1: it does not count. */
static int parse(const struct nlmsghdr *nlh, const struct nlattr **tb, const uint8_t *least,
		 uint16_t max)
{
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return -EBADMSG;
	if (!family_counts(message_family(nlh)))
		return 1;
	return nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, max);
}

/* What a dump's callback returns for a status of ours. */
static int answer(int status)
{
	if (status >= 0)
		return MNL_CB_OK;
	errno = -status;
	return MNL_CB_ERROR;
}

static int dump(struct nft_reader *r, uint16_t what, mnl_cb_t reply, void (*restart)(void *data),
		struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(&r->nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nl_dump(&r->nl, nlh, reply, restart, r, d, "reading nf_tables");
}

/* --- tables: only those that sleep are of interest --- */

static int take_table(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_TABLE_MAX + 1] = {
		[NFTA_TABLE_NAME] = 1, [NFTA_TABLE_FLAGS] = 4
	};
	const struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct nft_reader *r = data;
	int err = parse(nlh, tb, least, NFTA_TABLE_MAX);

	if (err || !tb[NFTA_TABLE_NAME])
		return answer(err);
	if (get_u32(tb[NFTA_TABLE_FLAGS], 0) & NFT_TABLE_F_DORMANT)
		*ARENA_PUSH(r->rs->arena, r->dormant, r->ndormant, r->dormant_capacity) =
			(struct nft_table){ message_family(nlh),
					    copy_string(r, tb[NFTA_TABLE_NAME]) };
	return MNL_CB_OK;
}

static void forget_tables(void *data)
{
	struct nft_reader *r = data;

	r->ndormant = 0;
}

static bool is_dormant(const struct nft_reader *r, uint8_t family, const char *table)
{
	for (size_t i = 0; i < r->ndormant; i++)
		if (r->dormant[i].family == family && !strcmp(r->dormant[i].name, table))
			return true;
	return false;
}

/* --- chains --- */

static int take_hook(struct ruleset_chain *chain, const struct nlattr *const *chain_tb)
{
	static const uint8_t least[NFTA_HOOK_MAX + 1] = {
		[NFTA_HOOK_HOOKNUM] = 4, [NFTA_HOOK_PRIORITY] = 4
	};
	const struct nlattr *tb[NFTA_HOOK_MAX + 1], *type = chain_tb[NFTA_CHAIN_TYPE];
	int err = nl_parse_nested(chain_tb[NFTA_CHAIN_HOOK], tb, least, NFTA_HOOK_MAX);

	if (err)
		return err;
	chain->hook = (int)get_u32(tb[NFTA_HOOK_HOOKNUM], UINT32_MAX);
	chain->priority = (int32_t)get_u32(tb[NFTA_HOOK_PRIORITY], 0);
	chain->drops = get_u32(chain_tb[NFTA_CHAIN_POLICY], NF_ACCEPT) == NF_DROP;
	chain->nat = type &&
		     !strncmp(mnl_attr_get_payload(type), "nat", mnl_attr_get_payload_len(type));
	return 0;
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_CHAIN_MAX + 1] = { [NFTA_CHAIN_TABLE] = 1,
							   [NFTA_CHAIN_NAME] = 1,
							   [NFTA_CHAIN_POLICY] = 4,
							   [NFTA_CHAIN_TYPE] = 1 };
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	struct nft_reader *r = data;
	struct ruleset_chain *chain;
	int err = parse(nlh, tb, least, NFTA_CHAIN_MAX);

	if (err || !tb[NFTA_CHAIN_TABLE] || !tb[NFTA_CHAIN_NAME])
		return answer(err);
	chain = ruleset_add_chain(r->rs, FW_NFTABLES, message_family(nlh),
				  copy_string(r, tb[NFTA_CHAIN_TABLE]),
				  copy_string(r, tb[NFTA_CHAIN_NAME]));
	if (tb[NFTA_CHAIN_HOOK])
		err = take_hook(chain, tb);
	if (is_dormant(r, chain->family, chain->table))
		chain->hook = -1;
	return answer(err);
}

static void forget_chains(void *data)
{
	struct nft_reader *r = data;

	r->rs->nchains = r->chains_before;
}

/* --- sets --- */

static int take_field(const struct nlattr *attr, void *data)
{
	static const uint8_t least[NFTA_SET_FIELD_MAX + 1] = { [NFTA_SET_FIELD_LEN] = 4 };
	const struct nlattr *tb[NFTA_SET_FIELD_MAX + 1];
	struct ruleset_set *set = data;
	int err = nl_parse_nested(attr, tb, least, NFTA_SET_FIELD_MAX);

	if (err)
		return err;
	if (!tb[NFTA_SET_FIELD_LEN] || set->nfields == SET_FIELDS)
		return -EBADMSG;
	set->fields[set->nfields++] = (uint8_t)get_u32(tb[NFTA_SET_FIELD_LEN], 0);
	return 0;
}

static int take_description(struct ruleset_set *set, const struct nlattr *attr)
{
	static const uint8_t least[NFTA_SET_DESC_MAX + 1];
	const struct nlattr *tb[NFTA_SET_DESC_MAX + 1];
	int err = nl_parse_nested(attr, tb, least, NFTA_SET_DESC_MAX);

	if (err || !tb[NFTA_SET_DESC_CONCAT])
		return err;
	return nl_each_nested(tb[NFTA_SET_DESC_CONCAT], take_field, set);
}

static int take_set(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_SET_MAX + 1] = {
		[NFTA_SET_TABLE] = 1,     [NFTA_SET_NAME] = 1,     [NFTA_SET_FLAGS] = 4,
		[NFTA_SET_DATA_TYPE] = 4, [NFTA_SET_DATA_LEN] = 4, [NFTA_SET_KEY_LEN] = 4,
	};
	const struct nlattr *tb[NFTA_SET_MAX + 1];
	struct nft_reader *r = data;
	struct ruleset_set *set;
	int err = parse(nlh, tb, least, NFTA_SET_MAX);

	if (err || !tb[NFTA_SET_TABLE] || !tb[NFTA_SET_NAME])
		return answer(err);
	set = arena_alloc(r->rs->arena, sizeof(*set));
	*set = (struct ruleset_set){
		.family = message_family(nlh),
		.table = copy_string(r, tb[NFTA_SET_TABLE]),
		.name = copy_string(r, tb[NFTA_SET_NAME]),
		.flags = get_u32(tb[NFTA_SET_FLAGS], 0),
		.key_len = (uint16_t)get_u32(tb[NFTA_SET_KEY_LEN], 0),
		.data_len = (uint16_t)get_u32(tb[NFTA_SET_DATA_LEN], 0),
		.verdicts = get_u32(tb[NFTA_SET_DATA_TYPE], 0) == NFT_DATA_VERDICT,
	};
	*ARENA_PUSH(r->rs->arena, r->sets, r->nsets, r->sets_capacity) = set;
	if (tb[NFTA_SET_DESC])
		err = take_description(set, tb[NFTA_SET_DESC]);
	return answer(err);
}

static void forget_sets(void *data)
{
	struct nft_reader *r = data;

	r->nsets = 0;
}

static int compare_sets(const void *a, const void *b)
{
	const struct ruleset_set *x = *(struct ruleset_set *const *)a;
	const struct ruleset_set *y = *(struct ruleset_set *const *)b;
	int order = x->family - y->family;

	order = order ? order : strcmp(x->table, y->table);
	return order ? order : strcmp(x->name, y->name);
}

const struct ruleset_set *nft_find_set(const struct nft_reader *r, uint8_t family,
				       const char *table, const char *name)
{
	struct ruleset_set key = { .family = family, .table = table, .name = name };
	const struct ruleset_set *wanted = &key;
	struct ruleset_set **found = r->nsets ? bsearch(&wanted, r->sets, r->nsets,
							sizeof(struct ruleset_set *), compare_sets)
					      : NULL;

	return found ? *found : NULL;
}

/* --- rules --- */

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_RULE_MAX + 1] = {
		[NFTA_RULE_TABLE] = 1, [NFTA_RULE_CHAIN] = 1
	};
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct nft_reader *r = data;
	const char *table, *name;
	int err = parse(nlh, tb, least, NFTA_RULE_MAX);

	if (err || !tb[NFTA_RULE_TABLE] || !tb[NFTA_RULE_CHAIN])
		return answer(err);
	table = mnl_attr_get_str(tb[NFTA_RULE_TABLE]);
	name = mnl_attr_get_str(tb[NFTA_RULE_CHAIN]);
	/* a dump gives one chain after the other */
	if (!r->chain || r->chain->family != message_family(nlh) ||
	    strcmp(r->chain->name, name) != 0 || strcmp(r->chain->table, table) != 0)
		r->chain = ruleset_find_chain(&r->index, message_family(nlh), table, name);
	if (r->chain)
		err = nft_read_rule(r, tb[NFTA_RULE_EXPRESSIONS]);
	return answer(err);
}

static void forget_rules(void *data)
{
	struct nft_reader *r = data;

	for (size_t i = 0; i < r->index.n; i++)
		r->index.v[i]->n = 0;
	r->chain = NULL;
}

/* --- elements --- */

/* Data of len bytes in an attribute of struct nft_data; NULL if there are not so many. */
static const uint8_t *copy_value(struct nft_reader *r, const struct nlattr *attr, size_t len)
{
	static const uint8_t least[NFTA_DATA_MAX + 1];
	const struct nlattr *tb[NFTA_DATA_MAX + 1];
	uint8_t *copy;

	if (!attr || nl_parse_nested(attr, tb, least, NFTA_DATA_MAX) || !tb[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) < len)
		return NULL;
	copy = arena_alloc(r->rs->arena, len);
	memcpy(copy, mnl_attr_get_payload(tb[NFTA_DATA_VALUE]), len);
	return copy;
}

static int take_element_data(struct nft_reader *r, struct ruleset_element *e,
			     const struct nlattr *attr)
{
	static const uint8_t least[NFTA_DATA_MAX + 1];
	const struct nlattr *tb[NFTA_DATA_MAX + 1];
	int err;

	if (!r->set->verdicts) {
		e->data = copy_value(r, attr, r->set->data_len);
		return e->data ? 0 : -EBADMSG;
	}
	err = nl_parse_nested(attr, tb, least, NFTA_DATA_MAX);
	if (!err && tb[NFTA_DATA_VERDICT])
		err = nft_read_verdict(r, r->set->family, r->set->table, tb[NFTA_DATA_VERDICT],
				       &e->verdict, &e->chain);
	return err;
}

static int take_element(const struct nlattr *attr, void *data)
{
	static const uint8_t least[NFTA_SET_ELEM_MAX + 1] = { [NFTA_SET_ELEM_FLAGS] = 4 };
	const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	struct nft_reader *r = data;
	struct ruleset_element e = { 0 };
	uint32_t flags;
	int err = nl_parse_nested(attr, tb, least, NFTA_SET_ELEM_MAX);

	if (err)
		return err;
	flags = get_u32(tb[NFTA_SET_ELEM_FLAGS], 0);
	e.end = flags & NFT_SET_ELEM_INTERVAL_END;
	e.conditional = nft_says_no(tb[NFTA_SET_ELEM_EXPR], tb[NFTA_SET_ELEM_EXPRESSIONS]);
	if (!(flags & NFT_SET_ELEM_CATCHALL)) {
		e.key = copy_value(r, tb[NFTA_SET_ELEM_KEY], r->set->key_len);
		if (!e.key)
			return -EBADMSG;
		e.key_end = copy_value(r, tb[NFTA_SET_ELEM_KEY_END], r->set->key_len);
	}
	if (tb[NFTA_SET_ELEM_DATA])
		err = take_element_data(r, &e, tb[NFTA_SET_ELEM_DATA]);
	*ARENA_PUSH(r->rs->arena, r->set->v, r->set->n, r->set->capacity) = e;
	return err;
}

static int take_elements(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_SET_ELEM_LIST_MAX + 1];
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	int err = parse(nlh, tb, least, NFTA_SET_ELEM_LIST_MAX);

	if (!err && tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		err = nl_each_nested(tb[NFTA_SET_ELEM_LIST_ELEMENTS], take_element, data);
	return answer(err);
}

static void forget_elements(void *data)
{
	struct nft_reader *r = data;

	r->set->n = 0;
}

/* The key's length is not told to a comparison function, but all keys of a set are of one. */
static int compare_elements(const void *a, const void *b, void *data)
{
	const struct ruleset_element *x = a, *y = b;
	const struct ruleset_set *set = data;
	int order;

	if (!x->key || !y->key)
		return !x->key - !y->key;
	order = memcmp(x->key, y->key, set->key_len);
	return order ? order : y->end - x->end;
}

static int read_elements(struct nft_reader *r, struct ruleset_set *set, struct diag *d)
{
	uint16_t type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
	struct nlmsghdr *nlh = nl_message(&r->nl, type, 0);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	int err;

	set->complete = true;
	r->set = set;
	nfg->nfgen_family = set->family;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	err = nl_dump(&r->nl, nlh, take_elements, forget_elements, r, d, "reading nf_tables");
	if (!err && set->n)
		qsort_r(set->v, set->n, sizeof(*set->v), compare_elements, set);
	return err;
}

/* --- what is on the way of a packet --- */

struct way {
	struct nft_reader *reader;
	struct ruleset_chain **todo; /* room for each chain */
	size_t n;
	bool *seen;
};

static void visit(struct way *w, const struct ruleset_chain *chain)
{
	if (!chain || w->seen[chain->index])
		return;
	w->seen[chain->index] = true;
	w->todo[w->n++] = w->reader->rs->chains[chain->index];
}

static int follow_rule(struct way *w, const struct ruleset_rule *rule, struct diag *d)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct ruleset_step *step = &rule->steps[i];
		const struct ruleset_set *set = step->set;
		int err = 0;

		visit(w, step->chain);
		if (!set || set->complete)
			continue;
		err = read_elements(w->reader, (struct ruleset_set *)set, d);
		if (err)
			return err;
		for (size_t k = 0; k < set->n; k++)
			visit(w, set->v[k].chain);
	}
	return 0;
}

/* Reads the elements of all sets that a packet on its way in or through can meet. */
static int read_sets_on_the_way(struct nft_reader *r, struct diag *d)
{
	struct way w = {
		.reader = r,
		.todo = arena_alloc(r->rs->arena, r->rs->nchains * sizeof(*w.todo)),
		.seen = arena_alloc(r->rs->arena, r->rs->nchains),
	};
	int err = 0;

	for (size_t i = r->chains_before; i < r->rs->nchains; i++) {
		const struct ruleset_chain *chain = r->rs->chains[i];

		if (chain->hook == NF_INET_LOCAL_IN || chain->hook == NF_INET_FORWARD)
			visit(&w, chain);
	}
	while (w.n && !err) {
		const struct ruleset_chain *chain = w.todo[--w.n];

		for (size_t i = 0; i < chain->n && !err; i++)
			err = follow_rule(&w, &chain->rules[i], d);
	}
	return err;
}

/* --- all of it --- */

static int take_generation(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_GEN_MAX + 1] = { [NFTA_GEN_ID] = 4 };
	const struct nlattr *tb[NFTA_GEN_MAX + 1];
	uint32_t *generation = data;
	int err = nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, NFTA_GEN_MAX);

	if (!err)
		*generation = get_u32(tb[NFTA_GEN_ID], 0);
	return answer(err);
}

static int read_generation(struct nft_reader *r, uint32_t *generation, struct diag *d)
{
	uint16_t type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
	struct nlmsghdr *nlh = nl_message(&r->nl, type, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nl_request(&r->nl, nlh, take_generation, generation, d, "reading nf_tables");
}

static int read_all(struct nft_reader *r, struct diag *d)
{
	int err = dump(r, NFT_MSG_GETTABLE, take_table, forget_tables, d);

	if (!err)
		err = dump(r, NFT_MSG_GETCHAIN, take_chain, forget_chains, d);
	if (err)
		return err;
	ruleset_index_chains(&r->index, r->rs, r->chains_before);
	if (!r->index.n)
		return 0;
	err = dump(r, NFT_MSG_GETSET, take_set, forget_sets, d);
	if (!err && r->nsets)
		qsort(r->sets, r->nsets, sizeof(*r->sets), compare_sets);
	if (!err)
		err = dump(r, NFT_MSG_GETRULE, take_rule, forget_rules, d);
	return err ? err : read_sets_on_the_way(r, d);
}

static void put_batch_edge(struct nlmsghdr *nlh, uint16_t type, const uint32_t *generation)
{
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(*generation));
}

/*
 * Waits for the end of a transaction that has raised the generation already but is still at its
 * work, as when a chain is there and has not got its policy yet: an empty transaction waits for the
 * same lock (nf_tables_valid_genid() and nf_tables_commit() in net/netfilter/nf_tables_api.c), and
 * does nothing.
 */
static int await_transaction(struct nft_reader *r, uint32_t generation, struct diag *d)
{
	int fd = mnl_socket_get_fd(r->nl.socket);
	struct nlmsghdr *begin = mnl_nlmsg_put_header(r->nl.send_buffer), *end;

	put_batch_edge(begin, NFNL_MSG_BATCH_BEGIN, &generation);
	end = mnl_nlmsg_put_header((char *)begin + MNL_ALIGN(begin->nlmsg_len));
	put_batch_edge(end, NFNL_MSG_BATCH_END, NULL);
	while (send(fd, begin, begin->nlmsg_len + end->nlmsg_len, 0) < 0)
		if (errno != EINTR)
			return diag_sys(d, errno, "reading nf_tables");
	/* it may have been refused, as the generation is another by now: that shows later */
	while (recv(fd, r->nl.receive_buffer, NL_RECEIVE_BUFFER, MSG_DONTWAIT) > 0)
		;
	return 0;
}

/*
 * The generation that all of a reading has to be of. Where it is another after the wait than
 * before, something has changed; or the kernel is so old that an empty transaction raises it, so
 * that this is insisted on in the first attempts only.
 */
static int begin_reading(struct nft_reader *r, bool insist, uint32_t *generation, struct diag *d)
{
	uint32_t before = 0;
	int err = read_generation(r, &before, d);

	if (!err)
		err = await_transaction(r, before, d);
	if (!err)
		err = read_generation(r, generation, d);
	return !err && insist && *generation != before ? -ERESTART : err;
}

/* Something that a dump names can be gone before it is asked for. */
static bool means_changed(int err)
{
	return err == -ENOENT || err == -ERESTART;
}

static int read_consistently(struct nft_reader *r, struct diag *d)
{
	uint32_t before = 0, after = 0;
	int err;

	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		err = begin_reading(r, attempt < READ_ATTEMPTS / 2, &before, d);
		if (!err)
			err = read_all(r, d);
		if (!err)
			err = read_generation(r, &after, d);
		if (err && !means_changed(err))
			return err;
		if (!err && before == after)
			return 0;
	}
	return diag_set(d, EINTR, "nf_tables changed during each of %d attempts to read them",
			READ_ATTEMPTS);
}

/* This kernel has none, or they are not for us. */
static bool means_none(int err)
{
	return err == -EPERM || err == -EACCES || err == -EINVAL || err == -EOPNOTSUPP ||
	       err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT;
}

int ruleset_read_nft(struct ruleset *rs, struct diag *d)
{
	struct nft_reader r = { .rs = rs, .chains_before = rs->nchains };
	uint32_t generation;
	struct diag why;
	int err;

	if (!nf_tables_can_be_asked(""))
		return 0;
	err = nl_open(&r.nl, NETLINK_NETFILTER, &why);
	if (!err)
		err = read_generation(&r, &generation, &why);
	if (!err)
		err = read_consistently(&r, d);
	else if (means_none(err))
		err = 0;
	else
		*d = why;
	nl_close(&r.nl);
	return err;
}
