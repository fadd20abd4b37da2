/* SPDX-License-Identifier: GPL-2.0-or-later */
/* udp-hold ADDRESS PORT [INTERFACE]: has a UDP socket there until it is killed; says "ready" when
 * it has. IPv6 addresses leave IPv4 alone, but for "dual", which is all of both. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int hold4(const struct in_addr *addr, in_port_t port, const char *link)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = port, .sin_addr = *addr };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (link && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)strlen(link)))
		return -1;
	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static int hold6(const struct in6_addr *addr, in_port_t port, int is_v6only)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = *addr };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6only, sizeof(is_v6only)))
		return -1;
	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

int main(int argc, char **argv)
{
	in_port_t port = htons(argc > 2 ? (in_port_t)strtoul(argv[2], NULL, 10) : 0);
	struct in_addr v4;
	struct in6_addr v6;
	int failed = -1;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "dual"))
		failed = hold6(&in6addr_any, port, 0);
	else if (inet_pton(AF_INET, argv[1], &v4) == 1)
		failed = hold4(&v4, port, argv[3]);
	else if (inet_pton(AF_INET6, argv[1], &v6) == 1)
		failed = hold6(&v6, port, 1);
	if (failed) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fclose(stdout);
	for (;;)
		pause();
}
