/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A router between a client and a server, made of network namespaces, packets of all kinds, and
 * whether they get to where they go. Nothing is waited for that does not come: markers that no
 * firewall sees follow the packets.
 */
#ifndef WGQ_TESTS_UNIT_ROUTER_H
#define WGQ_TESTS_UNIT_ROUTER_H

#include "hooks/ruleset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "tests/unit/netns.h"

enum {
	OTHER_PROTOCOL = 99,
	MARKER_TYPE = 0x88b5, /* an ethertype for experiments */
	PROBES_MAX = 128,
	SOURCE_PORT = 40000, /* of the first probe; each has one of its own */
	PATIENCE = 5,        /* seconds for a marker, which nothing holds back */
};

/* --- probes --- */

static const struct direction {
	const char *name, *in, *out; /* out "": to the router itself */
	const char *source[2], *target[2];
} directions[] = {
	{ "wg0>wg0", "wg0", "wg0", { "10.7.0.2", "fd07::2" }, { "10.7.0.3", "fd07::3" } },
	{ "wg0>eth0", "wg0", "eth0", { "10.7.0.2", "fd07::2" }, { "192.0.2.2", "2001:db8::2" } },
	{ "eth0>wg0", "eth0", "wg0", { "192.0.2.2", "2001:db8::2" }, { "10.7.0.3", "fd07::3" } },
	{ "wg0>here", "wg0", "", { "10.7.0.2", "fd07::2" }, { "10.7.0.1", "fd07::1" } },
	{ "eth0>here", "eth0", "", { "192.0.2.2", "2001:db8::2" }, { "192.0.2.1", "2001:db8::1" } },
};

static const struct kind {
	const char *name;
	uint8_t protocol;
	uint16_t port;
	uint8_t dscp; /* the router makes it a mark, see start_router() */
	uint32_t mark;
	bool established;
} kinds[] = {
	{ "tcp/22", IPPROTO_TCP, 22, 0, 0, false },
	{ "tcp/443", IPPROTO_TCP, 443, 0, 0, false },
	{ "udp/51820", IPPROTO_UDP, 51820, 0, 0, false },
	{ "udp/53", IPPROTO_UDP, 53, 0, 0, false },
	{ "udp/5000", IPPROTO_UDP, 5000, 0, 0, false },
	{ "other", OTHER_PROTOCOL, 0, 0, 0, false },
	{ "mark-1", IPPROTO_UDP, 5000, 1, 1, false },
	{ "mark-0x42", IPPROTO_UDP, 5000, 2, 0x42, false },
	{ "mark-0x10000", IPPROTO_TCP, 443, 3, 0x10000, false },
	{ "established", IPPROTO_UDP, 5000, 0, 0, true },
};

struct probe {
	char name[64];
	const struct direction *direction;
	const struct kind *kind;
	struct packet packet;
	bool arrived;
};

