/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets that this program makes itself, as the kernel tells of them. */
#include "wgq/kernel/socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/netns.h"

enum { PORT = 51820, OTHER_PORT = 51821 };

static struct diag d;
static struct arena arena;
static struct socks socks;

static int setup(void **state)
{
	(void)state;
	d = (struct diag){ 0 };
	arena_init(&arena);
	socks = (struct socks){ .arena = &arena };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static union endpoint endpoint(const char *addr, uint16_t port)
{
	union endpoint e = { 0 };

	if (strchr(addr, ':')) {
		e.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		assert_int_equal(inet_pton(AF_INET6, addr, &e.in6.sin6_addr), 1);
	} else {
		e.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		assert_int_equal(inet_pton(AF_INET, addr, &e.in.sin_addr), 1);
	}
	return e;
}

/* A socket of the type bound there; of IPv6 with or without IPv4. */
static int hold_as(int type, const char *addr, uint16_t port, int is_v6only)
{
	union endpoint at = endpoint(addr, port);
	int fd = socket(at.sa.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (at.sa.sa_family == AF_INET6)
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6only, sizeof(is_v6only)),
			0);
	assert_int_equal(bind(fd, &at.sa, endpoint_size(&at)), 0);
	return fd;
}

static int hold(const char *addr, uint16_t port)
{
	return hold_as(SOCK_DGRAM, addr, port, 1);
}

static uint32_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

static const char *format(const struct prefix *addr)
{
	static char text[PREFIX_TEXT];

	return prefix_format(text, addr);
}

/* Reads the sockets at PORT anew. */
static void read_socks(size_t n)
{
	socks.n = 0;
	assert_int_equal(socks_get_udp(&socks, PORT, &d), 0);
	assert_int_equal(socks.n, n);
}

