/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain structs of what a tunnel is made of. The desired state, the current state, the operations
 * between them and the record of what was done all consist of these.
 */
#ifndef WGQ_BASE_MODEL_H
#define WGQ_BASE_MODEL_H

#include <net/if.h>

#include "wgq/base/addr.h"
#include "wgq/base/key.h"

/* One entry of a peer's allowed IPs. */
struct allowed_ip {
	struct prefix prefix;
	bool remove; /* "-PREFIX": take it from the peer */
};

enum peer_flags {
	PEER_HAS_PRESHARED_KEY = 1 << 0, /* absent and all-zero differ: zero removes it */
	PEER_HAS_ENDPOINT = 1 << 1,
	PEER_HAS_KEEPALIVE = 1 << 2,
	PEER_REPLACE_ALLOWED_IPS = 1 << 3,
	PEER_REMOVE = 1 << 4,
};

struct wg_peer {
	struct key public_key;
	struct key preshared_key;
	union endpoint endpoint;
	uint16_t flags;     /* enum peer_flags */
	uint16_t keepalive; /* seconds, 0 is off */
	struct allowed_ip *allowed_ips;
	size_t nallowed_ips, allowed_ips_capacity;
	/* read from a device only */
	int64_t handshake_sec; /* wall clock, 0: never */
	uint32_t handshake_nsec;
	uint64_t rx_bytes, tx_bytes;
};

enum device_flags {
	DEVICE_HAS_PRIVATE_KEY = 1 << 0,
	DEVICE_HAS_LISTEN_PORT = 1 << 1,
	DEVICE_HAS_FWMARK = 1 << 2,
	DEVICE_REPLACE_PEERS = 1 << 3,
};

/* The WireGuard side of an interface, as read from it or as it shall be set (flags say which values
 * count). */
struct wg_device {
	struct key private_key;
	uint32_t flags; /* enum device_flags */
	uint32_t fwmark;
	uint16_t listen_port;
	struct wg_peer *peers;
	size_t npeers, peers_capacity;
};

/* A network interface. */
struct link {
	char name[IFNAMSIZ];
	int index;
	uint32_t mtu;
	unsigned flags; /* IFF_* */
	char kind[16];  /* "wireguard", "tun", "" */
};

/* A route into an interface. */
struct route {
	struct prefix dst;
	uint32_t table;
	int oif;
	uint8_t protocol; /* RTPROT_* */
};

/* A policy routing rule. */
struct rule {
	uint8_t family;
	bool invert; /* "not" */
	uint32_t priority;
	uint32_t table;
	uint32_t fwmark;
	int suppress_prefixlen; /* -1: none */
	bool foreign;           /* read from the kernel: it has selectors or an action that have no
				   place here, so it is not one of ours */
};

/* What wg-quick puts into the table wg-quick-IFACE against spoofed packets, and to keep the mark on
 * replies. */
struct antispoof {
	uint8_t family; /* AF_INET: table ip; AF_INET6: table ip6 */
	uint32_t fwmark;
	const struct prefix *addrs; /* of the tunnel; those of the other family are passed over */
	size_t naddrs;
};

/* What the file asks of the firewall for the tunnel: Forward, Masquerade, AllowFrom, Firewall. */
enum forward_mode { FORWARD_NO, FORWARD_MESH, FORWARD_YES };
enum firewall_choice { FIREWALL_AUTO, FIREWALL_NFTABLES, FIREWALL_IPTABLES, FIREWALL_OFF };

/* Where rules are kept. */
enum fw_medium {
	FW_NFTABLES,     /* nf_tables, in tables of the tunnel's own: wg-quick-IFACE, wgq-IFACE */
	FW_IPTABLES_NFT, /* nf_tables, among the rules of iptables-nft: ip filter, ip6 nat, ... */
	FW_IPTABLES_LEGACY, /* ip_tables and ip6_tables */
	FW_MEDIA,           /* how many there are */
};

enum fw_hook { FW_INPUT, FW_FORWARD, FW_POSTROUTING };
enum fw_verdict { FW_ACCEPT, FW_DROP, FW_MASQUERADE };

/*
 * A rule that a tunnel declares, in terms that every medium has words for. A rule matches where all
 * that is given matches.
 */
struct fw_rule {
	uint8_t hook;      /* enum fw_hook */
	uint8_t verdict;   /* enum fw_verdict; MASQUERADE in POSTROUTING only */
	bool replies;      /* connection tracking knows the packet: ESTABLISHED or RELATED */
	bool not_out;      /* "! -o OUT" */
	char in[IFNAMSIZ]; /* zero-padded; empty: any */
	char out[IFNAMSIZ];
	struct prefix source; /* family 0: any */
};

/* The rules of one family in one medium, in the order in which they are looked at. */
struct fw_rules {
	uint8_t family; /* AF_INET or AF_INET6 */
	const struct fw_rule *v;
	size_t n;
	/* iptables only: the chain whose head takes the rules of FORWARD; "FORWARD" or a chain that
	 * it jumps to and leaves to others, as "DOCKER-USER" */
	const char *forward_chain;
};

/* What a resolver is told; the words are as written in the file. */
struct dns {
	const char **servers;
	size_t nservers, servers_capacity;
	const char **searches;
	size_t nsearches, searches_capacity;
};

#endif
