//! A process that does not outlive the test that started it, not even one that is killed.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Runs the program given as its arguments until the program ends or standard input is closed. The
/// kernel closes that pipe when the test process dies, however it dies.
const UNTIL_INPUT_ENDS: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
{ read -r _ <&3; kill -KILL "$program"; } 2>/dev/null &
watcher=$!
exec 3<&-
wait "$program"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// A running program; killed when dropped.
#[derive(Debug)]
pub(super) struct Owned {
    wrapper: Child,
}

impl Owned {
    /// Starts `program`; what it says goes to `log`.
    pub(super) fn start<S: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
        environment: &[(&str, &str)],
        log: std::fs::File,
    ) -> io::Result<Self> {
        let wrapper = Command::new("bash")
            .args(["-c", UNTIL_INPUT_ENDS, "owned"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { wrapper })
    }

    /// Whether the program has ended by itself.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.wrapper.try_wait()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        drop(self.wrapper.stdin.take());
        let _ = self.wrapper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// A program that writes its process id into `file` and then waits for ever.
    fn start(folder: &Path) -> (Owned, String) {
        let file = folder.join("pid");
        let log = fs::File::create(folder.join("log")).unwrap();
        let script = format!("echo $$ >'{0}.new'; mv '{0}.new' '{0}'; exec sleep 1000", file.display());
        let owned = Owned::start("bash", ["-c", &script], &[], log).unwrap();
        let pid = loop {
            if let Ok(text) = fs::read_to_string(&file) {
                break text.trim().to_owned();
            }
            std::thread::yield_now();
        };
        (owned, pid)
    }

    fn runs(pid: &str) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_program_ends_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let (mut owned, pid) = start(folder.path());
        assert!(owned.ended().unwrap().is_none());
        assert!(runs(&pid));
        drop(owned);
        assert!(!runs(&pid), "{pid} still runs");
    }

    #[test]
    fn a_program_that_ends_by_itself_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut owned = Owned::start("bash", ["-c", "echo said; exit 7"], &[], log).unwrap();
        let status = loop {
            if let Some(status) = owned.ended().unwrap() {
                break status;
            }
            std::thread::yield_now();
        };
        assert_eq!(status.code(), Some(7));
        assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "said\n");
    }
}
