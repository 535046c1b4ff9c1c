//! A good publisher: first fetch, nothing new, something new; who is asked and who is not.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use cleanbill_feeds::{ErrorKind, FeedsOptions, Quiet, State, StoredState, plan};
use common::{Answer, Bench, EPSS, Heard, KEV, at, kev};

fn good(body: &str, etag: &str) -> Answer {
    Answer::new(200, body).header("ETag", etag).header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
}

#[tokio::test]
async fn a_first_fetch_brings_the_file_and_says_so() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good(r#"{"a":1}"#, "\"1\"")]);
    let outcome = bench.update(at(0)).await;
    assert_eq!(outcome.state, State::Fetched);
    assert_eq!(std::fs::read(&outcome.path).unwrap(), br#"{"a":1}"#);
    assert_eq!((outcome.fetched_at, outcome.checked_at, outcome.size), (Some(at(0)), Some(at(0)), Some(7)));
    assert!(!outcome.authenticated, "it came by plain HTTP");
    assert_eq!(bench.server.last("if-none-match"), None);
    assert_eq!(bench.server.last("accept-encoding").as_deref(), Some("gzip"));
    assert!(bench.server.last("user-agent").unwrap().starts_with("cleanbill/"));
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\""), Answer::new(304, "")]);
    bench.update(at(0)).await;
    let outcome = bench.update(at(50)).await;
    assert_eq!(outcome.state, State::Unchanged);
    assert_eq!((outcome.fetched_at, outcome.checked_at), (Some(at(0)), Some(at(50))));
    assert_eq!(bench.server.last("if-none-match").as_deref(), Some("\"1\""));
    assert_eq!(bench.server.last("if-modified-since").as_deref(), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
}

#[tokio::test]
async fn what_changed_replaces_what_was_there() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\""), good("[2]", "\"2\""), Answer::new(304, "")]);
    let first = bench.update(at(0)).await;
    let second = bench.update(at(1)).await;
    assert_eq!((&second.state, second.fetched_at), (&State::Fetched, Some(at(1))));
    assert_ne!(first.sha256, second.sha256);
    assert_eq!(std::fs::read(&second.path).unwrap(), b"[2]");
    bench.update(at(2)).await;
    assert_eq!(bench.server.last("if-none-match").as_deref(), Some("\"2\""));
}

#[tokio::test]
async fn the_same_bytes_again_are_no_change() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![Answer::new(200, "{}")]);
    bench.update(at(0)).await;
    let outcome = bench.update(at(1)).await;
    assert_eq!((outcome.state, outcome.fetched_at), (State::Unchanged, Some(at(1))));
}

#[tokio::test]
async fn a_fresh_file_is_not_asked_for() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    let options = || FeedsOptions { fresh: Duration::from_secs(3600), ..bench.options() };
    bench.update_with(options(), at(0)).await;
    let outcome = bench.update_with(options(), at(3599)).await;
    assert_eq!((outcome.state, outcome.checked_at), (State::Unchanged, Some(at(0))));
    assert_eq!(bench.server.asked().len(), 1);
    // A clock that went back further than that is not trusted.
    bench.update_with(options(), at(-3600)).await;
    assert_eq!(bench.server.asked().len(), 2);
    bench.update_with(options(), at(3600)).await;
    assert_eq!(bench.server.asked().len(), 3);
    bench.update_with(FeedsOptions { force: true, ..options() }, at(3601)).await;
    assert_eq!(bench.server.asked().len(), 4);
}

#[tokio::test]
async fn another_address_is_not_told_what_the_first_called_its_file() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    bench.server.script(&format!("/other{KEV}"), vec![good("[]", "\"1\"")]);
    let fresh = Duration::from_secs(3600);
    bench.update_with(FeedsOptions { fresh, ..bench.options() }, at(0)).await;
    let other = common::options(bench.folder.path(), &format!("{}/other/", bench.server.base));
    let outcome = bench.update_with(FeedsOptions { fresh, ..other }, at(1)).await;
    assert_eq!(outcome.state, State::Fetched);
    assert_eq!(bench.server.last("if-none-match"), None);
}

#[tokio::test]
async fn a_compressed_form_is_known_under_both_its_names() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1-gzip\"")]);
    bench.update(at(0)).await;
    bench.update(at(1)).await;
    assert_eq!(bench.server.last("if-none-match").as_deref(), Some("\"1-gzip\", \"1\""));
}

#[tokio::test]
async fn a_damaged_file_is_fetched_anew_without_conditions() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    let path = bench.update(at(0)).await.path;
    std::fs::write(&path, "[]").unwrap();
    let outcome = bench.update_with(FeedsOptions { fresh: Duration::from_secs(3600), ..bench.options() }, at(1)).await;
    assert_eq!(outcome.state, State::Fetched);
    assert_eq!(bench.server.last("if-none-match"), None);
    assert_eq!(std::fs::read(&path).unwrap(), b"{}");
}

