/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of tunnels in the words of iptables. Pure. */
#include "hooks/xt.h"

const char *xt_rules_comment(char text[XT_COMMENT_SIZE], const char *ifname)
{
	snprintf(text, XT_COMMENT_SIZE, "wgq %s", ifname);
	return text;
}

const char *xt_antispoof_comment(char text[XT_COMMENT_SIZE], const char *ifname)
{
	snprintf(text, XT_COMMENT_SIZE, "wg-quick(8) rule for %s", ifname);
	return text;
}

/* a, b, c: options; NULL: no more. */
static void put_words(struct xt_words *w, const char *name, const char *a, const char *b,
		      const char *c)
{
	const char *const options[] = { a, b, c };

	*w = (struct xt_words){ .name = name };
	for (size_t i = 0; i < ARRAY_SIZE(options) && options[i]; i++)
		snprintf(w->options[i], XT_OPTION_SIZE, "%s", options[i]);
}

static void put_comment(struct xt_words *w, const char *comment)
{
	put_words(w, "comment", "--comment", comment, NULL);
}

/* --- what a tunnel declares --- */

static const struct {
	const char *table, *chain;
} places[] = {
	[FW_INPUT] = { "filter", "INPUT" },
	[FW_FORWARD] = { "filter", "FORWARD" },
	[FW_POSTROUTING] = { "nat", "POSTROUTING" },
};

static const char *const verdicts[] = {
	[FW_ACCEPT] = "ACCEPT",
	[FW_DROP] = "DROP",
	[FW_MASQUERADE] = "MASQUERADE",
};

size_t xt_from_rules(struct xt_rule *out, const char *ifname, const struct fw_rules *r)
{
	char comment[XT_COMMENT_SIZE];

	xt_rules_comment(comment, ifname);
	for (size_t i = 0; i < r->n; i++) {
		const struct fw_rule *v = &r->v[i];
		struct xt_words *w = out[i].match_words;

		out[i] = (struct xt_rule){
			.table = places[v->hook].table,
			.chain = places[v->hook].chain,
			.not_out = v->not_out,
			.source = v->source,
		};
		if (v->hook == FW_FORWARD && r->forward_chain)
			out[i].chain = r->forward_chain;
		memcpy(out[i].in, v->in, IFNAMSIZ);
		memcpy(out[i].out, v->out, IFNAMSIZ);
		if (v->replies)
			put_words(w++, "conntrack", "--ctstate", "RELATED,ESTABLISHED", NULL);
		put_comment(w, comment);
		put_words(&out[i].target_words, verdicts[v->verdict], NULL, NULL, NULL);
	}
	return r->n;
}

/* --- against spoofed packets --- */

static void drop_spoofed(struct xt_rule *x, const char *ifname, const struct prefix *addr,
			 const char *comment)
{
	*x = (struct xt_rule){
		.table = "raw",
		.chain = "PREROUTING",
		.not_in = true,
		.destination = *addr,
	};
	x->destination.len = family_bits(addr->family);
	snprintf(x->in, sizeof(x->in), "%s", ifname);
	put_words(&x->match_words[0], "addrtype", "!", "--src-type", "LOCAL");
	put_comment(&x->match_words[1], comment);
	put_words(&x->target_words, "DROP", NULL, NULL, NULL);
}

static void keep_mark(struct xt_rule *x, const char *chain, const uint32_t *mark,
		      const char *comment)
{
	struct xt_words *w = x->match_words;
	char text[sizeof("0xffffffff")];

	*x = (struct xt_rule){ .table = "mangle", .chain = chain, .protocol = IPPROTO_UDP };
	if (mark) {
		snprintf(text, sizeof(text), "0x%x", *mark);
		put_words(w++, "mark", "--mark", text, NULL);
	}
	put_comment(w, comment);
	put_words(&x->target_words, "CONNMARK", mark ? "--save-mark" : "--restore-mark", NULL,
		  NULL);
}

/* wg-quick inserts one address after the other at the head, so the last comes first. */
size_t xt_from_antispoof(struct xt_rule *out, const char *ifname, const struct antispoof *a)
{
	char comment[XT_COMMENT_SIZE];
	size_t n = 0;

	xt_antispoof_comment(comment, ifname);
	for (size_t i = a->naddrs; i-- > 0;)
		if (a->addrs[i].family == a->family)
			drop_spoofed(&out[n++], ifname, &a->addrs[i], comment);
	keep_mark(&out[n++], "POSTROUTING", &a->fwmark, comment);
	keep_mark(&out[n++], "PREROUTING", NULL, comment);
	return n;
}
