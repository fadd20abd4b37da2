/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's firewall, as far as the tunnel touches it: the same few calls for each medium, and
 * nothing beyond this header knows how a medium serves them. */
#ifndef WGQ_HOOKS_FIREWALL_H
#define WGQ_HOOKS_FIREWALL_H

#include "wgq/base/diag.h"
#include "wgq/base/model.h"

struct firewall;

/* "nftables", "iptables-nft", "iptables-legacy". */
const char *firewall_medium_name(enum fw_medium medium);

/*
 * Opens a medium. Returns 0 with *fw set, or a negative errno recorded in d (-EOPNOTSUPP: this
 * kernel or this host lacks what it needs, which d names).
 */
int firewall_open(struct firewall **fw, enum fw_medium medium, struct diag *d);
void firewall_close(struct firewall *fw);

/*
 * Would the kernel take the table of this family? When first asked, a transaction like the real one
 * finds out; it is broken off before its end, so that nothing changes, but that takes the kernel 10
 * to 30 milliseconds. False if something that the table needs is missing (the family, chains, fib
 * or ct); any other obstacle is left for firewall_commit() to report. Legacy tables are made by
 * whoever looks at them first, so they are tried in a network namespace that ends with the trial;
 * the module (ip_tables, ip6_tables) is loaded, if it is installed and was not.
 */
bool firewall_has_family(struct firewall *fw, uint8_t family);

/*
 * A finished transaction: built before the first operation, committed later without allocating.
 * Freed by the caller.
 */
struct firewall_batch;

/*
 * The rules of wg-quick against spoofed packets. nftables: replaces table wg-quick-IFNAME of
 * a->family (idempotent: add table, delete table, add table, chains, rules). iptables: rules at the
 * head of raw PREROUTING, mangle POSTROUTING and mangle PREROUTING with the comment "wg-quick(8)
 * rule for IFNAME", as `wg-quick down` looks for.
 */
int firewall_build_antispoof(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d);

/* Takes away that table, or every rule of that comment in any table; committing it where there is
 * none returns -ENOENT. */
int firewall_build_antispoof_removal(struct firewall *fw, struct firewall_batch **out,
				     const char *ifname, uint8_t family, struct diag *d);

/*
 * The rules that a tunnel declares. nftables: replaces table wgq-IFNAME of r->family, with a base
 * chain for each hook in use (input and forward at priority filter, postrouting of type nat at
 * srcnat). iptables: inserts them, in their order, at the head of INPUT, of r->forward_chain (table
 * filter) and of POSTROUTING (table nat), made as iptables makes them where they are missing. All
 * carry the comment "wgq IFNAME", and what carried it before is gone with the same commit.
 */
int firewall_build_rules(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			 const struct fw_rules *r, struct diag *d);

/*
 * Takes them away: the table, or by their comment in whatever chain of iptables' tables they are
 * now; of iptables-nft also the tables and base chains that a commit has made, once nobody has
 * anything in them. Looks at what is there when it is committed; -ENOENT: nothing.
 */
int firewall_build_rules_removal(struct firewall *fw, struct firewall_batch **out,
				 const char *ifname, uint8_t family, struct diag *d);

/* Is any such rule there? Returns 1, 0 or a negative errno recorded in d. */
int firewall_has_rules(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d);

void firewall_batch_free(struct firewall_batch *b);

/*
 * Does it, allocating nothing. nf_tables: one transaction, all of it or nothing. Legacy tables: one
 * commit a table under the xtables lock; if a later one fails, the earlier are put back. Returns 0
 * or a negative errno, recorded in d with the object that was refused. A batch can be committed
 * more than once.
 */
int firewall_commit(struct firewall *fw, const struct firewall_batch *b, struct diag *d);

/* Are the rules against spoofing there, of this family? Returns 1, 0 or a negative errno recorded
 * in d. */
int firewall_has_antispoof(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d);

#endif
