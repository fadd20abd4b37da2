/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ruleset_judge() says of a packet against what the kernel does with it. For every ruleset in
 * tests/netns/verdict a router between a client and a server is made of namespaces; packets of all
 * kinds are sent from both sides to the router and through it, and each has to fare as foretold.
 *
 * A ruleset file has sections that begin with "@nft", "@iptables-nft", "@ip6tables-legacy" and the
 * like, the text below which goes to nft -f or to that program's -restore ("@iptables": once to
 * iptables-nft and, in a test of its own, to iptables-legacy); and, before them, lines
 *   cannot-tell: PATTERN   of packets (as "v4 wg0>eth0 tcp/22") of which nothing may be foretold
 *   verdict: PACKET = ...  how the verdict on one of them is to be described, and its cure;
 *                          verdict-nft and verdict-legacy: with that kind of iptables
 *   vague: PACKET = ...    the same where the packet's addresses and source port are not told
 * Arguments are names of rulesets, to test only these.
 */
#include "tests/unit/router.h"

#include <dirent.h>
#include <fnmatch.h>

enum { FOLDER_MAX = 128 };

static const char folder[] = "tests/netns/verdict";

/* --- ruleset files --- */

enum { RULES_MAX = 64 * 1024 };

static char *read_file(const char *name)
{
	char path[512], *text = calloc(1, RULES_MAX);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, RULES_MAX - 1, f) > 0);
	assert_true(feof(f));
	fclose(f);
	return text;
}

/* Feeds one section to the program that its first word names. */
static void apply_section(const char *section, size_t n, const char *variant)
{
	size_t word = strcspn(section, "\n");
	bool native = !strncmp(section, "nft\n", 4), open = !memchr(section, '-', word);
	char command[128];
	FILE *f;

	if (native)
		snprintf(command, sizeof(command), "nft -f -");
	else
		snprintf(command, sizeof(command), "%.*s%s%s-restore", (int)word, section,
			 open ? "-" : "", open ? variant : "");
	f = fopen("/run/section", "we");
	assert_non_null(f);
	assert_int_equal(fwrite(section + word, 1, n - word, f), n - word);
	assert_int_equal(fclose(f), 0);
	sh("%s < /run/section", command);
}

static void apply_rules(const char *text, const char *variant)
{
	const char *section = strstr(text, "\n@"), *next;
	size_t n;

	assert_non_null(section);
	for (; section; section = next) {
		next = strstr(section + 2, "\n@");
		n = next ? (size_t)(next + 1 - section - 2) : strlen(section + 2);
		apply_section(section + 2, n, variant);
	}
}

/* Calls each with what follows KEY: in every such line before the first section. */
static void each_line(const char *text, const char *key,
		      void (*each)(const char *value, void *data), void *data)
{
	char line[512];

	for (const char *p = text; *p && *p != '@'; p += strcspn(p, "\n"), p += *p == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			each(line + strlen(key) + 2, data);
	}
}

struct search {
	const char *name;
	bool found;
};

static void look_for(const char *pattern, void *data)
{
	struct search *s = data;

	s->found = s->found || fnmatch(pattern, s->name, 0) == 0;
}

static bool is_doubtful(const char *text, const char *name)
{
	struct search s = { .name = name };

	each_line(text, "cannot-tell", look_for, &s);
	return s.found;
}

/* --- judging --- */

static enum fw_hook hook_of(const struct packet *p)
{
	return p->out && !*p->out ? FW_INPUT : FW_FORWARD;
}

static const char *const rulings[] = { "accept", "drop", "cannot tell" };

