/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that become hosts, interfaces and links. Each test has a folder of its own. */
#include "wgq/mesh/mesh.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { FILES_MAX = 8, PATHS_MAX = 4 };

struct world {
	struct arena arena;
	struct findings f;
	struct mesh m;
	struct diag d;
};

static void world_fini(struct world *w)
{
	arena_fini(&w->arena);
}

/* --- a folder of files --- */

static int remove_path(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	return ftw->level ? remove(path) : 0;
}

static void empty_folder(void)
{
	assert_int_equal(nftw(".", remove_path, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int enter_folder(void **state)
{
	char folder[] = "/tmp/wgq-mesh-XXXXXX";

	if (!mkdtemp(folder) || chdir(folder))
		return -1;
	*state = strdup(folder);
	return 0;
}

static int leave_folder(void **state)
{
	char *folder CLEANUP_FREE = *state;

	empty_folder();
	return chdir("/") || rmdir(folder);
}

static void private_key(struct key *k, char letter)
{
	memset(k, letter, sizeof(*k));
}

/* Copies text; "<A>" becomes A's private key, "(A)" its public one. */
static void write_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		char base64[KEY_BASE64_LEN + 1];
		struct key k;

		if (!strchr("<(", *text)) {
			fputc(*text, to);
			continue;
		}
		private_key(&k, text[1]);
		if (*text == '(')
			key_public(&k, &k);
		key_to_base64(base64, &k);
		fputs(base64, to);
		text += 2;
	}
}

static void make_file(const char *path, const char *text)
{
	char folder[128];
	FILE *file;

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		mkdir(folder, 0700);
	}
	file = fopen(path, "we");
	assert_non_null(file);
	write_text(file, text);
	fclose(file);
}

static int read_paths(struct world *w, const char *const *paths)
{
	size_t n = 0;

	while (n < PATHS_MAX && paths[n])
		n++;
	w->f.arena = &w->arena;
	return mesh_read(&w->m, &w->arena, (char *const *)paths, n, &w->f, &w->d);
}

/* "relay: a/wg0.conf a/wg1.conf; ...": the nodes and their files. */
static const char *nodes_of(struct world *w)
{
	const char *all = "";

	for (size_t i = 0; i < w->m.nnodes; i++) {
		const struct mesh_node *node = &w->m.nodes[i];

		all = arena_printf(&w->arena, "%s%s%s:", all, *all ? "; " : "", node->name);
		for (size_t k = 0; k < node->nifaces; k++) {
			const struct mesh_iface *iface = &w->m.ifaces[node->ifaces[k]];

			assert_int_equal(iface->node, i);
			all = arena_printf(&w->arena, "%s %s", all, iface->file);
		}
	}
	return all;
}

/* "a: b* c?; b: a": who has whom as a peer; '*' with an Endpoint, '?' not the other way round. */
static const char *links_of(struct world *w)
{
	const char *all = "";

	for (size_t i = 0; i < w->m.nifaces; i++) {
		const struct mesh_iface *iface = &w->m.ifaces[i];

		all = arena_printf(&w->arena, "%s%s%s:", all, i ? "; " : "", iface->name);
		for (size_t k = 0; k < iface->nlinks; k++) {
			const struct mesh_link *link = &iface->links[k];

			all = arena_printf(&w->arena, "%s %s%s%s", all,
					   mesh_link_name(&w->m, iface, link, &w->arena),
					   link->has_endpoint ? "*" : "",
					   link->back == MESH_NONE ? "?" : "");
		}
	}
	return all;
}

/* --- nodes --- */

struct node_vector {
	const char *what;
	struct {
		const char *path, *text;
	} files[FILES_MAX];
	const char *paths[PATHS_MAX];
	const char *nodes;
};

#define I         "[Interface]\n"
#define NAME(n)   I "# Name = " n "\n"
#define LONE(n)   "# " n "\n" I
#define PEER(who) "[Peer]\nPublicKey = (" who ")\n"
#define AT        "Endpoint = 192.0.2.1:51820\n"

