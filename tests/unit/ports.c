/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a ListenPort, where this program itself plays the owner. */
#include "wgq/plan/ports.h"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/netns.h"

#define FOLDER "/run/files"

static struct arena arena;
static struct findings findings;
static struct host host;
static struct diag d;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	findings = (struct findings){ .arena = &arena };
	if (!sh_ok("rm -rf " FOLDER " && mkdir -p " FOLDER " /run/wireguard"))
		return -1;
	return host_open(&host, &d);
}

static int teardown(void **state)
{
	(void)state;
	host_close(&host);
	arena_fini(&arena);
	return 0;
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* Checks a file of the folder for the tunnel ifname; returns how many findings there are. */
static size_t check(const char *name, const char *ifname)
{
	struct source source;
	struct config *c;
	char path[128];

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	assert_int_equal(source_read(&source, &arena, path, &d), 0);
	c = config_parse(&arena, &source, &findings);
	assert_int_equal(findings.n, 0);
	assert_int_equal(ports_check(&findings, &host, c, ifname, &d), 0);
	return findings.n;
}

static int hold_udp(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* As the userspace WireGuard of an interface. */
static int serve(const char *ifname)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/run/wireguard/%s.sock", ifname);
	unlink(at.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void what_the_tunnel_itself_has_is_no_conflict(void **state)
{
	int udp = hold_udp(4711), server = serve("wgtest");

	(void)state;
	write_file("a.conf", "[Interface]\nListenPort = 4711\n");
	assert_int_equal(check("a.conf", "wgtest"), 0);
	assert_int_equal(check("a.conf", "wgtest2"), 1);
	assert_int_equal(findings.v[0].code, FINDING_PORT_IN_USE);
	assert_non_null(strstr(findings.v[0].message, "the WireGuard interface wgtest, by ports "));
	close(server);
	close(udp);
}

static void names_of_owners_are_shown_escaped(void **state)
{
	char own[17] = { 0 };
	int udp = hold_udp(4711);

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, own), 0);
	assert_int_equal(prctl(PR_SET_NAME, "evil\n\033[31mred"), 0);
	write_file("a.conf", "[Interface]\nListenPort = 4711\n");
	assert_int_equal(check("a.conf", "wgtest"), 1);
	assert_int_equal(prctl(PR_SET_NAME, own), 0);
	assert_non_null(strstr(findings.v[0].message, "taken by evil\\x0a\\x1b[31mred (pid "));
	close(udp);
}

static void file_with_two_names_is_one_file(void **state)
{
	(void)state;
	write_file("a.conf", "[Interface]\nListenPort = 4711\n");
	write_file("b.conf", "[Interface]\nListenPort = 4711\n");
	sh("ln " FOLDER "/b.conf " FOLDER "/c.conf && ln -s b.conf " FOLDER "/d.conf");
	assert_int_equal(check("a.conf", "a"), 1);
	assert_int_equal(findings.v[0].code, FINDING_PORT_SHARED);
	assert_int_equal(findings.v[0].nrelated, 1);
	assert_string_equal(findings.v[0].message,
			    "ListenPort 4711 is also that of b.conf in this folder, and only one "
			    "tunnel can have it");
}

static void highest_port_is_followed_by_a_lower_one(void **state)
{
	(void)state;
	write_file("a.conf", "[Interface]\nListenPort = 65534\n");
	write_file("b.conf", "[Interface]\nListenPort = 65534\n");
	write_file("c.conf", "[Interface]\nListenPort = 65535\n");
	write_file("d.conf", "[Interface]\nListenPort = 65533\n");
	assert_int_equal(check("a.conf", "a"), 1);
	assert_string_equal(findings.v[0].help, "write ListenPort = 65532 in one of them");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_the_tunnel_itself_has_is_no_conflict),
		TEST(names_of_owners_are_shown_escaped),
		TEST(file_with_two_names_is_one_file),
		TEST(highest_port_is_followed_by_a_lower_one),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
