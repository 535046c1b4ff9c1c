//! The version of the module that a Go program is built from, where Go itself does not know it: build
//! settings as `go version -m` prints them (package `runtime/debug` of Go, `BuildSetting`).

/// What the settings of a build say.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Variables that the linker was told to set: symbol and value, in order.
    variables: Vec<(String, String)>,
    revision: String,
    time: String,
}

impl Settings {
    /// Reads one setting, `KEY=VALUE`; either may be quoted as a Go string.
    pub(super) fn add(&mut self, setting: &str) {
        let Some((key, value)) = setting.split_once('=') else { return };
        let value = unquoted(value);
        match unquoted(key).as_str() {
            "-ldflags" => self.variables.extend(variables(&value)),
            "vcs.revision" => self.revision = value,
            "vcs.time" => self.time = value,
            _ => {}
        }
    }

    /// The version that a variable states.
    fn stated(&self, module: &str) -> Option<String> {
        let mut others: Vec<String> = Vec::new();
        let mut inside: Option<String> = None;
        for (symbol, value) in &self.variables {
            let Some((package, name)) = symbol.rsplit_once('.') else { continue };
            if !is_version_name(name) {
                continue;
            }
            let Some(version) = canonical(value) else { continue };
            if package == "main" {
                return Some(version);
            }
            let below = package.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if below {
                inside.get_or_insert(version);
            } else if !others.contains(&version) {
                others.push(version);
            }
        }
        inside.or(if others.len() == 1 { others.pop() } else { None })
    }

    /// Commit and time in the shape of a pseudo-version.
    fn commit(&self) -> Option<String> {
        let digits: String = self.time.chars().take(19).filter(char::is_ascii_digit).collect();
        let revision = self.revision.get(..12)?;
        let good = digits.len() == 14 && self.time.ends_with('Z') && revision.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| format!("v0.0.0-{digits}-{revision}"))
    }
}

/// The version of the program's own module, of which Go says `version`.
pub(super) fn own_version(module: &str, version: &str, settings: &Settings) -> String {
    if !version.is_empty() && version != "(devel)" && !is_pseudo_of_nothing(version) {
        return version.to_owned();
    }
    if let Some(stated) = settings.stated(module) {
        return stated;
    }
    let commit = if is_pseudo_of_nothing(version) { Some(version.to_owned()) } else { settings.commit() };
    commit.map_or_else(|| "(devel)".to_owned(), |commit| format!("(devel) {commit}"))
}

/// Whether a version only says that none is known.
pub(super) fn is_untagged(version: &str) -> bool {
    version.starts_with("(devel)")
}

/// `v0.0.0-20240102030405-0123456789ab`: a commit before which no tag was seen.
fn is_pseudo_of_nothing(version: &str) -> bool {
    let Some((time, commit)) = version.strip_prefix("v0.0.0-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let commit = commit.split('+').next().unwrap_or_default();
    time.len() == 14
        && time.bytes().all(|b| b.is_ascii_digit())
        && commit.len() == 12
        && commit.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Names of variables that hold the version of the program, in any case.
fn is_version_name(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "version",
        "appversion",
        "buildversion",
        "gitversion",
        "semver",
        "releaseversion",
        "versionstring",
        "gittag",
        "buildtag",
    ];
    let plain: String = name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
    NAMES.contains(&plain.as_str())
}

/// A version in Go's form, or nothing if it is none: three numbers, with or without `v`.
fn canonical(value: &str) -> Option<String> {
    let bare = value.strip_prefix(['v', 'V']).unwrap_or(value);
    let end = bare.find(['-', '+']).unwrap_or(bare.len());
    let (core, rest) = bare.split_at(end);
    let numbers: Vec<&str> = core.split('.').collect();
    let number = |n: &&str| !n.is_empty() && n.len() <= 9 && n.bytes().all(|b| b.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if numbers.len() != 3 || !numbers.iter().all(number) || !rest.chars().all(allowed) || core == "0.0.0" {
        return None;
    }
    // Leading zeros are not allowed in semantic versions: `2024.01.02` is a date.
    if numbers.iter().any(|n| n.len() > 1 && n.starts_with('0')) {
        return None;
    }
    let after_tag = rest.strip_prefix('-').filter(|rest| {
        let mut parts = rest.split('-');
        let count = parts.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        count && parts.next().is_some_and(|c| c.len() > 4 && c.starts_with('g'))
    });
    Some(match after_tag {
        Some(rest) => format!("v{core}+{rest}"),
        None => format!("v{core}{rest}"),
    })
}

/// `-X SYMBOL=VALUE` and `-X=SYMBOL=VALUE` among flags of the linker.
fn variables(flags: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut words = words(flags).into_iter();
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix("--X").or_else(|| word.strip_prefix("-X")) else { continue };
        let assignment = match rest.strip_prefix('=') {
            Some(assignment) => assignment.to_owned(),
            None if rest.is_empty() => words.next().unwrap_or_default(),
            None => continue,
        };
        if let Some((symbol, value)) = assignment.split_once('=') {
            found.push((symbol.to_owned(), value.to_owned()));
        }
    }
    found
}

/// Words between blanks; quotes of either kind hold blanks together.
fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut inside, mut quote) = (Vec::new(), String::new(), false, None);
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if matches!(c, '\'' | '"') => {
                quote = Some(c);
                inside = true;
            }
            None if c.is_whitespace() => {
                if inside {
                    found.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            None => {
                word.push(c);
                inside = true;
            }
        }
    }
    if inside {
        found.push(word);
    }
    found
}