static const struct node_vector nodes[] = {
	{ "the files of a folder that is named are hosts",
	  { { "m/b.conf", I }, { "m/a.conf", I } },
	  { "m" },
	  "a: m/a.conf; b: m/b.conf" },
	{ "also where that folder is named below another",
	  { { "m/x/b.conf", I }, { "m/x/a.conf", I } },
	  { "m/x/" },
	  "a: m/x/a.conf; b: m/x/b.conf" },
	{ "the files of a sub-folder are of one host",
	  { { "m/hub/wg0.conf", I }, { "m/hub/wg1.conf", I }, { "m/leaf.conf", I } },
	  { "m" },
	  "hub: m/hub/wg0.conf m/hub/wg1.conf; leaf: m/leaf.conf" },
	{ "of the sub-folder itself, not of those above it",
	  { { "m/s/A/wg0.conf", I }, { "m/s/B/wg0.conf", I }, { "m/s/x.conf", I } },
	  { "m" },
	  "A: m/s/A/wg0.conf; B: m/s/B/wg0.conf; s: m/s/x.conf" },
	{ "equal stems: the folders",
	  { { "A/wg0.conf", I }, { "B/wg0.conf", I } },
	  { "." },
	  "A: A/wg0.conf; B: B/wg0.conf" },
	{ "files by themselves are hosts",
	  { { "A/wg0.conf", I }, { "A/wg1.conf", I }, { "B/wg0.conf", I } },
	  { "B/wg0.conf", "A/wg0.conf" },
	  "B: B/wg0.conf; A: A/wg0.conf" },
	{ "equal folders: the paths",
	  { { "x/A/wg0.conf", I }, { "y/A/wg0.conf", I }, { "y/B/wg0.conf", I } },
	  { "x", "y" },
	  "x/A/wg0.conf: x/A/wg0.conf; y/A/wg0.conf: y/A/wg0.conf; B: y/B/wg0.conf" },
	{ "no folder to tell: the paths",
	  { { "wg0.conf", I }, { "A/wg0.conf", I } },
	  { "wg0.conf", "./A/wg0.conf" },
	  "wg0.conf: wg0.conf; A: ./A/wg0.conf" },
	{ "a name joins hosts wherever they are",
	  { { "m/a.conf", NAME("x") }, { "m/b.conf", I }, { "m/c.conf", NAME("x") } },
	  { "m" },
	  "x: m/a.conf m/c.conf; b: m/b.conf" },
	{ "and so folders that hold it",
	  { { "m/A/wg0.conf", NAME("x") },
	    { "m/A/wg1.conf", I },
	    { "m/B/wg2.conf", NAME("x") },
	    { "m/B/wg3.conf", I } },
	  { "m" },
	  "x: m/A/wg0.conf m/A/wg1.conf m/B/wg2.conf m/B/wg3.conf" },
	{ "names first, then lone comments",
	  { { "m/A/wg0.conf", LONE("lone") "# Name = said\n" }, { "m/B/wg0.conf", LONE("only") } },
	  { "m" },
	  "said: m/A/wg0.conf; only: m/B/wg0.conf" },
	{ "equal lone comments join nobody and name nobody",
	  { { "m/A/wg0.conf", LONE("wg") }, { "m/B/wg0.conf", LONE("wg") } },
	  { "m" },
	  "A: m/A/wg0.conf; B: m/B/wg0.conf" },
	{ "who is called so keeps the name",
	  { { "m/A/wg0.conf", NAME("B") }, { "m/B/wg0.conf", I } },
	  { "m" },
	  "B: m/A/wg0.conf; m/B/wg0.conf: m/B/wg0.conf" },
	{ "unless the other has but its path",
	  { { "m/A/wg0.conf", NAME("B") },
	    { "m/B/wg0.conf", NAME("C") },
	    { "m/C/wg0.conf", NAME("x/D/wg0.conf") },
	    { "x/D/wg0.conf", I },
	    { "y/D/wg0.conf", I } },
	  { "m", "x", "y" },
	  "B: m/A/wg0.conf; C: m/B/wg0.conf; m/C/wg0.conf: m/C/wg0.conf; "
	  "x/D/wg0.conf: x/D/wg0.conf; y/D/wg0.conf: y/D/wg0.conf" },
	{ "a file is read once",
	  { { "m/a.conf", I }, { "m/b.conf", I } },
	  { "m/b.conf", "m", "./m/a.conf" },
	  "b: m/b.conf; a: m/a.conf" },
	{ "hidden ones and others are not read",
	  { { "m/a.conf", I },
	    { "m/.b.conf", I },
	    { "m/.c/wg0.conf", I },
	    { "m/d.conf.bak", I },
	    { "m/.conf", I },
	    { "m/x/README", I } },
	  { "m" },
	  "a: m/a.conf" },
	{ "but a file that is named is, whatever its name",
	  { { "m/.b.conf", I }, { "m/c.txt", I } },
	  { "m/.b.conf", "m/c.txt" },
	  ".b: m/.b.conf; c.txt: m/c.txt" },
	{ "hostile names are just comments",
	  { { "m/a.conf", NAME("\x1b[31m") }, { "m/b.conf", NAME("\x1b[31m") } },
	  { "m" },
	  "a: m/a.conf; b: m/b.conf" },
};

