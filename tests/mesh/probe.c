/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe ROWS NODE ROUNDS: sends a datagram to the target of each row of NODE's, ROUNDS times, and
 * says what arrives here meanwhile and for some time after. ROWS: a file of ways. Prints, each
 * once: sent N SOURCE    the source address that the kernel chose got N SOURCE     row N arrived,
 * and who from
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 4000, ROWS_MAX = 1024, ROUND_MS = 120, LAST_MS = 600 };

/* An IPv6 socket is good for IPv4 too: ::ffff:10.0.0.1, which is shown as IPv4. */
static void print_addr(const char *what, unsigned long n, const struct sockaddr_in6 *from)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const unsigned char *addr = from->sin6_addr.s6_addr;
	bool is_v4 = !memcmp(addr, mapped, sizeof(mapped));
	char text[INET6_ADDRSTRLEN];

	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? addr + sizeof(mapped) : addr, text,
		  sizeof(text));
	printf("%s %lu %s\n", what, n, text);
}

static int listen_all(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int off = 0, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		perror("probe");
		exit(1);
	}
	return fd;
}

static int connect_to(const char *target)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	char text[INET6_ADDRSTRLEN + 8];
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(text, sizeof(text), "%s%s", strchr(target, ':') ? "" : "::ffff:", target);
	if (fd < 0 || inet_pton(AF_INET6, text, &at.sin6_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* fds of the node's own rows; -1: not its own, or no route. */
static void open_rows(const char *path, const char *node, int *fds)
{
	char line[1024], from[64], target[INET6_ADDRSTRLEN];
	FILE *f = fopen(path, "re");
	unsigned long n;

	for (size_t i = 0; i < ROWS_MAX; i++)
		fds[i] = -1;
	while (f && fgets(line, sizeof(line), f)) {
		struct sockaddr_in6 own;
		socklen_t len = sizeof(own);

		if (sscanf(line, "row %lu %63s %*s %*s %45s", &n, from, target) != 3 ||
		    n >= ROWS_MAX || strcmp(from, node) != 0)
			continue;
		fds[n] = connect_to(target);
		if (fds[n] >= 0 && !getsockname(fds[n], (struct sockaddr *)&own, &len))
			print_addr("sent", n, &own);
	}
	if (f)
		fclose(f);
}

static void send_rows(const int *fds)
{
	for (size_t i = 0; i < ROWS_MAX; i++)
		if (fds[i] >= 0)
			dprintf(fds[i], "%zu", i);
}

static void receive(int fd, bool *seen)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char text[32];
	ssize_t got;

	while ((got = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &len)) >=
	       0) {
		unsigned long n;

		text[got] = '\0';
		n = strtoul(text, NULL, 10);
		if (n < ROWS_MAX && !seen[n]) {
			seen[n] = true;
			print_addr("got", n, &from);
		}
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void receive_for(int fd, bool *seen, long ms)
{
	long end = now_ms() + ms, left;

	while ((left = end - now_ms()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, (int)left) > 0)
			receive(fd, seen);
	}
}

int main(int argc, char **argv)
{
	static int fds[ROWS_MAX];
	static bool seen[ROWS_MAX];
	int fd;

	if (argc != 4)
		return 2;
	fd = listen_all();
	open_rows(argv[1], argv[2], fds);
	for (unsigned long round = strtoul(argv[3], NULL, 10); round; round--) {
		send_rows(fds);
		receive_for(fd, seen, ROUND_MS);
	}
	receive_for(fd, seen, LAST_MS);
	return 0;
}
