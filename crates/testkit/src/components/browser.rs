//! A browser without a window, for looking at a page as a person would.

use super::{Component, Missing, find};
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Writes a picture of the page at `url` into the PNG file `picture`, `width` × `height` pixels, after
/// the page's own scripts had a few seconds of virtual time. A browser that hangs is ended after two minutes.
pub fn screenshot(url: &str, picture: &Path, width: u32, height: u32) -> Result<Output, Missing> {
    run(&[&format!("--screenshot={}", picture.display()), &format!("--window-size={width},{height}"), url])
}

/// Prints the page at `url` as it is after its scripts ran.
pub fn page(url: &str) -> Result<Output, Missing> {
    run(&["--dump-dom", url])
}

fn run(arguments: &[&str]) -> Result<Output, Missing> {
    let program = find(Component::Chromium)?;
    let start = || -> io::Result<Output> {
        let profile = tempfile::tempdir()?;
        Command::new("timeout")
            .args(["-k", "5", "120"])
            .arg(&program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-extensions", "--disable-background-networking"])
            .args(["--ignore-certificate-errors", "--virtual-time-budget=5000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
    };
    start().map_err(|error| Missing {
        component: Component::Chromium,
        why: format!("{} cannot be run: {error}", program.display()),
    })
}
