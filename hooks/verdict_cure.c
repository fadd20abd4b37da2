/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words in which the owner of a firewall opens a way in it. */
#include "hooks/ruleset.h"

#include <stdarg.h>

/* What shall be let through. */
struct wish {
	const struct verdict *v;
	const struct fw_rule *rule; /* NULL: there is a port */
	uint16_t udp_port;          /* 0: none */
};

struct words {
	char *text;
	size_t size, n;
};

PRINTF(2, 3) static void add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->n, w->size - w->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->n = w->n + (size_t)n < w->size ? w->n + (size_t)n : w->size - 1;
}

static bool is_six(const struct wish *wish)
{
	if (wish->rule && wish->rule->source.family)
		return wish->rule->source.family == AF_INET6;
	return !strcmp(wish->v->family, "ip6");
}

/* --- iptables: at the head of the base chain, or of the one that docker leaves to others --- */

static void add_iptables(struct words *w, const struct wish *wish)
{
	const struct verdict *v = wish->v;
	const struct fw_rule *r = wish->rule;
	bool filter = !strcmp(v->table, "filter");
	char source[PREFIX_TEXT];

	add(w, "%s%s", is_six(wish) ? "ip6tables" : "iptables",
	    v->medium == FW_IPTABLES_LEGACY ? "-legacy" : "");
	if (!filter)
		add(w, " -t %s", v->table);
	add(w, " -I %s", filter && v->open_chain ? v->open_chain : v->hook_chain);
	if (wish->udp_port) {
		add(w, " -p udp --dport %u -j ACCEPT", wish->udp_port);
		return;
	}
	if (*r->in)
		add(w, " -i %s", r->in);
	if (*r->out)
		add(w, "%s -o %s", r->not_out ? " !" : "", r->out);
	if (r->source.family)
		add(w, " -s %s", prefix_format(source, &r->source));
	if (r->replies)
		add(w, " -m conntrack --ctstate RELATED,ESTABLISHED");
	add(w, " -j ACCEPT");
}

/* --- nft: at the head of the very chain that drops --- */

static void add_nft(struct words *w, const struct wish *wish)
{
	const struct verdict *v = wish->v;
	const struct fw_rule *r = wish->rule;
	char source[PREFIX_TEXT];

	add(w, "nft insert rule %s %s %s", v->family, v->table, v->chain);
	if (wish->udp_port) {
		add(w, " udp dport %u accept", wish->udp_port);
		return;
	}
	if (*r->in)
		add(w, " iifname \"%s\"", r->in);
	if (*r->out)
		add(w, " oifname %s\"%s\"", r->not_out ? "!= " : "", r->out);
	if (r->source.family)
		add(w, " %s saddr %s", is_six(wish) ? "ip6" : "ip",
		    prefix_format(source, &r->source));
	if (r->replies)
		add(w, " ct state established,related");
	add(w, " accept");
}

/* --- ufw --- */

static void add_ufw(struct words *w, const struct wish *wish)
{
	const struct fw_rule *r = wish->rule;
	char source[PREFIX_TEXT];

	if (wish->udp_port) {
		add(w, "ufw allow %u/udp", wish->udp_port);
		return;
	}
	if (r->replies || r->not_out) { /* it has no words for these */
		add_iptables(w, wish);
		return;
	}
	add(w, r->hook == FW_FORWARD ? "ufw route allow" : "ufw allow");
	if (*r->in)
		add(w, " in on %s", r->in);
	if (*r->out)
		add(w, " out on %s", r->out);
	if (r->source.family)
		add(w, " from %s", prefix_format(source, &r->source));
}

/* --- firewalld: at run time, as everything here --- */

static void add_firewalld(struct words *w, const struct wish *wish)
{
	const struct fw_rule *r = wish->rule;
	char source[PREFIX_TEXT];

	if (wish->udp_port)
		add(w, "firewall-cmd --add-port=%u/udp", wish->udp_port);
	else if (r->hook == FW_INPUT && r->source.family)
		add(w,
		    "firewall-cmd --add-rich-rule='rule family=\"%s\" source address=\"%s\" "
		    "accept'",
		    is_six(wish) ? "ipv6" : "ipv4", prefix_format(source, &r->source));
	else
		add(w, "firewall-cmd --zone=trusted --change-interface=%s",
		    *r->in ? r->in : r->out);
}

/* --- another tunnel, which keeps its packets to itself --- */

static void add_wgq(struct words *w, const struct wish *wish)
{
	static const char prefix[] = "wgq-";

	if (wish->udp_port || strncmp(wish->v->table, prefix, strlen(prefix)) != 0)
		add_nft(w, wish);
	else
		add(w, "Forward = yes in the configuration of %s", wish->v->table + strlen(prefix));
}

const char *verdict_cure(char *text, size_t size, const struct verdict *v,
			 const struct fw_rule *rule, uint16_t udp_port)
{
	static void (*const adders[])(struct words * w, const struct wish *wish) = {
		[OWNER_UNKNOWN] = add_nft,
		[OWNER_IPTABLES] = add_iptables,
		[OWNER_UFW] = add_ufw,
		[OWNER_DOCKER] = add_iptables,
		[OWNER_FIREWALLD] = add_firewalld,
		[OWNER_WGQ] = add_wgq,
	};
	struct wish wish = { v, rule, udp_port };
	struct words w = { .text = text, .size = size };
	bool native = v->medium == FW_NFTABLES;

	*text = '\0';
	if (v->owner == OWNER_DOCKER && native)
		add_nft(&w, &wish);
	else
		adders[v->owner](&w, &wish);
	return text;
}
