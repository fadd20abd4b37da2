/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's firewall, as far as the tunnel touches it. Nothing beyond this header knows which
 * backend serves. */
#ifndef WGQ_HOOKS_FIREWALL_H
#define WGQ_HOOKS_FIREWALL_H

#include "wgq/base/diag.h"
#include "wgq/base/model.h"

struct firewall;

/*
 * Opens the backend. Returns 0 with *fw set, or a negative errno recorded in d (-EOPNOTSUPP: the
 * kernel has no nf_tables).
 */
int firewall_open(struct firewall **fw, struct diag *d);
void firewall_close(struct firewall *fw);

/*
 * Would the kernel take the table of this family? When first asked, a transaction like the real one
 * finds out; it is broken off before its end, so that nothing changes, but that takes the kernel 10
 * to 30 milliseconds. False if something that the table needs is missing (the family, chains, fib
 * or ct); any other obstacle is left for firewall_commit() to report.
 */
bool firewall_has_family(struct firewall *fw, uint8_t family);

/*
 * A finished transaction: built before the first operation, committed later without allocating.
 * Freed by the caller.
 */
struct firewall_batch;

/* Replaces table wg-quick-IFNAME of a->family (idempotent: add table, delete table, add table,
 * chains, rules). */
int firewall_build_antispoof(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d);

/* Deletes that table; committing it where there is none returns -ENOENT. */
int firewall_build_antispoof_removal(struct firewall *fw, struct firewall_batch **out,
				     const char *ifname, uint8_t family, struct diag *d);
void firewall_batch_free(struct firewall_batch *b);

/*
 * Sends the batch with one sendmsg(2) and reads every answer. One transaction: all of it or
 * nothing. Returns 0 or the kernel's negative errno, recorded in d with the object that it refused.
 * A batch can be committed more than once.
 */
int firewall_commit(struct firewall *fw, const struct firewall_batch *b, struct diag *d);

/* Is there a table wg-quick-IFNAME of this family? Returns 1, 0 or a negative errno recorded in d.
 */
int firewall_has_antispoof(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d);

#endif
