/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/keys.h"

#include "wgq/conf/parser.h"

#define INTERFACE SECTION_INTERFACE
#define PEER      SECTION_PEER
#define QUICK     READ_BY_WG_QUICK
#define WGQ       READ_BY_WGQ
#define WG        READ_BY_WG
#define OPEN      SECRECY_NONE
#define SECRET    SECRECY_SECRET
#define PUBLIC    SECRECY_PUBLIC_KEY

/* clang-format off */
const struct conf_key conf_keys[] = {
	{ "Address", INTERFACE, QUICK, OPEN, 0, parse_address, print_address },
	{ "DNS", INTERFACE, QUICK, OPEN, 0, parse_dns, print_dns },
	{ "MTU", INTERFACE, QUICK, OPEN, 0, parse_mtu, print_mtu },
	{ "Table", INTERFACE, QUICK, OPEN, 0, parse_table, print_table },
	{ "PreUp", INTERFACE, QUICK, OPEN, HOOK_PRE_UP, parse_hook, print_hook },
	{ "PostUp", INTERFACE, QUICK, OPEN, HOOK_POST_UP, parse_hook, print_hook },
	{ "PreDown", INTERFACE, QUICK, OPEN, HOOK_PRE_DOWN, parse_hook, print_hook },
	{ "PostDown", INTERFACE, QUICK, OPEN, HOOK_POST_DOWN, parse_hook, print_hook },
	{ "SaveConfig", INTERFACE, QUICK, OPEN, 0, parse_save_config, print_save_config },
	{ "Forward", INTERFACE, WGQ, OPEN, 0, parse_forward, print_forward },
	{ "Masquerade", INTERFACE, WGQ, OPEN, 0, parse_masquerade, print_masquerade },
	{ "AllowFrom", INTERFACE, WGQ, OPEN, 0, parse_allow_from, print_allow_from },
	{ "Firewall", INTERFACE, WGQ, OPEN, 0, parse_firewall, print_firewall },
	{ "ListenPort", INTERFACE, WG, OPEN, 0, parse_listen_port, print_listen_port },
	{ "FwMark", INTERFACE, WG, OPEN, 0, parse_fwmark, print_fwmark },
	{ "PrivateKey", INTERFACE, WG, SECRET, 0, parse_private_key, print_private_key },
	{ "PublicKey", PEER, WG, PUBLIC, 0, parse_public_key, print_public_key },
	{ "PresharedKey", PEER, WG, SECRET, 0, parse_preshared_key, print_preshared_key },
	{ "AllowedIPs", PEER, WG, OPEN, 0, parse_allowed_ips, print_allowed_ips },
	{ "Endpoint", PEER, WG, OPEN, 0, parse_endpoint, print_endpoint },
	{ "PersistentKeepalive", PEER, WG, OPEN, 0, parse_keepalive, print_keepalive },
	{ NULL, SECTION_NONE, QUICK, OPEN, 0, NULL, NULL },
};

#define AMNEZIA "a key of AmneziaWG, which obfuscates"
#define AMNEZIA_HELP "delete it here and at the other end, or use AmneziaWG's own awg-quick"
#define NETWORKD "a key of systemd-networkd"
#define NETWORKD_SECTION "a section of systemd-networkd"
#define COMMENT "not a key but a comment"
#define COMMENT_HELP "put a # in front of it"

