/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a configuration file. The grammar is wg-quick(8)'s and wg(8)'s together: a line is first
 * what wg-quick takes it for; what wg-quick does not know goes to wg. Every fault is a finding with
 * its place; reading always goes to the end.
 */
#ifndef WGQ_CONF_CONFIG_H
#define WGQ_CONF_CONFIG_H

#include <limits.h>

#include "wgq/base/diag.h"
#include "wgq/base/finding.h"
#include "wgq/base/model.h"

/* The bytes of a file, kept whole so that places can be shown and the file can be edited without
 * loss. */
struct source {
	const char *path; /* as given; for messages */
	struct str text;  /* in the arena, wiped with it */
	unsigned mode;    /* st_mode; 0 when it did not come from a file */
	unsigned folder_mode;
};

/*
 * Reads path whole into the arena: regular file or FIFO, not a folder. Returns 0 or a negative
 * errno recorded in d.
 */
int source_read(struct source *s, struct arena *a, const char *path, struct diag *d);

/* Do the file and its folder share a permission for others? wg-quick(8) then warns that it "is
 * world accessible". */
bool source_is_world_accessible(const struct source *s);

/* A piece of the source: where a value or a key stands. line 0: nowhere. */
struct span {
	uint32_t line;
	uint32_t column;
	uint32_t length;
	uint32_t line_start; /* offset of the line in the text */
};

/* The place of a span, for a finding. It knows what of the line is secret: values of PrivateKey and
 * PresharedKey, however malformed, and of keys that nobody knows. */
struct place source_place(const struct source *s, struct span at);

enum hook { HOOK_PRE_UP, HOOK_POST_UP, HOOK_PRE_DOWN, HOOK_POST_DOWN, HOOKS };

struct conf_hook {
	const char *text; /* %i not yet replaced */
	struct span at;
};

struct conf_hooks {
	struct conf_hook *v;
	size_t n, capacity;
};

struct conf_addr {
	struct prefix prefix;
	struct span at;
};

enum table_kind { TABLE_AUTO, TABLE_OFF, TABLE_NUMBER, TABLE_NAME };

struct conf_word {
	const char *text;
	struct span at;
};

/* wgq's own keys. Each at is the value's, line 0 where the key is not given. */
struct conf_forward {
	enum forward_mode mode;
	struct span mode_at;
	struct conf_word *masquerade; /* interface names; Forward = yes is checked */
	size_t nmasquerade, masquerade_capacity;
	struct conf_addr *allow_from; /* masked prefixes */
	size_t nallow_from, allow_from_capacity;
	bool allow_peers; /* AllowFrom = peers, besides */
	struct span allow_peers_at;
	enum firewall_choice firewall;
	struct span firewall_at;
};

/* What the file says of one peer beyond what the device is told: where it stands, and its endpoint
 * as text. */
struct conf_peer {
	struct span at;          /* the [Peer] line */
	struct span public_key;  /* the value */
	struct span endpoint;    /* the value */
	const char *host;        /* of Endpoint, brackets removed; NULL: none */
	const char *service;     /* its port, digits or a UDP service name */
	struct span *allowed_ip; /* one for each of device.peers[i].allowed_ips */
	size_t nallowed_ip, allowed_ip_capacity;
};

struct config {
	struct arena *arena;
	struct source source;

	struct conf_addr *addrs;
	size_t naddrs, addrs_capacity;
	struct dns dns;
	struct span dns_at;
	uint32_t mtu; /* 0: automatic */
	struct span mtu_at;
	enum table_kind table_kind;
	uint32_t table;         /* TABLE_NUMBER */
	const char *table_name; /* TABLE_NAME */
	struct span table_at;
	bool save_config;
	struct conf_hooks hooks[HOOKS];
	struct conf_forward forward;

	/*
	 * What wg(8) would send: peers in the order of the file, flags for what is given, allowed
	 * IPs masked. Numeric endpoints are filled in and flagged; names are not, see
	 * kernel/resolve.h. DEVICE_REPLACE_PEERS is the caller's to set.
	 */
	struct wg_device device;
	struct span listen_port_at, fwmark_at, private_key_at;
	struct conf_peer *peers; /* device.npeers of them */
	size_t peers_capacity;
};

/*
 * Reads source into a new config in the arena. Faults go to f; the config is complete even then,
 * less the faulty values, but must not be brought up if findings_count(f, SEV_ERROR) is not zero.
 * Never fails. Does no I/O but to look up UDP services given by name (getaddrinfo(3), without a
 * host).
 */
struct config *config_parse(struct arena *a, const struct source *source, struct findings *f);

/* Prints c in normal form: every key in its canonical spelling, one value a line. Keys show as
 * (hidden) unless secrets. */
void config_print(FILE *out, const struct config *c, bool secrets);

/*
 * Writes the file as `wg setconf` takes it, byte for byte as `wg-quick strip`, less wgq's own keys.
 * A value of SaveConfig that is neither true nor false is the only fault, as in wg-quick: a finding
 * is added and -EINVAL returned, nothing written. -EIO when out cannot be written.
 */
int config_strip(FILE *out, const struct source *source, struct findings *f);

/*
 * Resolves IFACE|FILE as wg-quick does: a valid interface name means /etc/wireguard/NAME.conf,
 * anything else is a path ending in NAME.conf. path gets the file as found, canonical (symbolic
 * links followed); ifname the name, from the path as given, also where there is no such file, and
 * "" if it is no name. Returns 0, or -ENOENT, -EINVAL or what else keeps it from being found
 * (-EACCES, -ELOOP), recorded in d in one clear sentence (length and limit of a long name too).
 */
int config_locate(char ifname[IFNAMSIZ], char path[PATH_MAX], const char *arg, struct diag *d);

#endif
