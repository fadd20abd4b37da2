/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/firewall.h"

#include <errno.h>

#include "hooks/fw_backend.h"

/* In the order in which they are tried. */
static const struct fw_backend *const backends[] = { &fw_nft };

int firewall_open(struct firewall **fw, struct diag *d)
{
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(backends) && err == -EOPNOTSUPP; i++)
		err = backends[i]->open(fw, d);
	return err;
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

int firewall_commit(struct firewall *fw, const struct firewall_batch *b, struct diag *d)
{
	return fw->backend->commit(fw, b, d);
}

void firewall_batch_free(struct firewall_batch *b)
{
	if (b)
		b->backend->free(b);
}