static const struct foreign_word foreign_words[] = {
	{ "Jc", AMNEZIA, AMNEZIA_HELP }, { "Jmin", AMNEZIA, AMNEZIA_HELP },
	{ "Jmax", AMNEZIA, AMNEZIA_HELP }, { "Itime", AMNEZIA, AMNEZIA_HELP },
	{ "S1", AMNEZIA, AMNEZIA_HELP }, { "S2", AMNEZIA, AMNEZIA_HELP },
	{ "S3", AMNEZIA, AMNEZIA_HELP }, { "S4", AMNEZIA, AMNEZIA_HELP },
	{ "H1", AMNEZIA, AMNEZIA_HELP }, { "H2", AMNEZIA, AMNEZIA_HELP },
	{ "H3", AMNEZIA, AMNEZIA_HELP }, { "H4", AMNEZIA, AMNEZIA_HELP },
	{ "I1", AMNEZIA, AMNEZIA_HELP }, { "I2", AMNEZIA, AMNEZIA_HELP },
	{ "I3", AMNEZIA, AMNEZIA_HELP }, { "I4", AMNEZIA, AMNEZIA_HELP },
	{ "I5", AMNEZIA, AMNEZIA_HELP }, { "J1", AMNEZIA, AMNEZIA_HELP },
	{ "J2", AMNEZIA, AMNEZIA_HELP }, { "J3", AMNEZIA, AMNEZIA_HELP },
	{ "PrivateKeyFile", NETWORKD,
	  "write PrivateKey with the key itself, or PostUp = wg set %i private-key FILE" },
	{ "PresharedKeyFile", NETWORKD,
	  "write PresharedKey with the key itself, or PostUp = wg set %i peer KEY preshared-key FILE" },
	{ "PublicKeyFile", NETWORKD, "write PublicKey with the key itself" },
	{ "RouteTable", NETWORKD, "write Table in [Interface]" },
	{ "RouteMetric", NETWORKD, "write Table = off, and the routes in PostUp" },
	{ "FirewallMark", NETWORKD, "write FwMark in [Interface]" },
	{ "Gateway", NETWORKD, "routes come from AllowedIPs; others go into PostUp" },
	{ "Destination", NETWORKD, "routes come from AllowedIPs; others go into PostUp" },
	{ "Kind", NETWORKD, "delete it: the file's name is the interface's name" },
	{ "Description", NETWORKD, "write it as a comment: put a # in front of it" },
	{ "NetDev", NETWORKD_SECTION, "this is no .netdev file; write [Interface]" },
	{ "WireGuard", "a section of systemd-networkd or NetworkManager", "write [Interface]" },
	{ "WireGuardPeer", NETWORKD_SECTION, "write [Peer]" },
	{ "Match", NETWORKD_SECTION, "the file's name is the interface's name; delete the section" },
	{ "Network", NETWORKD_SECTION, "write Address and DNS in [Interface]" },
	{ "Route", NETWORKD_SECTION, "routes come from AllowedIPs; others go into PostUp" },
	{ "IncludedApplications", "read by the Android app alone", "delete it" },
	{ "ExcludedApplications", "read by the Android app alone", "delete it" },
	{ "Name", COMMENT, COMMENT_HELP }, { "Site", COMMENT, COMMENT_HELP },
	{ "Forwards", COMMENT, COMMENT_HELP }, { "friendly_name", COMMENT, COMMENT_HELP },
};
/* clang-format on */

const char *section_header(enum section section)
{
	return section == SECTION_PEER ? "[Peer]" : "[Interface]";
}

const struct conf_key *keys_find(struct str name)
{
	for (const struct conf_key *k = conf_keys; name.n && k->name; k++)
		if (!((name.p[0] ^ k->name[0]) & ~0x20) && lex_equal(name, k->name))
			return k;
	return NULL;
}

const struct foreign_word *keys_find_foreign(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_words); i++)
		if (lex_equal(name, foreign_words[i].name))
			return &foreign_words[i];
	return NULL;
}

enum { WORD_MAX = 32 };

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t keys_distance(struct str a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1] = { 0 }, m = strlen(b);

	if (a.n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= a.n; i++) {
		for (size_t j = 0; j <= m; j++) {
			bool same;

			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			same = lower(a.p[i - 1]) == lower(b[j - 1]);
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && lower(a.p[i - 1]) == lower(b[j - 2]) &&
			    lower(a.p[i - 2]) == lower(b[j - 1]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.n][m];
}

/* A short word is near to everything: one error for each three letters. */
static bool is_near(size_t distance, const char *name)
{
	return distance <= 3 && 3 * distance <= strlen(name);
}

const struct conf_key *keys_nearest(struct str name, enum section section)
{
	const struct conf_key *nearest = NULL;
	size_t best = 2 * WORD_MAX + 1;

	for (const struct conf_key *k = conf_keys; k->name; k++) {
		size_t distance = keys_distance(name, k->name);
		size_t rank = 2 * distance + (k->section != section);

		if (is_near(distance, k->name) && rank < best) {
			nearest = k;
			best = rank;
		}
	}
	return nearest;
}
