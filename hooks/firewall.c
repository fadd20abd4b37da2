/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/firewall.h"

#include <errno.h>

#include "hooks/fw_backend.h"

static const struct fw_backend *const backends[FW_MEDIA] = {
	[FW_NFTABLES] = &fw_nft,
	[FW_IPTABLES_NFT] = &fw_iptables_nft,
	[FW_IPTABLES_LEGACY] = &fw_iptables_legacy,
};

const char *firewall_medium_name(enum fw_medium medium)
{
	return backends[medium]->name;
}

int firewall_open(struct firewall **fw, enum fw_medium medium, struct diag *d)
{
	if (!backends[medium])
		return diag_set(d, EOPNOTSUPP, "no such firewall");
	return backends[medium]->open(fw, d);
}

void firewall_close(struct firewall *fw)
{
	if (fw)
		fw->backend->close(fw);
}

bool firewall_has_family(struct firewall *fw, uint8_t family)
{
	return fw->backend->has_family(fw, family);
}

int firewall_has_antispoof(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	return fw->backend->read(fw, ifname, family, d);
}

int firewall_build_antispoof(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d)
{
	return fw->backend->replace(fw, out, ifname, a, d);
}

int firewall_build_antispoof_removal(struct firewall *fw, struct firewall_batch **out,
				     const char *ifname, uint8_t family, struct diag *d)
{
	return fw->backend->remove(fw, out, ifname, family, d);
}

int firewall_has_rules(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	return fw->backend->read_rules(fw, ifname, family, d);
}

int firewall_build_rules(struct firewall *fw, struct firewall_batch **out, const char *ifname,
			 const struct fw_rules *r, struct diag *d)
{
	return fw->backend->replace_rules(fw, out, ifname, r, d);
}

int firewall_build_rules_removal(struct firewall *fw, struct firewall_batch **out,
				 const char *ifname, uint8_t family, struct diag *d)
{
	return fw->backend->remove_rules(fw, out, ifname, family, d);
}

int firewall_commit(struct firewall *fw, const struct firewall_batch *b, struct diag *d)
{
	return fw->backend->commit(fw, b, d);
}

void firewall_batch_free(struct firewall_batch *b)
{
	if (b)
		b->backend->free(b);
}