static void each_address_is_told(void **state)
{
	static const struct {
		const char *addr, *said;
		int is_v6only;
	} cases[] = {
		{ "0.0.0.0", "0.0.0.0/32", 0 }, { "127.0.0.1", "127.0.0.1/32", 0 },
		{ "::", "::/128", 0 },          { "::", "::/128", 1 },
		{ "::1", "::1/128", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = hold_as(SOCK_DGRAM, cases[i].addr, PORT, cases[i].is_v6only);

		read_socks(1);
		assert_string_equal(format(&socks.v[0].addr), cases[i].said);
		assert_int_equal(socks.v[0].is_v6only, cases[i].is_v6only);
		assert_int_equal(socks.v[0].ifindex, 0);
		assert_int_equal(socks.v[0].inode, inode(fd));
		assert_int_equal(socks.v[0].uid, 0);
		close(fd);
	}
	read_socks(0);
}

static void only_udp_at_the_port_is_told(void **state)
{
	int fds[] = {
		hold("127.0.0.1", OTHER_PORT),
		hold_as(SOCK_STREAM, "127.0.0.1", PORT, 0),
		hold("::1", OTHER_PORT),
	};
	union endpoint to = endpoint("127.0.0.1", PORT);

	(void)state;
	assert_int_equal(connect(fds[0], &to.sa, endpoint_size(&to)), 0); /* that is the far end */
	read_socks(0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void connected_sockets_and_both_families_are_told(void **state)
{
	int fds[] = { hold("127.0.0.1", PORT), hold("::1", PORT), hold("127.0.0.2", PORT) };
	union endpoint to = endpoint("127.0.0.1", OTHER_PORT);

	(void)state;
	assert_int_equal(connect(fds[0], &to.sa, endpoint_size(&to)), 0);
	read_socks(3);
	assert_int_equal(socks.v[0].addr.family, AF_INET);
	assert_int_equal(socks.v[1].addr.family, AF_INET);
	assert_string_equal(format(&socks.v[2].addr), "::1/128");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void interface_and_user_are_told(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union endpoint any = endpoint("0.0.0.0", PORT);

	(void)state;
	assert_int_equal(fchown(fd, 4711, 4711), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	assert_int_equal(bind(fd, &any.sa, endpoint_size(&any)), 0);
	read_socks(1);
	assert_int_equal(socks.v[0].ifindex, if_nametoindex("lo"));
	assert_int_equal(socks.v[0].uid, 4711);
	close(fd);
}

static void other_namespaces_are_not_told(void **state)
{
	int done[2], ready[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(done) | pipe(ready), 0);
	pid = fork();
	if (!pid) {
		close(done[1]);
		if (unshare(CLONE_NEWNET) || hold("0.0.0.0", PORT) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(done[0], &byte, 1) != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	read_socks(0);
	assert_int_equal(socks_try_udp(AF_INET, PORT), 0);
	close(done[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(done[0]);
	close(ready[0]);
	close(ready[1]);
}

/* --- holders --- */

static pid_t fork_idle(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "a\nb (c) d");
	for (;;)
		pause();
}

static void await_name(pid_t pid)
{
	char command[128];

	snprintf(command, sizeof(command), "until grep -q '(c)' /proc/%d/comm; do :; done",
		 (int)pid);
	sh("%s", command);
}

static void every_process_with_the_socket_is_found(void **state)
{
	int fd = hold("0.0.0.0", PORT), copy = dup(fd), other;
	pid_t pid = fork_idle();

	(void)state;
	other = hold("::", PORT); /* ours alone */
	await_name(pid);
	read_socks(2);
	socks_find_holders(&socks);
	assert_int_equal(socks.v[0].nholders, 2); /* by pid, and ours was there first */
	assert_int_equal(socks.v[0].holders[0].pid, getpid());
	assert_string_equal(socks.v[0].holders[0].name, "socks");
	assert_null(socks.v[0].holders[0].wg);
	assert_int_equal(socks.v[0].holders[1].pid, pid);
	assert_string_equal(socks.v[0].holders[1].name, "a\nb (c) d");
	assert_int_equal(socks.v[1].nholders, 1);
	assert_int_equal(socks.v[1].holders[0].pid, getpid());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	close(copy);
	close(other);
}

static void kernels_socket_has_no_holder(void **state)
{
	(void)state;
	sh("ip link add vx0 type vxlan id 1 dstport %d && ip link set vx0 up", PORT);
	assert_int_equal(socks_try_udp(AF_INET, PORT), -EADDRINUSE);
	read_socks(1);
	socks_find_holders(&socks);
	assert_int_equal(socks.v[0].nholders, 0);
	sh("ip link del vx0");
	assert_int_equal(socks_try_udp(AF_INET, PORT), 0);
}

/* A stream socket that listens at a path, as a userspace WireGuard does. */
static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void userspace_wireguard_is_known_by_its_socket(void **state)
{
	static const struct {
		const char *path, *wg;
	} cases[] = {
		{ "/run/wireguard/wg7.sock", "wg7" },
		{ "/var/run/wireguard/fifteen-letters.sock", "fifteen-letters" },
		{ "/run/wireguard/sixteen-letters-.sock", NULL },
		{ "/run/wireguard/.sock", NULL },
		{ "/run/wireguard/wg7.sock2", NULL },
		{ "/run/else/wg7.sock", NULL },
	};
	int fd = hold("0.0.0.0", PORT);

	(void)state;
	sh("mkdir -p /run/wireguard /run/else");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int listener = listen_at(cases[i].path);

		unlink(cases[i].path); /* as one that is about to end */
		socks.v = NULL;
		socks.capacity = 0;
		read_socks(1);
		socks_find_holders(&socks);
		assert_int_equal(socks.v[0].nholders, 1);
		if (cases[i].wg)
			assert_string_equal(socks.v[0].holders[0].wg, cases[i].wg);
		else
			assert_null(socks.v[0].holders[0].wg);
		close(listener);
	}
	close(fd);
}

static void only_root_of_the_first_pid_namespace_sees_everybody(void **state)
{
	struct stat st;
	bool first;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	first = st.st_ino == 0xEFFFFFFC;
	socks_find_holders(&socks);
	assert_true(!socks.saw_everybody || first);
	pid = fork();
	if (!pid) {
		socks.saw_everybody = true;
		if (setgid(4711) || setuid(4711))
			_exit(2);
		socks_find_holders(&socks);
		_exit(socks.saw_everybody);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- trying --- */

static void ports_are_tried_as_wireguard_binds_them(void **state)
{
	static const struct {
		const char *addr;
		int is_v6only, v4, v6;
	} cases[] = {
		{ "0.0.0.0", 0, -EADDRINUSE, 0 }, { "127.0.0.1", 0, -EADDRINUSE, 0 },
		{ "::", 1, 0, -EADDRINUSE },      { "::", 0, -EADDRINUSE, -EADDRINUSE },
		{ "::1", 1, 0, -EADDRINUSE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = hold_as(SOCK_DGRAM, cases[i].addr, PORT, cases[i].is_v6only), on = 1;

		/* whoever shares it shares it with his like, and WireGuard is none */
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
		assert_int_equal(socks_try_udp(AF_INET, PORT), cases[i].v4);
		assert_int_equal(socks_try_udp(AF_INET6, PORT), cases[i].v6);
		close(fd);
	}
	assert_int_equal(socks_try_udp(AF_INET, PORT), 0);
	assert_int_equal(socks_try_udp(AF_INET6, PORT), 0);
	assert_int_equal(socks_try_udp(AF_MAX, PORT), -EAFNOSUPPORT);
}

static void source_is_the_routes(void **state)
{
	union endpoint near = endpoint("192.168.7.9", 1), far = endpoint("203.0.113.1", 1);
	struct prefix source;

	(void)state;
	assert_int_equal(socks_find_source(&source, &far), -ENETUNREACH);
	sh("ip link add v0 type veth peer name v1 && ip addr add 192.168.7.1/24 dev v0 &&"
	   "ip addr add 10.7.7.7/24 dev v0 && ip link set v0 up && ip link set v1 up &&"
	   "ip route add default via 10.7.7.1");
	assert_int_equal(socks_find_source(&source, &near), 0);
	assert_string_equal(format(&source), "192.168.7.1/32");
	assert_int_equal(socks_find_source(&source, &far), 0);
	assert_string_equal(format(&source), "10.7.7.7/32");
	sh("ip link del v0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_address_is_told),
		TEST(only_udp_at_the_port_is_told),
		TEST(connected_sockets_and_both_families_are_told),
		TEST(interface_and_user_are_told),
		TEST(other_namespaces_are_not_told),
		TEST(every_process_with_the_socket_is_found),
		TEST(kernels_socket_has_no_holder),
		TEST(userspace_wireguard_is_known_by_its_socket),
		TEST(only_root_of_the_first_pid_namespace_sees_everybody),
		TEST(ports_are_tried_as_wireguard_binds_them),
		TEST(source_is_the_routes),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