static void test_nodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		const struct node_vector *v = &nodes[i];
		struct world w CLEANUP(world_fini) = { 0 };

		empty_folder();
		for (size_t k = 0; k < FILES_MAX && v->files[k].path; k++)
			make_file(v->files[k].path, v->files[k].text);
		if (read_paths(&w, v->paths))
			fail_msg("%s: %s", v->what, w.d.text);
		if (strcmp(nodes_of(&w), v->nodes) != 0)
			fail_msg("%s: %s", v->what, nodes_of(&w));
	}
}

static void test_links_in_the_file_system_end(void **state)
{
	static const char *const paths[PATHS_MAX] = { "m" };
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("m/A/wg0.conf", I);
	make_file("m/B/wg0.conf", I);
	assert_int_equal(symlink("..", "m/A/up"), 0);
	assert_int_equal(symlink("../B", "m/A/other"), 0);
	assert_int_equal(symlink("../A", "m/B/other"), 0);
	assert_int_equal(symlink("B/wg0.conf", "m/again.conf"), 0);
	assert_int_equal(mkfifo("m/pipe.conf", 0600), 0);
	assert_int_equal(read_paths(&w, paths), 0);
	assert_string_equal(nodes_of(&w), "other: m/A/other/wg0.conf; A: m/A/wg0.conf");
}

static void test_what_cannot_be_read(void **state)
{
	static const char *const none[PATHS_MAX] = { "m", "none.conf" };
	static const char *const empty[PATHS_MAX] = { "empty" };
	static const char *const dangling[PATHS_MAX] = { "." };
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("m/a.conf", I);
	assert_int_equal(mkdir("empty", 0700), 0);
	assert_int_equal(read_paths(&w, none), -ENOENT);
	assert_string_equal(w.d.text, "open none.conf: No such file or directory");
	assert_int_equal(read_paths(&w, empty), -ENOENT);
	assert_string_equal(w.d.text, "there is no *.conf file in empty");
	assert_int_equal(symlink("nowhere", "empty/b.conf"), 0);
	assert_int_equal(read_paths(&w, dangling), -ENOENT);
	assert_string_equal(w.d.text, "open empty/b.conf: No such file or directory");
}

static void test_a_file_with_errors_takes_part(void **state)
{
	static const char *const paths[PATHS_MAX] = { "m" };
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("m/a.conf", I "PrivateKey = <A>\nAdress = 10.0.0.1/24\n" PEER("B") "junk\n");
	make_file("m/b.conf", I "PrivateKey = <B>\n" PEER("A"));
	assert_int_equal(read_paths(&w, paths), 0);
	assert_int_equal(findings_count(&w.f, SEV_ERROR), 2);
	assert_string_equal(w.f.v[0].at.file, "m/a.conf");
	assert_string_equal(links_of(&w), "a: b; b: a");
}

/* --- links --- */

struct link_vector {
	const char *what;
	const char *files[3]; /* a, b, c */
	const char *links;
};

#define A I "PrivateKey = <A>\n"
#define B I "PrivateKey = <B>\n"
#define C I "PrivateKey = <C>\n"

