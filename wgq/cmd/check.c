/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/log.h"
#include "wgq/cmd/check_host.h"
#include "wgq/cmd/meshes.h"
#include "wgq/mesh/check.h"
#include "wgq/mesh/expect.h"
#include "wgq/mesh/json.h"
#include "wgq/mesh/report.h"

/* A mesh without faults prints nothing. */
static void print_text(const struct invocation *in, const struct checked *c)
{
	struct findings shown = report_select(c->findings, in->verbose ? SEV_NOTE : SEV_WARNING);

	findings_print(stdout, &shown);
	if (!in->quiet && (shown.n || in->verbose))
		report_summary(stdout, c->findings, c->mesh, c->reach);
	if (in->matrix && c->mesh)
		map_matrix(stdout, c->mesh, c->pairs);
}

static int print(const struct invocation *in, const struct checked *c)
{
	if (!in->json)
		print_text(in, c);
	else if (json_check(stdout, c))
		return meshes_flush(EXIT_FAILED);
	return meshes_flush(findings_count(c->findings, SEV_ERROR) ? EXIT_FAILED : EXIT_DONE);
}

static void check_files(struct findings *f, const struct mesh *m)
{
	for (size_t i = 0; i < m->nifaces; i++) {
		check_file(f, m->ifaces[i].config);
		shell_check(f, m->ifaces[i].config, m->ifaces[i].name);
	}
}

static int check_expectations(struct meshes *ms, const char *path)
{
	struct source source;
	struct diag d;

	if (source_read(&source, &ms->arena, path, &d)) {
		log_error("%s", d.text);
		return EXIT_USAGE;
	}
	expect_check(&ms->findings, &ms->mesh, ms->routes, &source);
	return EXIT_DONE;
}

static int check_opened(struct meshes *ms, const struct invocation *in)
{
	struct reach reach;
	struct checked c = { .arena = &ms->arena,
			     .findings = &ms->findings,
			     .mesh = &ms->mesh,
			     .routes = ms->routes,
			     .reach = &reach };
	int status;

	routes_reach(ms->routes, &reach, pairs_limit(&ms->mesh));
	if (in->json || in->matrix)
		c.pairs = pairs_new(&ms->arena, &ms->mesh, ms->routes, &reach);
	check_files(&ms->findings, &ms->mesh);
	check_mesh(&ms->findings, &ms->mesh, ms->routes, &reach);
	status = in->expect ? check_expectations(ms, in->expect) : EXIT_DONE;
	report_sort(&ms->findings, &ms->mesh);
	return status ? status : print(in, &c);
}

static int check_meshes(const struct invocation *in)
{
	struct meshes ms;
	int status = meshes_open(&ms, in->words, in->nwords);

	if (!status)
		status = check_opened(&ms, in);
	meshes_close(&ms);
	return status;
}

static int check_this_host(const struct invocation *in)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	struct checked c = { .arena = &arena, .findings = &f };
	int status = check_host(&f, in->words, in->nwords);

	return status ? status : print(in, &c);
}

int cmd_check(const struct invocation *in)
{
	size_t paths = 0;

	for (size_t i = 0; i < in->nwords; i++)
		paths += !access(in->words[i], F_OK);
	if (paths && paths < in->nwords) {
		for (size_t i = 0; i < in->nwords; i++)
			if (access(in->words[i], F_OK))
				log_error("there is no file '%s', and an interface of this host "
					  "cannot be checked together with files",
					  in->words[i]);
		return EXIT_USAGE;
	}
	if (!paths && (in->expect || in->matrix)) {
		log_error("--expect and --matrix are for files and folders, not for this host");
		return EXIT_USAGE;
	}
	return paths ? check_meshes(in) : check_this_host(in);
}
