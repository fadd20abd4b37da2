/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/parser.h"

static void print_word(const struct printer *p, const struct conf_key *key, const char *value)
{
	fprintf(p->out, *value ? "%s = %s\n" : "%s =\n", key->name, value);
}

static void print_number(const struct printer *p, const struct conf_key *key, uint32_t value)
{
	fprintf(p->out, "%s = %u\n", key->name, value);
}

static void print_key(const struct printer *p, const struct conf_key *key, const struct key *value)
{
	char text[KEY_BASE64_LEN + 1] = "(hidden)";

	if (p->secrets || key->secrecy == SECRECY_PUBLIC_KEY)
		key_to_base64(text, value);
	print_word(p, key, text);
	explicit_bzero(text, sizeof(text));
}

void print_address(const struct printer *p, const struct conf_key *key)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < p->c->naddrs; i++)
		print_word(p, key, prefix_format(text, &p->c->addrs[i].prefix));
}

void print_dns(const struct printer *p, const struct conf_key *key)
{
	for (size_t i = 0; i < p->c->dns.nservers; i++)
		print_word(p, key, p->c->dns.servers[i]);
	for (size_t i = 0; i < p->c->dns.nsearches; i++)
		print_word(p, key, p->c->dns.searches[i]);
}

void print_mtu(const struct printer *p, const struct conf_key *key)
{
	if (p->c->mtu)
		print_number(p, key, p->c->mtu);
}

void print_table(const struct printer *p, const struct conf_key *key)
{
	switch (p->c->table_kind) {
	case TABLE_AUTO:
		break;
	case TABLE_OFF:
		print_word(p, key, "off");
		break;
	case TABLE_NUMBER:
		print_number(p, key, p->c->table);
		break;
	case TABLE_NAME:
		print_word(p, key, p->c->table_name);
		break;
	}
}

void print_hook(const struct printer *p, const struct conf_key *key)
{
	const struct conf_hooks *hooks = &p->c->hooks[key->number];

	for (size_t i = 0; i < hooks->n; i++)
		print_word(p, key, hooks->v[i].text);
}

void print_save_config(const struct printer *p, const struct conf_key *key)
{
	if (p->c->save_config)
		print_word(p, key, "true");
}

void print_listen_port(const struct printer *p, const struct conf_key *key)
{
	if (p->c->device.flags & DEVICE_HAS_LISTEN_PORT)
		print_number(p, key, p->c->device.listen_port);
}

void print_fwmark(const struct printer *p, const struct conf_key *key)
{
	if (!(p->c->device.flags & DEVICE_HAS_FWMARK))
		return;
	if (p->c->device.fwmark)
		fprintf(p->out, "%s = 0x%x\n", key->name, p->c->device.fwmark);
	else
		print_word(p, key, "off");
}

void print_private_key(const struct printer *p, const struct conf_key *key)
{
	if (p->c->device.flags & DEVICE_HAS_PRIVATE_KEY)
		print_key(p, key, &p->c->device.private_key);
}

static const struct wg_peer *peer_of(const struct printer *p)
{
	return &p->c->device.peers[p->peer];
}

void print_public_key(const struct printer *p, const struct conf_key *key)
{
	if (p->c->peers[p->peer].public_key.line)
		print_key(p, key, &peer_of(p)->public_key);
}

void print_preshared_key(const struct printer *p, const struct conf_key *key)
{
	if (peer_of(p)->flags & PEER_HAS_PRESHARED_KEY)
		print_key(p, key, &peer_of(p)->preshared_key);
}

/* One a line; the last line's signs decide whether the list is replaced, so all have one, or only
 * those that need it. */
void print_allowed_ips(const struct printer *p, const struct conf_key *key)
{
	const struct wg_peer *peer = peer_of(p);
	bool replace = peer->flags & PEER_REPLACE_ALLOWED_IPS;
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < peer->nallowed_ips; i++) {
		const struct allowed_ip *ip = &peer->allowed_ips[i];

		fprintf(p->out, "%s = %s%s\n", key->name,
			ip->remove ? "-"
			: replace  ? ""
				   : "+",
			prefix_format(text, &ip->prefix));
	}
}

void print_endpoint(const struct printer *p, const struct conf_key *key)
{
	const struct conf_peer *peer = &p->c->peers[p->peer];

	if (peer->host)
		fprintf(p->out, strchr(peer->host, ':') ? "%s = [%s]:%s\n" : "%s = %s:%s\n",
			key->name, peer->host, peer->service);
}

void print_keepalive(const struct printer *p, const struct conf_key *key)
{
	if (!(peer_of(p)->flags & PEER_HAS_KEEPALIVE))
		return;
	if (peer_of(p)->keepalive)
		print_number(p, key, peer_of(p)->keepalive);
	else
		print_word(p, key, "off");
}

static void print_section(const struct printer *p, enum section section)
{
	fprintf(p->out, "%s\n", section_header(section));
	for (const struct conf_key *key = conf_keys; key->name; key++)
		if (key->section == section)
			key->print(p, key);
}

void config_print(FILE *out, const struct config *c, bool secrets)
{
	struct printer p = { .out = out, .c = c, .secrets = secrets };

	print_section(&p, SECTION_INTERFACE);
	for (; p.peer < c->device.npeers; p.peer++) {
		fputc('\n', out);
		print_section(&p, SECTION_PEER);
	}
}