static inline struct prefix addr(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static inline struct probe make_probe(size_t i)
{
	const struct direction *d = &directions[i / 2 / ARRAY_SIZE(kinds)];
	const struct kind *k = &kinds[i / 2 % ARRAY_SIZE(kinds)];
	bool six = i % 2;
	struct probe probe = { .direction = d, .kind = k };

	snprintf(probe.name, sizeof(probe.name), "v%d %s %s", six ? 6 : 4, d->name, k->name);
	probe.packet = (struct packet){
		.family = six ? AF_INET6 : AF_INET,
		.in = d->in,
		.out = d->out,
		.source = addr(d->source[six]),
		.target = addr(d->target[six]),
		.protocol = k->protocol,
		.source_port = k->port ? SOURCE_PORT + (int)i : -1,
		.target_port = k->port ? k->port : -1,
		.established = k->established,
		.mark = k->mark,
	};
	return probe;
}

static inline size_t make_probes(struct probe *v)
{
	size_t n = ARRAY_SIZE(directions) * ARRAY_SIZE(kinds) * 2;

	assert_true(n <= PROBES_MAX);
	for (size_t i = 0; i < n; i++)
		v[i] = make_probe(i);
	return n;
}

/* --- packets --- */

/* What a packet carries, so that it is known wherever it turns up. */
struct tag {
	char magic[8];
	uint32_t probe;
	char odd; /* so that checksums meet an odd length */
} __attribute__((packed));

static const char magic[8] = "wgq-prob";

static inline uint32_t sum(uint32_t s, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static inline uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static inline void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The transport header; returns its size. at is zeroed. */
static inline size_t put_transport(uint8_t *at, const struct packet *p, size_t data)
{
	if (p->source_port < 0)
		return 0;
	put16(at, (uint16_t)p->source_port);
	put16(at + 2, (uint16_t)p->target_port);
	if (p->protocol == IPPROTO_UDP) {
		put16(at + 4, (uint16_t)(8 + data));
		return 8;
	}
	at[12] = 5 << 4; /* TCP: a header of five words */
	at[13] = 0x02;   /* SYN */
	put16(at + 14, 1000);
	return 20;
}

static inline void put_checksum(uint8_t *at, const struct packet *p, size_t n)
{
	size_t offset = p->protocol == IPPROTO_UDP ? 6 : 16, bytes = family_bytes(p->family);
	uint32_t s = sum(sum(0, p->source.addr, bytes), p->target.addr, bytes);
	uint16_t checksum;

	if (p->source_port < 0)
		return;
	checksum = fold(sum(s + p->protocol + (uint32_t)n, at, n));
	memcpy(at + offset, &checksum, 2);
}

static inline size_t put_network(uint8_t *at, const struct packet *p, uint8_t dscp, size_t data)
{
	uint16_t checksum;

	if (p->family == AF_INET6) {
		put16(at, (uint16_t)(0x6000 | dscp << 6));
		put16(at + 4, (uint16_t)data);
		at[6] = p->protocol;
		at[7] = 64;
		memcpy(at + 8, p->source.addr, 16);
		memcpy(at + 24, p->target.addr, 16);
		return 40;
	}
	at[0] = 0x45;
	at[1] = (uint8_t)(dscp << 2);
	put16(at + 2, (uint16_t)(20 + data));
	at[8] = 64;
	at[9] = p->protocol;
	memcpy(at + 12, p->source.addr, 4);
	memcpy(at + 16, p->target.addr, 4);
	checksum = fold(sum(0, at, 20));
	memcpy(at + 10, &checksum, 2);
	return 20;
}

static inline size_t put_packet(uint8_t frame[256], const struct packet *p, uint8_t dscp,
				uint32_t number)
{
	size_t network = p->family == AF_INET6 ? 40 : 20, transport;
	struct tag tag = { .probe = number };

	memset(frame, 0, 256);
	memcpy(tag.magic, magic, sizeof(magic));
	transport = put_transport(frame + network, p, sizeof(tag));
	memcpy(frame + network + transport, &tag, sizeof(tag));
	put_checksum(frame + network, p, transport + sizeof(tag));
	put_network(frame, p, dscp, transport + sizeof(tag));
	return network + transport + sizeof(tag);
}

/* --- the lab --- */

enum host { CLIENT, SERVER, ROUTER, HOSTS };

struct port {
	int fd; /* packets of all kinds, to and from a link */
	int index;
	uint8_t peer[ETH_ALEN];
};

struct lab {
	int ns[HOSTS];
	struct port client, server, to_client, to_server; /* the latter two are the router's */
	int raw[2][3];                                    /* of the router, for what reaches it */
};

static const uint8_t raw_protocols[] = { IPPROTO_TCP, IPPROTO_UDP, OTHER_PROTOCOL };

static inline void enter(const struct lab *lab, enum host host)
{
	assert_int_equal(setns(lab->ns[host], CLONE_NEWNET), 0);
}

static inline void set(const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(value, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Until its queue is there: a link does nothing before the kernel has looked at its carrier. */
static inline void await_link(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
		if (ifr.ifr_flags & IFF_RUNNING)
			break;
		usleep(1000);
	}
	assert_true(ifr.ifr_flags & IFF_RUNNING);
	close(fd);
}

static inline void open_port(const struct lab *lab, struct port *port, enum host host,
			     const char *name, uint8_t peer)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	enter(lab, host);
	await_link(name);
	*port = (struct port){ .peer = { 2, 0, 0, 0, 0, peer } };
	port->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* of no link until bound */
	assert_true(port->fd >= 0);
	port->index = at.sll_ifindex = (int)if_nametoindex(name);
	assert_int_equal(bind(port->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setsockopt(port->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
}

static inline void open_raw(struct lab *lab)
{
	for (size_t i = 0; i < ARRAY_SIZE(raw_protocols); i++)
		for (int six = 0; six < 2; six++) {
			lab->raw[six][i] = socket(six ? AF_INET6 : AF_INET,
						  SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
						  raw_protocols[i]);
			assert_true(lab->raw[six][i] >= 0);
		}
}

static inline void start_hosts(struct lab *lab)
{
	static const char *const names[] = { "client", "server", "router" };
	char path[64];

	sh("ip netns add client && ip netns add server && ip netns add router");
	sh("ip -n router -batch - << END\n"
	   "link add wg0 address 02:00:00:00:00:01 type veth peer name far address "
	   "02:00:00:00:00:02 netns client\n"
	   "link add eth0 address 02:00:00:00:00:03 type veth peer name far address "
	   "02:00:00:00:00:04 netns server\n"
	   "END\n");
	for (int i = 0; i < HOSTS; i++) {
		snprintf(path, sizeof(path), "/run/netns/%s", names[i]);
		lab->ns[i] = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(lab->ns[i] >= 0);
	}
}

/* Connection tracking is on from the start, and the class of a packet becomes its mark. */
static inline void start_router(struct lab *lab)
{
	enter(lab, ROUTER);
	set("ipv4/ip_forward", "1");
	set("ipv6/conf/all/forwarding", "1");
	set("ipv4/conf/all/rp_filter", "0");
	set("ipv4/conf/default/rp_filter", "0");
	sh("ip -batch - << END\n"
	   "link set lo up\n"
	   "link set wg0 addrgenmode none up\n"
	   "link set eth0 addrgenmode none up\n"
	   "END\n");
	await_link("wg0"); /* addresses of IPv6 wait for it */
	await_link("eth0");
	sh("ip -batch - << END\n"
	   "addr add 10.7.0.1/24 dev wg0\n"
	   "addr add fd07::1/64 dev wg0 nodad\n"
	   "addr add 192.0.2.1/24 dev eth0\n"
	   "addr add 2001:db8::1/64 dev eth0 nodad\n"
	   "neigh add 10.7.0.2 dev wg0 lladdr 02:00:00:00:00:02\n"
	   "neigh add 10.7.0.3 dev wg0 lladdr 02:00:00:00:00:02\n"
	   "neigh add fd07::2 dev wg0 lladdr 02:00:00:00:00:02\n"
	   "neigh add fd07::3 dev wg0 lladdr 02:00:00:00:00:02\n"
	   "neigh add 192.0.2.2 dev eth0 lladdr 02:00:00:00:00:04\n"
	   "neigh add 2001:db8::2 dev eth0 lladdr 02:00:00:00:00:04\n"
	   "END\n");
	sh("nft -f - << END\n"
	   "table inet verdict-probe {\n"
	   "	chain pre {\n"
	   "		type filter hook prerouting priority -150\n"
	   "		ct state invalid counter\n"
	   "		meta mark set ip dscp map { 1 : 1, 2 : 0x42, 3 : 0x10000 }\n"
	   "		meta mark set ip6 dscp map { 1 : 1, 2 : 0x42, 3 : 0x10000 }\n"
	   "	}\n"
	   "}\n"
	   "END\n");
}

static inline void start_lab(struct lab *lab)
{
	start_hosts(lab);
	for (int i = CLIENT; i <= SERVER; i++) {
		enter(lab, i);
		sh("ip link set far addrgenmode none up");
	}
	start_router(lab);
	open_port(lab, &lab->client, CLIENT, "far", 1);
	open_port(lab, &lab->server, SERVER, "far", 3);
	open_port(lab, &lab->to_client, ROUTER, "wg0", 2);
	open_port(lab, &lab->to_server, ROUTER, "eth0", 4);
	open_raw(lab);
}

/* The namespaces end with their names, see start_hosts(). */
static inline void end_lab(struct lab *lab)
{
	const int ports[] = { lab->client.fd, lab->server.fd, lab->to_client.fd,
			      lab->to_server.fd };

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		close(ports[i]);
	for (size_t i = 0; i < ARRAY_SIZE(raw_protocols); i++)
		for (int six = 0; six < 2; six++)
			close(lab->raw[six][i]);
	for (int i = 0; i < HOSTS; i++)
		close(lab->ns[i]);
}

/* --- sending and receiving --- */

static inline void send_frame(const struct port *port, uint16_t type, const void *data, size_t n)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(type),
		.sll_ifindex = port->index,
		.sll_halen = ETH_ALEN,
	};

	memcpy(to.sll_addr, port->peer, ETH_ALEN);
	assert_int_equal(sendto(port->fd, data, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

static inline void send_probe(const struct lab *lab, const struct probe *probe, uint32_t number)
{
	bool from_client = !strcmp(probe->direction->in, "wg0");
	uint8_t frame[256];
	size_t n = put_packet(frame, &probe->packet, probe->kind->dscp, number);

	send_frame(from_client ? &lab->client : &lab->server,
		   probe->packet.family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP, frame, n);
}

/* The same probe with its ends exchanged. */
static inline void send_reply(const struct lab *lab, const struct probe *probe)
{
	struct probe reply = *probe;
	const struct packet *p = &probe->packet;
	struct direction back = { .in = p->out, .out = p->in };

	reply.direction = &back;
	reply.packet.source = p->target;
	reply.packet.target = p->source;
	reply.packet.source_port = p->target_port;
	reply.packet.target_port = p->source_port;
	send_probe(lab, &reply, UINT32_MAX);
}

static inline void note(struct probe *probes, size_t n, const uint8_t *data, size_t size)
{
	const struct tag *tag = memmem(data, size, magic, sizeof(magic));

	if (tag && (const uint8_t *)(tag + 1) <= data + size && tag->probe < n)
		probes[tag->probe].arrived = true;
}

/* A reject comes with a copy of what it rejects. */
static inline bool is_complaint(const uint8_t *data)
{
	return data[0] >> 4 == 6 ? data[6] == IPPROTO_ICMPV6 : data[9] == IPPROTO_ICMP;
}

/* A link hands on what it is given in the order in which it is given it, and so does a processor:
 * so we stay on one while packets are on their way, and what was let through comes before a marker.
 */
static inline void stay_here(bool stay)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; !stay && i < CPU_SETSIZE; i++)
		CPU_SET(i, &set);
	if (stay)
		CPU_SET(sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Everything that has arrived at a port, up to the marker. */
static inline void receive_to_marker(const struct port *port, struct probe *probes, size_t n)
{
	for (;;) {
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);
		uint8_t data[2048];
		ssize_t got = recvfrom(port->fd, data, sizeof(data), 0, (struct sockaddr *)&from,
				       &len);

		if (got < 0)
			fail_msg("no marker: %s", strerror(errno));
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (ntohs(from.sll_protocol) == MARKER_TYPE)
			return;
		if (probes && !is_complaint(data))
			note(probes, n, data, (size_t)got);
	}
}

static inline void receive_raw(const struct lab *lab, struct probe *probes, size_t n)
{
	uint8_t data[2048];
	ssize_t got;

	for (size_t i = 0; i < ARRAY_SIZE(raw_protocols); i++)
		for (int six = 0; six < 2; six++)
			while ((got = recv(lab->raw[six][i], data, sizeof(data), 0)) >= 0)
				note(probes, n, data, (size_t)got);
}

/* Waits until all that was sent has gone where it goes. */
static inline void settle(const struct lab *lab, struct probe *probes, size_t n)
{
	static const char marker[46] = "marker";
	const struct port *const in[] = { &lab->client, &lab->server };
	const struct port *const middle[] = { &lab->to_client, &lab->to_server };

	for (int i = 0; i < 2; i++) {
		send_frame(in[i], MARKER_TYPE, marker, sizeof(marker));
		receive_to_marker(middle[i], NULL, 0);
	}
	for (int i = 0; i < 2; i++) {
		send_frame(middle[i], MARKER_TYPE, marker, sizeof(marker));
		receive_to_marker(in[i], probes, n);
	}
	receive_raw(lab, probes, n);
}

/* Until the router knows its own addresses, to which the kernel comes some time later. */
static inline void await_addresses(const struct lab *lab, struct probe *probes, size_t n)
{
	size_t missing = 1;

	for (int try = 0; missing && try < 5000; try++) {
		missing = 0;
		for (size_t i = 0; i < n; i++) {
			struct probe probe = probes[i];

			probe.packet.source_port = SOURCE_PORT - 1;
			if (!*probe.packet.out && !strcmp(probe.kind->name, "tcp/22"))
				send_probe(lab, &probe, (uint32_t)i);
		}
		settle(lab, probes, n);
		for (size_t i = 0; i < n; i++) {
			missing += !probes[i].arrived && !*probes[i].packet.out &&
				   !strcmp(probes[i].kind->name, "tcp/22");
			probes[i].arrived = false;
		}
	}
	assert_int_equal(missing, 0);
}

/* The router itself speaks first. */
static inline void speak_first(const struct packet *p)
{
	bool six = p->family == AF_INET6;
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)p->source_port) };
	struct sockaddr_in6 from6 = { .sin6_family = AF_INET6,
				      .sin6_port = htons((uint16_t)p->target_port) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = to6.sin6_port };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = from6.sin6_port };
	int fd = socket(p->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&to6.sin6_addr, p->source.addr, 16);
	memcpy(&from6.sin6_addr, p->target.addr, 16);
	memcpy(&to.sin_addr, p->source.addr, 4);
	memcpy(&from.sin_addr, p->target.addr, 4);
	assert_int_equal(
		bind(fd, six ? (void *)&from6 : (void *)&from, six ? sizeof(from6) : sizeof(from)),
		0);
	assert_int_equal(sendto(fd, "", 1, 0, six ? (void *)&to6 : (void *)&to,
				six ? sizeof(to6) : sizeof(to)),
			 1);
	close(fd);
}

/* Before there are rules: connections that the router's connection tracking knows. */
static inline void establish(const struct lab *lab, struct probe *probes, size_t n)
{
	stay_here(true);
	await_addresses(lab, probes, n);
	enter(lab, ROUTER);
	for (size_t i = 0; i < n; i++) {
		if (!probes[i].kind->established)
			continue;
		if (!*probes[i].packet.out) {
			speak_first(&probes[i].packet);
			continue;
		}
		send_probe(lab, &probes[i], UINT32_MAX);
		send_reply(lab, &probes[i]);
	}
	settle(lab, probes, n);
	stay_here(false);
}

static inline void send_all(const struct lab *lab, struct probe *probes, size_t n)
{
	stay_here(true);
	for (size_t i = 0; i < n; i++)
		send_probe(lab, &probes[i], (uint32_t)i);
	settle(lab, probes, n);
	stay_here(false);
}

#endif
