//! Help texts that fit 80 columns, terminal or not: what clap would put behind a text (defaults, words,
//! variables) is put into it, and the whole is broken into lines.

use clap::{Arg, Command};

/// Columns of a help text.
const WIDTH: usize = 80;
/// Blanks before what is said of an argument.
const INDENT: usize = 10;

/// The command, with texts that fit, its commands included.
pub(crate) fn fit(command: Command) -> Command {
    command.mut_args(fit_argument).mut_subcommands(fit)
}

fn fit_argument(argument: Arg) -> Arg {
    let Some(help) = argument.get_help() else { return argument };
    let mut text = help.to_string();
    if argument.get_action().takes_values() {
        let list = |words: Vec<String>| words.join(", ");
        let names = argument.get_possible_values();
        let names = names.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned());
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
        for (what, words) in [("one of", list(names.collect())), ("default:", list(defaults.collect()))] {
            if !words.is_empty() {
                text.push_str(&format!(" [{what} {words}]"));
            }
        }
        if let Some(variable) = argument.get_env() {
            text.push_str(&format!(" [env: {}]", variable.to_string_lossy()));
        }
    }
    let takes_values = argument.get_action().takes_values();
    let argument = argument.help(broken(&text, WIDTH - INDENT)).next_line_help(true);
    if takes_values { argument.hide_possible_values(true).hide_default_value(true).hide_env(true) } else { argument }
}

/// A text in lines of at most `width` characters, where its words allow that.
fn broken(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(broken("one two three", 7), "one two\nthree");
        assert_eq!(broken("ähnlich wie", 11), "ähnlich wie");
        assert_eq!(broken("longer than that", 3), "longer\nthan\nthat");
        assert_eq!(broken("", 3), "");
    }

    #[test]
    fn what_clap_adds_is_in_the_text() {
        let argument = Arg::new("a").help("Says it").value_parser(["x", "y"]).default_value("x");
        let fitted = fit_argument(argument);
        assert_eq!(fitted.get_help().map(ToString::to_string).as_deref(), Some("Says it [one of x, y] [default: x]"));
        let flag = Arg::new("b").help("Does it").action(clap::ArgAction::SetTrue);
        assert_eq!(fit_argument(flag).get_help().map(ToString::to_string).as_deref(), Some("Does it"));
    }
}