static bool check_probe(const struct ruleset *rs, const struct probe *probe, bool doubtful)
{
	enum ruling wanted = doubtful         ? RULING_CANNOT_TELL
			     : probe->arrived ? RULING_ACCEPT
					      : RULING_DROP;
	struct verdict v;

	ruleset_judge(rs, hook_of(&probe->packet), &probe->packet, &v);
	if (v.ruling == wanted)
		return true;
	print_error("%s: %s, but it was foretold: %s (%s %s %s%s%s)\n", probe->name,
		    probe->arrived ? "arrived" : "was dropped", rulings[v.ruling], v.family,
		    v.table, v.chain, v.why ? ", " : "", v.why ? v.why : "");
	return false;
}

/* What is known of less of a packet has to hold for all of it. */
static bool check_less(const struct ruleset *rs, const struct probe *probe, enum ruling full)
{
	struct packet all = probe->packet, less;
	bool good = true;

	for (int what = 0; what < 64; what++) {
		struct verdict v;

		less = all;
		if (what & 1)
			less.source = (struct prefix){ 0 };
		if (what & 2)
			less.target = (struct prefix){ 0 };
		if (what & 4)
			less.source_port = -1;
		if (what & 8)
			less.target_port = -1;
		if (what & 16)
			less.protocol = 0;
		if (what & 32)
			less.in = NULL;
		ruleset_judge(rs, hook_of(&all), &less, &v);
		if (v.ruling == full || v.ruling == RULING_CANNOT_TELL)
			continue;
		print_error("%s: without %x it was foretold: %s\n", probe->name, (unsigned)what,
			    rulings[v.ruling]);
		good = false;
	}
	return good;
}

/* --- the verdict in words --- */

static const char *const owners[] = {
	[OWNER_UNKNOWN] = "unknown", [OWNER_IPTABLES] = "iptables",   [OWNER_UFW] = "ufw",
	[OWNER_DOCKER] = "docker",   [OWNER_FIREWALLD] = "firewalld", [OWNER_WGQ] = "wgq",
};

/* What a tunnel would have declared for such a packet. */
static struct fw_rule rule_for(const struct packet *p)
{
	struct fw_rule r = { .hook = (uint8_t)hook_of(p), .verdict = FW_ACCEPT };

	snprintf(r.in, sizeof(r.in), "%s", p->in);
	snprintf(r.out, sizeof(r.out), "%s", p->out);
	if (r.hook == FW_INPUT)
		r.source = p->source;
	return r;
}

static void describe(char *text, size_t size, const struct ruleset *rs, const struct probe *probe,
		     bool vague)
{
	struct packet packet = probe->packet;
	struct fw_rule rule = rule_for(&probe->packet);
	bool port = !strcmp(probe->kind->name, "udp/51820") && !*probe->packet.out;
	struct verdict v;
	char cure[256];

	if (vague) {
		packet.source = packet.target = (struct prefix){ 0 };
		packet.source_port = -1;
	}
	ruleset_judge(rs, hook_of(&packet), &packet, &v);
	if (v.ruling == RULING_ACCEPT) {
		snprintf(text, size, "accept");
		return;
	}
	verdict_cure(cure, sizeof(cure), &v, &rule, port ? 51820 : 0);
	snprintf(text, size, "%s by %s in %s %s %s of %s%s%s%s; %s", rulings[v.ruling],
		 owners[v.owner], v.family, v.table, v.chain, v.hook_chain,
		 v.by_policy ? ", policy" : "", v.why ? ", " : "", v.why ? v.why : "", cure);
}

struct judgement {
	const struct ruleset *rs;
	const struct probe *probes;
	size_t n;
	bool vague, good;
};

static void check_words(const char *line, void *data)
{
	struct judgement *j = data;
	const char *equals = strstr(line, " = ");
	char text[1024];

	assert_non_null(equals);
	for (size_t i = 0; i < j->n; i++) {
		if (strlen(j->probes[i].name) != (size_t)(equals - line) ||
		    strncmp(j->probes[i].name, line, (size_t)(equals - line)) != 0)
			continue;
		describe(text, sizeof(text), j->rs, &j->probes[i], j->vague);
		if (!strcmp(text, equals + 3))
			return;
		print_error("%s\n", line);
		print_error("not: %s\n", text);
	}
	print_error("verdict: %s\n", line);
	j->good = false;
}

