//! Data on stdout, talk on stderr.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::Common;

static QUIET: AtomicBool = AtomicBool::new(false);
static PROGRESS: AtomicBool = AtomicBool::new(true);

/// Sets up what is said: `-q`, `-v`, and the log of long-running roles (`CLEANBILL_LOG`).
pub(crate) fn set_up(common: &Common) {
    QUIET.store(common.quiet, Ordering::Relaxed);
    PROGRESS.store(!common.quiet && !common.no_progress, Ordering::Relaxed);
    let default = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "cleanbill=info,cleanbill_hub=info,cleanbill_agent=info,cleanbill_admission=info,warn",
        (false, _) => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("CLEANBILL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let wished = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let colour = match common.color.as_str() {
        "always" => true,
        "never" => false,
        _ => wished && std::io::IsTerminal::is_terminal(&std::io::stderr()),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .init();
}

/// Writes data to stdout. A reader that went away (`| head`) ends the program in peace.
pub(crate) fn data(bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| anyhow::Error::new(e).context("could not write to stdout")),
    }
}

/// Says something on stderr unless `-q`.
pub(crate) fn say(text: impl std::fmt::Display) {
    if !QUIET.load(Ordering::Relaxed) {
        let _ = writeln!(std::io::stderr().lock(), "{}", cleanbill_report::terminal::clean_lines(&text.to_string()));
    }
}

/// A sign of life on a terminal while something takes long; it goes when it is dropped.
pub(crate) struct Busy(Option<indicatif::ProgressBar>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Shows that something is under way, on a terminal and after a moment.
pub(crate) fn busy(what: impl std::fmt::Display) -> Busy {
    if !progress() {
        return Busy(None);
    }
    let bar = indicatif::ProgressBar::new_spinner();
    bar.set_message(cleanbill_report::terminal::clean(&what.to_string()).into_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    Busy(Some(bar))
}

/// Whether progress is shown: on a terminal, unless somebody said not to.
pub(crate) fn progress() -> bool {
    PROGRESS.load(Ordering::Relaxed) && std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// Says why the command could not be carried out. The chain of causes stands in one line; what follows
/// `hint: ` stands on its own.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = String::from("error: ");
    let mut last = String::new();
    for (i, cause) in error.chain().enumerate() {
        let cause = cause.to_string();
        // A cause that its parent already tells is not told twice.
        if i > 0 && last.contains(&cause) {
            continue;
        }
        if i > 0 {
            text.push_str(": ");
        }
        text.push_str(&cause);
        last = cause;
    }
    let _ = writeln!(std::io::stderr().lock(), "{}", cleanbill_report::terminal::clean_lines(&text));
}

/// The width of the terminal, 80 where there is none to ask.
pub(crate) fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|w| (20..=400).contains(w)).unwrap_or(80)
}

/// Where one format goes: `json` to stdout, `json=FILE` to a file.
pub(crate) struct Sink {
    /// The format's name.
    pub(crate) format: String,
    file: Option<String>,
}

impl Sink {
    /// Reads every `FORMAT[=FILE]`; no two may go to the same file.
    pub(crate) fn all(texts: &[String], known: &[&str]) -> anyhow::Result<Vec<Self>> {
        let mut sinks: Vec<Self> = Vec::new();
        for text in texts {
            let sink = Self::parse(text, known)?;
            if let Some(file) = &sink.file
                && sinks.iter().any(|other| other.file.as_ref() == Some(file))
            {
                anyhow::bail!("two outputs go to the same file {file}");
            }
            sinks.push(sink);
        }
        Ok(sinks)
    }

    /// Whether it goes to a file.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads `FORMAT[=FILE]`.
    fn parse(text: &str, known: &[&str]) -> anyhow::Result<Self> {
        let (format, file) = match text.split_once('=') {
            Some((format, file)) => (format, Some(file.to_owned())),
            None => (text, None),
        };
        if file.as_ref().is_some_and(String::is_empty) {
            anyhow::bail!("output `{text}` names no file\nhint: {format}=FILE, or {format} alone for stdout");
        }
        if !known.contains(&format) {
            anyhow::bail!("output format `{format}` is not known\nhint: use one of {}", known.join(", "));
        }
        Ok(Self { format: format.to_owned(), file })
    }

    /// Writes a document to where it goes.
    pub(crate) fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match &self.file {
            None => data(bytes),
            Some(file) => std::fs::write(file, bytes)
                .map_err(|e| anyhow::Error::new(e).context(format!("could not write {file}"))),
        }
    }
}
