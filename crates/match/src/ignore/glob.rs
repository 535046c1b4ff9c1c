//! Patterns: `*` and `?` within a part, `**` over any number of parts of a path.
//!
//! Classes and alternatives (`[ab]`, `{a,b}`) are not read, and a pattern that has them is refused.

/// How long a pattern may be.
const MAX_PATTERN: usize = 1024;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// A pattern of paths, from the root; a slash in front says nothing.
    pub(super) fn path(text: &str) -> Option<Self> {
        let text = text.strip_prefix("./").unwrap_or(text).trim_start_matches('/');
        // An exclamation mark stands only before the path inside an archive.
        let unread = text.replace("!/", "/").contains(['[', ']', '{', '}', '\\', '!']);
        if text.len() > MAX_PATTERN || unread {
            return None;
        }
        Some(Self { parts: text.split('/').map(str::to_owned).collect() })
    }

    /// A name; signs in it are as in a path.
    pub(super) fn name(text: &str) -> Self {
        Self { parts: text.split('/').map(str::to_owned).collect() }
    }

    /// Whether it fits the whole text. Costs at most the product of the lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let parts: Vec<&str> = text.split('/').collect();
        // Which beginnings of the text the beginning of the pattern fits.
        let mut fits = vec![false; parts.len() + 1];
        fits[0] = true;
        for wanted in &self.parts {
            let mut next = vec![false; parts.len() + 1];
            if wanted == "**" {
                let mut open = false;
                for (to, from) in next.iter_mut().zip(&fits) {
                    open |= *from;
                    *to = open;
                }
            } else {
                for (i, part) in parts.iter().enumerate() {
                    next[i + 1] = fits[i] && part_fits(wanted, part);
                }
            }
            fits = next;
        }
        fits.last().copied().unwrap_or(false)
    }
}

fn part_fits(wanted: &str, part: &str) -> bool {
    let text: Vec<char> = part.chars().collect();
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for sign in wanted.chars() {
        let mut next = vec![false; text.len() + 1];
        if sign == '*' {
            let mut open = false;
            for (to, from) in next.iter_mut().zip(&fits) {
                open |= *from;
                *to = open;
            }
        } else {
            for (i, c) in text.iter().enumerate() {
                next[i + 1] = fits[i] && (sign == '?' || sign == *c);
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(Glob::path(pattern).is_some_and(|g| g.matches(text)), expect, "{pattern} {text}");
    }

    #[test]
    fn signs_stay_in_their_part_and_two_stars_do_not() {
        check("app/*.jar", "app/a.jar", true);
        check("app/*.jar", "app/lib/a.jar", false);
        check("app/**/*.jar", "app/a.jar", true);
        check("app/**/*.jar", "app/b/c/a.jar", true);
        check("app/**", "app/b/c", true);
        check("app/**", "apple/b", false);
        check("**", "any/thing", true);
        check("/usr/lib/?.so", "usr/lib/a.so", true);
        check("./usr", "usr", true);
        check("usr", "usr/lib", false);
        check("", "usr", false);
        check("*", "", true);
        check("app/x.war!/WEB-INF/*.jar", "app/x.war!/WEB-INF/a.jar", true);
    }

    #[test]
    fn what_is_not_read_is_refused() {
        for pattern in ["a[bc]", "{a,b}", "a\\*", "!a", "a[b]!/c"] {
            assert_eq!(Glob::path(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        check(&"*a".repeat(500), &"a".repeat(4000), true);
        check(&"**/".repeat(300), &"a/".repeat(2000), true);
    }
}