static const struct link_vector links[] = {
	{ "both", { A PEER("B") AT, B PEER("A") }, "a: b*; b: a" },
	{ "one-sided", { A PEER("B") PEER("C"), B, C PEER("A") }, "a: b? c; b:; c: a" },
	{ "the public key from a comment",
	  { A PEER("B"), I "# PublicKey = (B)\n" PEER("A") },
	  "a: b; b: a" },
	{ "the private key before it",
	  { A PEER("B"), B "# PublicKey = (C)\n" PEER("A") },
	  "a: b; b: a" },
	{ "no key: nobody's peer",
	  { A PEER("B"), I "ListenPort = 1\n" PEER("A") },
	  "a: EyxEK+AQ...?; b: a?" },
	{ "strangers by what comments call them",
	  { A PEER("X") "# X\n" PEER("Y") PEER("Z") "# friendly_name = Z\n" },
	  "a: TIUfxQRq...? X? Z?" },
	{ "of blocks of one key the last, where the Endpoint stays",
	  { A PEER("B") AT PEER("C") PEER("B"), B PEER("A"), C },
	  "a: c? b*; b: a; c:" },
	{ "strangers likewise",
	  { A PEER("X") AT "# Y\n" PEER("Y") "# X\n" PEER("X") },
	  "a: Y? X*?" },
	{ "a name is an Endpoint too",
	  { A PEER("B") "Endpoint = b.example:51820\n", B PEER("A") },
	  "a: b*; b: a" },
	{ "a bad Endpoint is none",
	  { A PEER("B") "Endpoint = 192.0.2.1\n", B PEER("A") },
	  "a: b; b: a" },
	{ "its own key is no peer", { A PEER("A") PEER("B"), B PEER("A") }, "a: b; b: a" },
	{ "a peer without a key is none",
	  { A "[Peer]\n" AT PEER("B"), B PEER("A") "[Peer]\nPublicKey = x\n" },
	  "a: b; b: a" },
	{ "of two with one key the first is meant, and both are let in",
	  { A PEER("C"), A PEER("C"), C PEER("A") },
	  "a: c; b: c; c: a" },
};

static void test_links(void **state)
{
	static const char *const names[] = { "a.conf", "b.conf", "c.conf" };
	static const char *const paths[PATHS_MAX] = { "." };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct world w CLEANUP(world_fini) = { 0 };

		empty_folder();
		for (size_t k = 0; k < ARRAY_SIZE(names) && links[i].files[k]; k++)
			make_file(names[k], links[i].files[k]);
		if (read_paths(&w, paths))
			fail_msg("%s: %s", links[i].what, w.d.text);
		if (strcmp(links_of(&w), links[i].links) != 0)
			fail_msg("%s: %s", links[i].what, links_of(&w));
	}
}

static void test_back_is_the_links_index(void **state)
{
	static const char *const paths[PATHS_MAX] = { "." };
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("a.conf", A PEER("X") PEER("B") PEER("A") PEER("C"));
	make_file("b.conf", B PEER("C") PEER("A"));
	make_file("c.conf", C PEER("B") PEER("X") PEER("A"));
	assert_int_equal(read_paths(&w, paths), 0);
	for (size_t i = 0; i < w.m.nifaces; i++) {
		for (size_t k = 0; k < w.m.ifaces[i].nlinks; k++) {
			const struct mesh_link *link = &w.m.ifaces[i].links[k], *back;

			if (link->iface == MESH_NONE)
				continue;
			back = &w.m.ifaces[link->iface].links[link->back];
			assert_int_equal(back->iface, i);
			assert_int_equal(back->back, k);
		}
	}
}

/* --- forwarding --- */

#define SWITCH_4 "PostUp = sysctl -w net.ipv4.ip_forward=1\n"
#define SWITCH_6 "PostUp = sysctl -w net.ipv6.conf.all.forwarding=1\n"
#define OWN_4    "PostUp = sysctl -w net.ipv4.conf.%i.forwarding=1\n"
#define ACCEPT_4 "PostUp = iptables -A FORWARD -i %i -j ACCEPT\n"
#define ACCEPT_6 "PostUp = ip6tables -A FORWARD -i %i -j ACCEPT\n"
#define MESH_4   "PostUp = iptables -A FORWARD -i %i -o %i -j ACCEPT\n"
#define DROP_4   "PostUp = iptables -A FORWARD -i %i -j DROP\n"
#define NAT_4    "PostUp = iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\n"

