//! What syft, trivy and cleanbill find in real programs, roots and applications, and why they differ.
//!
//! ```text
//! cargo bench -p cleanbill-cli --bench comparison -- docs/comparison.md
//! ```
//!
//! Subjects are fetched once from the registries into the tests' cache. The peers are those that
//! `crates/testkit/real/install syft trivy` installs. A difference without a reason in
//! `comparison/reasons.rs` is written as unexplained, and the program then fails.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

#[path = "comparison/page.rs"]
mod page;
#[path = "comparison/reasons.rs"]
mod reasons;
#[path = "comparison/subjects.rs"]
mod subjects;
#[path = "comparison/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::process::ExitCode;

use tools::{Found, Tools};

/// Which of the tools found a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct By {
    we: bool,
    syft: bool,
    trivy: bool,
}

impl By {
    fn words(self) -> String {
        let names = [(self.we, "cleanbill"), (self.syft, "syft"), (self.trivy, "trivy")];
        let names: Vec<&str> = names.iter().filter(|(found, _)| *found).map(|(_, name)| *name).collect();
        names.join(" and ")
    }
}

/// Packages that the same tools found, for the same reason.
struct Group {
    by: By,
    why: Option<&'static str>,
    packages: Vec<String>,
}

/// One subject's line and section.
struct Compared {
    subject: &'static subjects::Subject,
    syft: usize,
    trivy: usize,
    we: usize,
    problems: Vec<String>,
    groups: Vec<Group>,
}

fn compare(subject: &'static subjects::Subject, tools: &Tools) -> Compared {
    let root = subjects::fetched(subject);
    let we = tools.cleanbill(&root);
    let syft = tools.syft(&root);
    let trivy = tools.trivy(&root);
    let mut by: BTreeMap<&String, By> = BTreeMap::new();
    let none = By { we: false, syft: false, trivy: false };
    for package in &we.packages {
        by.entry(package).or_insert(none).we = true;
    }
    for package in &syft.packages {
        by.entry(package).or_insert(none).syft = true;
    }
    for package in &trivy.packages {
        by.entry(package).or_insert(none).trivy = true;
    }
    let mut groups: BTreeMap<(By, Option<&'static str>), Vec<String>> = BTreeMap::new();
    for (package, by) in by.into_iter().filter(|(_, by)| !(by.we && by.syft && by.trivy)) {
        let why = reasons::why(subject.name, by, package);
        groups.entry((by, why)).or_default().push(package.clone());
    }
    let groups = groups.into_iter().map(|((by, why), packages)| Group { by, why, packages }).collect();
    let count = |found: &Found| found.packages.len();
    Compared { subject, syft: count(&syft), trivy: count(&trivy), we: count(&we), problems: we.problems, groups }
}

fn main() -> ExitCode {
    let Some(to) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("name the page to write: cargo bench -p cleanbill-cli --bench comparison -- docs/comparison.md");
        return ExitCode::SUCCESS;
    };
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            println!("{missing}");
            return ExitCode::FAILURE;
        }
    };
    let mut unexplained = 0;
    let mut all = Vec::new();
    for subject in subjects::ALL {
        let compared = compare(subject, &tools);
        println!("{}: syft {}, trivy {}, cleanbill {}", subject.name, compared.syft, compared.trivy, compared.we);
        for group in compared.groups.iter().filter(|group| group.why.is_none()) {
            unexplained += group.packages.len();
            println!("  unexplained, by {}: {}", group.by.words(), group.packages.join("\n    "));
        }
        all.push(compared);
    }
    // Programs of benchmarks run in the folder of their crate; pages are named from the workspace's.
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::write(workspace.join(&to), page::page(&all, &tools)).unwrap();
    println!("{to}: {} subjects, {unexplained} differences unexplained", all.len());
    if unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