static void check_all(const char *text, const char *variant, const struct probe *probes, size_t n)
{
	char key[32];
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct judgement j = { .probes = probes, .n = n, .good = true };
	struct ruleset rs;
	struct diag d;

	if (ruleset_read(&rs, &arena, &d))
		fail_msg("%s", d.text);
	j.rs = &rs;
	for (size_t i = 0; i < n; i++) {
		enum ruling full = probes[i].arrived ? RULING_ACCEPT : RULING_DROP;

		bool good = check_probe(&rs, &probes[i], is_doubtful(text, probes[i].name)) &&
			    check_less(&rs, &probes[i], full);

		j.good = j.good && good;
	}
	each_line(text, "verdict", check_words, &j);
	snprintf(key, sizeof(key), "verdict-%s", variant);
	each_line(text, key, check_words, &j);
	j.vague = true;
	each_line(text, "vague", check_words, &j);
	assert_true(j.good);
}

/* A ruleset, with one kind of iptables. */
struct attempt {
	const char *file, *variant;
	char name[300];
};

static void test_packets_fare_as_foretold(void **state)
{
	const struct attempt *attempt = *state;
	struct probe probes[PROBES_MAX];
	size_t n = make_probes(probes);
	struct lab lab;
	char *text = read_file(attempt->file);

	start_lab(&lab);
	establish(&lab, probes, n);
	enter(&lab, ROUTER);
	apply_rules(text, attempt->variant);
	send_all(&lab, probes, n);
	check_all(text, attempt->variant, probes, n);
	end_lab(&lab);
	free(text);
}

/* Also after a failure; /run/netns is our own. */
static int end_all_hosts(void **state)
{
	(void)state;
	return !sh_ok("ip -all netns delete");
}

/* --- all rulesets of the folder --- */

static int is_ruleset(const struct dirent *e)
{
	return fnmatch("*.rules", e->d_name, 0) == 0;
}

static bool is_wanted(const char *name, char **only)
{
	for (char **p = only; *p; p++)
		if (!strncmp(*p, name, strlen(*p)))
			return true;
	return !*only;
}

static bool has_both_variants(const char *file)
{
	char *text = read_file(file);
	bool both = strstr(text, "\n@iptables\n") || strstr(text, "\n@ip6tables\n");

	free(text);
	return both;
}

/* The attempts of one file, at most two; returns how many. */
static int list_attempts(struct attempt *out, const char *file)
{
	static const char *const variants[] = { "nft", "legacy" };
	int n = has_both_variants(file) ? 2 : 1;

	for (int i = 0; i < n; i++) {
		out[i] = (struct attempt){ file, variants[i], "" };
		snprintf(out[i].name, sizeof(out[i].name), "%s%s%s", file, n > 1 ? ", " : "",
			 n > 1 ? variants[i] : "");
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct attempt attempts[FOLDER_MAX];
	struct CMUnitTest tests[FOLDER_MAX] = { { 0 } };
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_ruleset, alphasort), wanted = 0, failed = 1;

	(void)argc;
	for (int i = 0; i < n && wanted < FOLDER_MAX - 1; i++)
		if (is_wanted(found[i]->d_name, argv + 1))
			wanted += list_attempts(&attempts[wanted], found[i]->d_name);
	for (int i = 0; i < wanted; i++)
		tests[i] = (struct CMUnitTest){ .name = attempts[i].name,
						.test_func = test_packets_fare_as_foretold,
						.teardown_func = end_all_hosts,
						.initial_state = &attempts[i] };
	if (wanted)
		failed = _cmocka_run_group_tests("verdict", tests, (size_t)wanted, netns_enter,
						 NULL);
	for (int i = 0; i < n; i++)
		free(found[i]); /* the names are in use until now */
	free(found);
	return failed;
}