/// A text that may be quoted as a Go string.
fn unquoted(text: &str) -> String {
    if let Some(raw) = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')) {
        return raw.to_owned();
    }
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &[&str], expect: &str) {
        let mut read = Settings::default();
        for setting in settings {
            read.add(setting);
        }
        assert_eq!(own_version("example.com/app", "(devel)", &read), expect, "{settings:?}");
    }

    #[test]
    fn flags_of_the_linker_state_the_version() {
        check(&["-ldflags=-X=main.version=1.2.3"], "v1.2.3");
        check(&[r#"-ldflags="-s -w -X main.Version=v1.2.3""#], "v1.2.3");
        check(&[r#"-ldflags="-X 'main.date=a day' -X 'main.version=v2.0.0-rc.1'""#], "v2.0.0-rc.1");
        check(&[r#"-ldflags="-X \"main.version=v2.0.1\"""#], "v2.0.1");
        check(&[r#"-ldflags="-X example.com/app/v.GitVersion=3.0.0 -X o.org/x.Version=9.0.0""#], "v3.0.0");
        check(&[r#"-ldflags="-X github.com/prometheus/common/version.Version=2.45.0""#], "v2.45.0");
        check(&[r#"-ldflags="-X main.version=v1.2.3-4-gabcdef0-dirty""#], "v1.2.3+4-gabcdef0-dirty");
    }

    #[test]
    fn what_states_no_version_is_not_believed() {
        check(&["-ldflags=-X=main.version=dev"], "(devel)");
        check(&["-ldflags=-X=main.version=2024.01.02"], "(devel)");
        check(&["-ldflags=-X=main.version=v0.0.0"], "(devel)");
        check(&["-ldflags=-X=main.goversion=1.22.1"], "(devel)");
        check(&[r#"-ldflags="-X a.org/x.Version=1.0.0 -X b.org/y.Version=2.0.0""#], "(devel)");
        check(&[r#"-ldflags="-X example.com/application/x.Version=1.0.0 -X b.org/y.Version=2.0.0""#], "(devel)");
        check(&[r#"-ldflags="-X""#], "(devel)");
    }

    #[test]
    fn a_commit_without_tag_is_told_and_no_version() {
        let commit = ["vcs.revision=0123456789abcdef0123", "vcs.time=2024-01-02T03:04:05Z"];
        check(&commit, "(devel) v0.0.0-20240102030405-0123456789ab");
        check(&["vcs.revision=0123", "vcs.time=2024-01-02T03:04:05Z"], "(devel)");
        let none = Settings::default();
        for (version, expect) in [
            ("v1.2.4-0.20240102030405-0123456789ab", "v1.2.4-0.20240102030405-0123456789ab"),
            ("v0.0.0-20240102030405-0123456789ab+dirty", "(devel) v0.0.0-20240102030405-0123456789ab+dirty"),
            ("v1.2.3+dirty", "v1.2.3+dirty"),
            ("", "(devel)"),
        ] {
            assert_eq!(own_version("m", version, &none), expect);
        }
    }
}
