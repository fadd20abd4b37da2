/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a backend, one for each medium, of firewall.h offers to firewall.c; nobody else includes
 * this. */
#ifndef WGQ_HOOKS_FW_BACKEND_H
#define WGQ_HOOKS_FW_BACKEND_H

#include "hooks/firewall.h"

/* A backend's own structs begin with these. */
struct firewall {
	const struct fw_backend *backend;
};

struct firewall_batch {
	const struct fw_backend *backend;
};

/* The calls mean what their namesakes in firewall.h mean. */
struct fw_backend {
	const char *name;
	int (*open)(struct firewall **fw, struct diag *d);
	void (*close)(struct firewall *fw);
	bool (*has_family)(struct firewall *fw, uint8_t family);
	int (*read)(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d);
	int (*replace)(struct firewall *fw, struct firewall_batch **out, const char *ifname,
		       const struct antispoof *a, struct diag *d);
	int (*remove)(struct firewall *fw, struct firewall_batch **out, const char *ifname,
		      uint8_t family, struct diag *d);
	int (*read_rules)(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d);
	int (*replace_rules)(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			     const struct fw_rules *r, struct diag *d);
	int (*remove_rules)(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			    uint8_t family, struct diag *d);
	int (*commit)(struct firewall *fw, const struct firewall_batch *b, struct diag *d);
	void (*free)(struct firewall_batch *b);
};

extern const struct fw_backend fw_nft;             /* nft.c */
extern const struct fw_backend fw_iptables_nft;    /* iptnft.c */
extern const struct fw_backend fw_iptables_legacy; /* ipt.c */

#endif