static void test_forwarding(void **state)
{
	/* of wg0 and of wg1, another interface of the host that forwards nothing by itself: IPv4
	 * and IPv6, f: to any, i: back into itself, -: not */
	static const struct {
		const char *text, *forwards;
	} v[] = {
		{ I, "-- --" },
		{ I "Forward = no\n", "-- --" },
		{ I "Forward = yes\n", "ff --" },
		{ I "Forward = mesh\n", "ii --" },
		{ I "# Forwards = yes\n", "ff --" },
		{ I "# Forwards = no\n", "-- --" },
		{ I SWITCH_4 ACCEPT_4, "f- --" },
		{ I SWITCH_4 ACCEPT_4 SWITCH_6 ACCEPT_6, "ff --" },
		{ I ACCEPT_4, "f- --" },
		{ I MESH_4, "i- --" },
		{ I SWITCH_4 MESH_4, "i- --" },
		{ I SWITCH_4, "f- f-" },
		{ I SWITCH_6, "-f -f" },
		{ I OWN_4, "f- --" },
		{ I SWITCH_4 NAT_4, "f- f-" },
		{ I SWITCH_4 DROP_4, "-- --" },
		{ I SWITCH_4 MESH_4 DROP_4, "i- --" },
		/* the key drops what hooks or others would accept */
		{ I "Forward = mesh\n" SWITCH_4 ACCEPT_4, "ii --" },
		{ I "Forward = mesh\n# Forwards = yes\n", "ii --" },
	};
	static const char *const paths[PATHS_MAX] = { "." };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct world w CLEANUP(world_fini) = { 0 };
		char got[6] = "-- --";

		empty_folder();
		make_file("h/wg0.conf", v[i].text);
		make_file("h/wg1.conf", I);
		assert_int_equal(read_paths(&w, paths), 0);
		assert_int_equal(findings_count(&w.f, SEV_ERROR), 0);
		for (size_t k = 0; k < 4; k++) {
			const struct mesh_iface *iface = &w.m.ifaces[k / 2];

			if (iface->forwards_in[k % 2])
				got[k + k / 2] = iface->forwards[k % 2] ? 'f' : 'i';
		}
		if (strcmp(got, v[i].forwards) != 0)
			fail_msg("%sforwards %s", v[i].text, got);
	}
}

/* --- questions --- */

static void test_find_node(void **state)
{
	static const char *const paths[PATHS_MAX] = { "." };
	static const struct {
		const char *what;
		size_t node;
	} v[] = {
		{ "a", 0 },
		{ "b", 1 },
		{ "10.0.0.1", 0 },
		{ "10.0.1.1", 0 },
		{ "fd00::2", 1 },
		{ "FD00:0::2", 1 },
		{ "10.0.0.2", 1 },
		{ "10.0.0.3", MESH_NONE },
		{ "wg0", MESH_NONE },
		{ "", MESH_NONE },
		/* a name first */
		{ "10.9.9.9", 2 },
	};
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("a/wg0.conf", I "Address = 10.0.0.1/24\n");
	make_file("a/wg1.conf", I "Address = 10.0.1.1/24\n");
	make_file("b/wg0.conf", I "Address = 10.0.0.2/24, fd00::2/64, 10.9.9.9/32\n");
	make_file("c/wg0.conf", NAME("10.9.9.9"));
	assert_int_equal(read_paths(&w, paths), 0);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (mesh_find_node(&w.m, v[i].what) != v[i].node)
			fail_msg("%s is node %zu", v[i].what, mesh_find_node(&w.m, v[i].what));
}

static void test_names_of_interfaces_and_sites(void **state)
{
	static const char *const paths[PATHS_MAX] = { "." };
	struct world w CLEANUP(world_fini) = { 0 };

	(void)state;
	empty_folder();
	make_file("h/a-name-that-is-too-long.conf", I);
	make_file("h/wg0.conf", I "# Site = home\n");
	make_file("i/wg1.conf", I);
	assert_int_equal(read_paths(&w, paths), 0);
	assert_string_equal(w.m.ifaces[0].name, "a-name-that-is-");
	assert_string_equal(w.m.ifaces[1].name, "wg0");
	assert_string_equal(w.m.nodes[0].site, "home");
	assert_null(w.m.nodes[1].site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_links_in_the_file_system_end),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_a_file_with_errors_takes_part),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_back_is_the_links_index),
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_find_node),
		cmocka_unit_test(test_names_of_interfaces_and_sites),
	};

	return cmocka_run_group_tests_name("mesh", tests, enter_folder, leave_folder);
}