#[tokio::test]
async fn outcomes_come_in_the_order_of_the_plan_and_progress_is_told() {
    let bench = Bench::new().await;
    let npm = "/osv-vulnerabilities.storage.googleapis.com/npm/all.zip";
    bench.server.script(npm, vec![Answer::new(200, *b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]);
    bench.server.script(KEV, vec![Answer::new(200, "{}").open_ended()]);
    let heard = Heard::default();
    let plan = plan(&["npm".to_owned()].into());
    let outcomes = bench.feeds(FeedsOptions { parallel: 1, ..bench.options() }).update(&plan, at(0), &heard).await;
    let labels: Vec<(String, bool)> = outcomes.iter().map(|o| (o.fetch.label(), o.is_usable())).collect();
    assert_eq!(labels, [("osv npm".to_owned(), true), ("kev".to_owned(), true), ("epss".to_owned(), false)]);
    assert_eq!(
        heard.lines(),
        [
            "osv npm asked",
            "osv npm 0/22",
            "osv npm 22/22",
            "osv npm done",
            "kev asked",
            "kev 0/?",
            "kev 2/?",
            "kev done",
            "epss asked",
            "epss done"
        ]
    );
    let error = outcomes[2].error().unwrap();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.to_string().contains("answers 404\nhint: a mirror holds"), "{error}");
    assert!(error.url.ends_with(EPSS), "{error}");
}

#[tokio::test]
async fn many_at_once_end_in_the_order_of_the_plan() {
    let bench = Bench::new().await;
    let ecosystems = ["npm", "PyPI", "Maven", "Debian:12", "Alpine:v3.20", "Wolfi"];
    let plan = plan(&ecosystems.map(str::to_owned).into());
    for fetch in &plan {
        bench.server.script(&fetch.url.replace("https:/", ""), vec![Answer::new(200, "{}")]);
    }
    let (feeds, asked) = (bench.feeds(bench.options()), plan.clone());
    // On a runtime as a server has it: the work can be given to another thread.
    let outcomes = tokio::spawn(async move { feeds.update(&asked, at(0), &Quiet).await }).await.unwrap();
    assert_eq!(outcomes.iter().map(|o| &o.fetch).collect::<Vec<_>>(), plan.iter().collect::<Vec<_>>());
    let usable: Vec<&str> = outcomes.iter().filter(|o| o.is_usable()).map(|o| o.fetch.source).collect();
    assert_eq!(usable, ["debian-tracker", "alpine-secdb", "alpine-secdb", "wolfi", "kev"]);
}

#[tokio::test]
async fn what_is_stored_is_told_without_asking() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    let fetched = bench.update(at(0)).await;
    let stored = bench.feeds(bench.options()).stored(&plan(&[].into()));
    assert_eq!(bench.server.asked().len(), 1);
    assert_eq!(stored[0].path, fetched.path);
    let held = stored[0].state.held().unwrap();
    assert_eq!((held.fetched_at, held.size, held.authenticated), (at(0), 2, false));
    assert_eq!(Some(&held.sha256), fetched.sha256.as_ref());
    assert_eq!(stored[1].state, StoredState::Absent);
}

#[tokio::test]
async fn a_filled_folder_is_a_mirror() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    let path = bench.update(at(0)).await.path;
    assert_eq!(path, bench.folder.path().join(&KEV[1..]));
}

#[tokio::test]
async fn a_password_goes_to_the_mirror_and_nowhere_else() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\""), Answer::new(403, "")]);
    let mirror = bench.server.base.replace("http://", "http://user:hushhush@");
    let options = || common::options(bench.folder.path(), &mirror);
    let outcome = bench.update_with(options(), at(0)).await;
    assert_eq!(outcome.state, State::Fetched);
    assert_eq!(bench.server.last("authorization").as_deref(), Some("Basic dXNlcjpodXNoaHVzaA=="));
    for entry in std::fs::read_dir(outcome.path.parent().unwrap()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hushhush"), "{text}");
    }
    let again = bench.update_with(options(), at(1)).await;
    assert!(!format!("{again:?}").contains("hushhush"), "{again:?}");
}

#[tokio::test]
async fn another_process_that_never_ends_is_not_waited_for_without_end() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    let path = bench.update(at(0)).await.path;
    let lock = path.with_file_name(format!(".{}.lock", path.file_name().unwrap().to_string_lossy()));
    let lock = std::fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    let outcome = bench.update(at(60)).await;
    let State::Kept { why, age } = outcome.state else { panic!("{outcome:?}") };
    assert_eq!((why.kind, age), (ErrorKind::Busy, Duration::from_secs(60)));
    assert_eq!(bench.server.asked().len(), 1);
    lock.unlock().unwrap();
    assert_eq!(bench.update(at(61)).await.state, State::Unchanged);
}

#[tokio::test]
async fn two_at_once_fetch_once() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![good("{}", "\"1\"")]);
    // The pauses take no time here, so the second looks at the lock many times until the first is done.
    let (fresh, deadline) = (Duration::from_secs(3600), Duration::from_secs(1 << 30));
    let feeds = bench.feeds(FeedsOptions { fresh, deadline, ..bench.options() });
    let twice = [kev(), kev()].concat();
    let states: Vec<State> = feeds.update(&twice, at(0), &Quiet).await.into_iter().map(|o| o.state).collect();
    assert!(states.contains(&State::Fetched) && states.contains(&State::Unchanged), "{states:?}");
    assert_eq!(bench.server.asked().len(), 1);
}
