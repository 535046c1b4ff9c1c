//! Manual pages: the text of a module (`//!`) read as a page with a title, and the literals of its
//! definitions. Sources are read as text, so that this crate needs none of the crates it speaks about.

/// The text at the head of a module, line by line, without `//!`.
pub(crate) fn lines(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
}

/// The title: `# dpkg`.
pub(crate) fn title(source: &str) -> Option<&str> {
    lines(source).find(|line| !line.is_empty())?.strip_prefix("# ").map(str::trim)
}

/// The paragraphs after the title, each in one line.
pub(crate) fn paragraphs(source: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in lines(source) {
        match found.last_mut() {
            _ if line.is_empty() || line.starts_with('#') => found.push(String::new()),
            Some(last) if last.is_empty() => line.clone_into(last),
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => {}
        }
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

/// The first sentence of the page, with a full stop, and without the brackets of links to items.
pub(crate) fn first_sentence(source: &str) -> Option<String> {
    let paragraph = paragraphs(source).into_iter().next()?;
    let mut in_code = false;
    let mut end = paragraph.len();
    for (at, c) in paragraph.char_indices() {
        match c {
            '`' => in_code = !in_code,
            '.' if !in_code && paragraph[at..].starts_with(". ") => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let sentence = paragraph[..end].trim_end_matches(['.', ':']).replace("[`", "`").replace("`]", "`");
    Some(format!("{sentence}."))
}

/// The table in the page: its lines that start with `|`.
pub(crate) fn table(source: &str) -> Vec<&str> {
    lines(source).filter(|line| line.starts_with('|')).collect()
}

/// What stands in backticks in the page and starts with `prefix`.
pub(crate) fn code<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.split('`').skip(1).step_by(2).filter(move |word| word.starts_with(prefix))
}

/// The definition that begins with `head`, up to the `}` that closes its outermost brace.
pub(crate) fn body<'a>(source: &'a str, head: &str) -> Option<&'a str> {
    let from = &source[source.find(head)?..];
    let open = from.find('{')?;
    let mut depth = 0_usize;
    let mut in_string = false;
    for (at, c) in from.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '"' => in_string = !in_string,
            '{' if !in_string => depth += 1,
            '}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return from.get(open + 1..at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The string of a field: `name: "dpkg"`; or the constant it is, looked up in `source`.
pub(crate) fn field<'a>(body: &'a str, name: &str, source: &'a str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("{name}: "))?;
    string(rest, source)
}

/// The strings of a list field: `also: &["deb", "debian"]`.
pub(crate) fn list<'a>(body: &'a str, name: &str, source: &'a str) -> Vec<&'a str> {
    let Some((_, rest)) = body.split_once(&format!("{name}: ")) else { return Vec::new() };
    let Some((inside, _)) = rest.split_once('[').and_then(|(_, rest)| rest.split_once(']')) else {
        return Vec::new();
    };
    strings(inside, source)
}

/// Strings and names of constants, separated by commas.
pub(crate) fn strings<'a>(inside: &'a str, source: &'a str) -> Vec<&'a str> {
    inside.split(',').filter_map(|item| string(item, source)).collect()
}

/// A string at the beginning of `text`, or the value of the constant that is named there.
fn string<'a>(text: &'a str, source: &'a str) -> Option<&'a str> {
    let text = text.trim_start();
    let literal = |text: &'a str| text.strip_prefix('"')?.split_once('"').map(|(value, _)| value);
    if let Some(value) = literal(text) {
        return Some(value);
    }
    let name = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().filter(|name| !name.is_empty())?;
    let (_, value) = source.split_once(&format!("const {name}: &str = "))?;
    literal(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "//! # dpkg\n//!\n//! Reads `a. b` of [`X`] in\n//! images: all. More.\n//!\n//! | a |\n//! |---|\n\nuse x;\n//! no";

    #[test]
    fn a_page_has_title_sentence_and_table() {
        assert_eq!(title(PAGE), Some("dpkg"));
        assert_eq!(first_sentence(PAGE).as_deref(), Some("Reads `a. b` of `X` in images: all."));
        assert_eq!(table(PAGE), ["| a |", "|---|"]);
        assert_eq!(first_sentence("//! # x\n//!\n//! Keys are:\n//!\n//! * a").as_deref(), Some("Keys are."));
        assert_eq!((title("use x;"), first_sentence("use x;")), (None, None));
    }

    #[test]
    fn literals_are_read_through_constants() {
        let source =
            "const B: &str = \"b}\";\nstatic X: T = T {\n  id: \"a\", also: &[B, \"c\"], f: T { id: \"}\" },\n};";
        let body = body(source, "X: T").unwrap();
        assert_eq!(field(body, "id", source), Some("a"));
        assert_eq!(list(body, "also", source), ["b}", "c"]);
        assert!(body.ends_with("},\n"));
        assert_eq!(field(body, "name", source), None);
    }

    #[test]
    fn code_is_what_stands_in_backticks() {
        assert_eq!(code("A `pkg:a/B`, not pkg:c, `x`", "pkg:").collect::<Vec<_>>(), ["pkg:a/B"]);
    }
}
