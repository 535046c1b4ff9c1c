//! Diagnostics as values: stable code, severity, message, hint, place in the user's file.
use std::fmt;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Nothing goes on.
    Error,
    /// It goes on, perhaps not as meant.
    Warning,
}

/// A place in a file the user wrote. Lines and columns count from 1; 0 means not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The file as the user named it.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Something to tell the user about what they wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code in kebab case: `policy-field-unsupported`.
    pub code: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What is wrong, lower case, without full stop, naming the thing.
    pub message: String,
    /// What to do; empty if there is nothing to say.
    pub hint: String,
    /// Where.
    pub span: Span,
}

impl Diagnostic {
    /// An error without hint.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self { code, level: Level::Error, message: message.into(), hint: String::new(), span }
    }

    /// A warning without hint.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self { code, level: Level::Warning, message: message.into(), hint: String::new(), span }
    }

    /// The same with a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    /// `error[code]: FILE:LINE:COLUMN: message`, then `hint: …` on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}[{}]: ", self.code)?;
        if !self.span.file.is_empty() {
            write!(f, "{}: ", self.span)?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(diagnostic: Diagnostic, expect: &str) {
        assert_eq!(diagnostic.to_string(), expect);
    }

    fn at(line: usize, column: usize) -> Span {
        Span { file: "p.yaml".to_owned(), line, column }
    }

    #[test]
    fn a_diagnostic_reads_as_level_code_place_message_hint() {
        check(Diagnostic::error("some-code", "it is wrong", at(3, 7)), "error[some-code]: p.yaml:3:7: it is wrong");
        check(Diagnostic::warning("some-code", "it is odd", at(3, 0)), "warning[some-code]: p.yaml:3: it is odd");
        check(Diagnostic::error("c", "m", at(0, 7)).hint("do this"), "error[c]: p.yaml: m\nhint: do this");
        check(Diagnostic::error("c", "m", Span::default()), "error[c]: m");
    }

    #[test]
    fn errors_come_before_warnings() {
        assert!(Level::Error < Level::Warning);
    }
}
