//! The page: one table of all subjects, and what differs in each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::subjects::From;
use crate::tools::Tools;
use crate::{Compared, Group};

/// Names of a group that are written out.
const SHOWN: usize = 6;

pub(crate) fn page(all: &[Compared], tools: &Tools) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "# What is found, beside syft and trivy

Written by `cargo bench -p cleanbill-cli --bench comparison -- docs/comparison.md`; do not edit. Peers: syft {},
trivy {}. Each subject is a folder as it would be in an image, and each tool looks for what it looks for in an
image: installed packages, nothing from lock files.

```text
{}
```

trivy reads no jar without its index of checksums, which comes separately; it was given an empty one, so that it
says what the jars themselves say.

Packages are compared by type, name and version as package URLs have them, in one spelling: case and separators
as the registry compares them, Go versions without `v`, epochs in front. A package found in several places counts
once; files are not packages. Every difference has its reason below; reasons that name a shape (`cargo/*`) speak for
all of that shape.

| subject | what it is | syft | trivy | cleanbill | differences | unexplained |
|---|---|---:|---:|---:|---:|---:|
",
        tools.syft_version,
        tools.trivy_version,
        Tools::calls().join("\n"),
    );
    let sum = |groups: Vec<&Group>| groups.iter().map(|g| g.packages.len()).sum::<usize>();
    for one in all {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            one.subject.name,
            origin(one),
            one.syft,
            one.trivy,
            one.we,
            sum(one.groups.iter().collect()),
            sum(one.groups.iter().filter(|g| g.why.is_none()).collect()),
        );
    }
    for one in all.iter().filter(|one| !one.groups.is_empty() || !one.problems.is_empty()) {
        let _ = write!(page, "\n## {}\n\n", one.subject.name);
        for group in &one.groups {
            let shown: Vec<String> = group.packages.iter().take(SHOWN).map(|p| format!("`{p}`")).collect();
            let more = group.packages.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let (by, count) = (group.by.words(), group.packages.len());
            let why = group.why.unwrap_or("unexplained");
            let _ = writeln!(page, "* {count} found by {by} only: {why}.\n  {}{more}", shown.join(", "));
        }
        // `problem[code]: path: what is the matter`.
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for problem in &one.problems {
            *codes.entry(problem.split(']').next().unwrap_or_default().trim_start_matches("problem[")).or_default() +=
                1;
        }
        for (code, count) in codes {
            let _ = writeln!(
                page,
                "* cleanbill tells {count} problems `{code}`: it says so instead of leaving them out unseen."
            );
        }
    }
    page
}

fn origin(one: &Compared) -> String {
    let from = match one.subject.from {
        From::Pip(requirement) => format!("`{requirement}` from PyPI"),
        From::Npm(package) => format!("`{package}` from npm"),
        From::Minbase(suite) => format!("Debian {suite}, minbase"),
        From::Unpacked(suite, packages) => format!("Debian {suite}: {}", packages.replace(',', ", ")),
    };
    format!("{from}: {}", one.subject.about)
}
