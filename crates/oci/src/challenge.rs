//! Reading `WWW-Authenticate` (RFC 9110 §11.6.1), as far as registries use it.

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from a service.
    Bearer {
        /// The token service.
        realm: String,
        /// How it knows this registry.
        service: Option<String>,
        /// What the token is for.
        scope: Option<String>,
    },
}

/// Longer headers are not looked at.
const LENGTH: usize = 8192;

/// The challenge to answer among `headers`: a token where one is offered, else Basic.
pub(crate) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut all: Vec<Challenge> = headers.filter(|h| h.len() <= LENGTH).flat_map(parse).collect();
    let at = all.iter().position(|c| matches!(c, Challenge::Bearer { .. })).unwrap_or(0);
    (!all.is_empty()).then(|| all.swap_remove(at))
}

/// All challenges of one header that we know.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',', '\t']).unwrap_or(rest.len());
        let word = &rest[..end];
        let after = rest[end..].trim_start_matches([' ', '\t']);
        if let Some(value) = after.strip_prefix('=').filter(|_| !word.is_empty()) {
            let (value, left) = value_of(value.trim_start_matches([' ', '\t']));
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = left;
        } else if word.is_empty() {
            // Nothing that the grammar knows: go on behind it.
            rest = after.get(1..).unwrap_or_default();
        } else {
            found.push((word.to_ascii_lowercase(), Vec::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    found
        .into_iter()
        .filter_map(|(scheme, parameters)| {
            let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            match scheme.as_str() {
                "basic" => Some(Challenge::Basic),
                "bearer" => {
                    Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
                }
                _ => None,
            }
        })
        .collect()
}

/// A token or quoted string at the start of `text`, and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        }
    }

    #[track_caller]
    fn check(header: &str, expect: Challenge) {
        assert_eq!(choose(std::iter::once(header)), Some(expect));
    }

    #[test]
    fn commas_inside_quotes_belong_to_the_value() {
        check(
            "Bearer realm=\"https://a.example/token\",service=\"r.example\",scope=\"repository:x:pull,push\"",
            bearer("https://a.example/token", Some("r.example"), Some("repository:x:pull,push")),
        );
    }

    #[test]
    fn blanks_unquoted_values_and_any_case() {
        check("bearer Realm = https://a/t , SERVICE=x", bearer("https://a/t", Some("x"), None));
        check("Bearer realm=\"a\\\"b\"", bearer("a\"b", None, None));
        check("BASIC realm=\"x\"", Challenge::Basic);
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        check("Basic realm=\"x\", Bearer realm=\"https://a/t\"", bearer("https://a/t", None, None));
        let headers = ["Negotiate", "Basic realm=x", "Bearer realm=https://a/t"];
        assert_eq!(choose(headers.into_iter()), Some(bearer("https://a/t", None, None)));
    }

    #[test]
    fn what_is_not_a_challenge_gives_none() {
        for header in ["", ",,,", "Bearer", "Bearer service=x", "=,=\"", "Digest realm=x", "é\"=é"] {
            assert_eq!(choose(std::iter::once(header)), None, "{header}");
        }
        assert_eq!(choose(std::iter::once("Basic ".repeat(2000).as_str())), None);
    }
}
