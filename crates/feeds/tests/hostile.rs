//! Servers that fail, lie, flood and point elsewhere: the last good file stays, and why is said.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write as _;
use std::time::Duration;

use cleanbill_feeds::{ErrorKind, Feeds, FeedsOptions, Quiet, State, Url};
use common::{Answer, Bench, EPSS, KEV, Server, at};

const GOOD: &str = r#"{"good":true}"#;

/// A bench whose file is there since second 0, and that gets these answers from then on.
async fn bench(answers: Vec<Answer>) -> Bench {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![Answer::new(200, GOOD).header("ETag", "\"good\"")]);
    assert_eq!(bench.update(at(0)).await.state, State::Fetched);
    bench.server.script(KEV, answers);
    bench
}

/// An update at second 90 keeps the good file, for this reason.
async fn check(bench: &Bench, options: FeedsOptions, kind: ErrorKind, part: &str) {
    let outcome = bench.update_with(options, at(90)).await;
    let State::Kept { why, age } = &outcome.state else { panic!("{outcome:?}") };
    assert_eq!(why.kind, kind, "{why}");
    let text = why.to_string();
    assert!(text.contains(part) && text.contains(&bench.server.base) && text.contains(KEV), "{text}");
    assert_eq!(*age, Duration::from_secs(90));
    assert_eq!((outcome.fetched_at, outcome.checked_at), (Some(at(0)), Some(at(0))));
    assert_eq!(std::fs::read_to_string(&outcome.path).unwrap(), GOOD);
    let left: Vec<String> = std::fs::read_dir(outcome.path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".part"))
        .collect();
    assert_eq!(left, [] as [&str; 0]);
}

async fn kept(answers: Vec<Answer>, kind: ErrorKind, part: &str) -> Bench {
    let bench = bench(answers).await;
    check(&bench, bench.options(), kind, part).await;
    bench
}

#[tokio::test]
async fn a_sign_in_page_is_no_feed() {
    let page = Answer::new(200, "<!DOCTYPE html><html><title>Sign in</title></html>");
    let bench = kept(vec![page], ErrorKind::Invalid, "an HTML page").await;
    assert_eq!(bench.server.asked().len(), 2, "a page is not asked for again and again");
}

#[tokio::test]
async fn a_long_page_is_refused_by_its_beginning() {
    let page = format!("<html>{}", " ".repeat(100_000));
    kept(vec![Answer::new(200, page)], ErrorKind::Invalid, "an HTML page").await;
}

#[tokio::test]
async fn a_page_under_gzip_is_no_feed() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"<html>Sign in</html>").unwrap();
    let page = Answer::new(200, encoder.finish().unwrap()).header("Content-Encoding", "gzip");
    kept(vec![page], ErrorKind::Invalid, "an HTML page").await;
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_refused() {
    let answer = Answer::new(200, "{}").header("Content-Encoding", "br");
    kept(vec![answer], ErrorKind::Invalid, "encoding `br`").await;
}

#[tokio::test]
async fn a_cut_body_is_tried_again_and_never_kept() {
    let cut = Answer::new(200, r#"{"new":"#).claims(100);
    let bench = kept(vec![cut], ErrorKind::Unreachable, "it was cut").await;
    assert_eq!(bench.server.asked().len(), 5);
    assert_eq!(bench.pauses.seconds(), [1, 2, 4]);
}

#[tokio::test]
async fn a_cut_body_without_length_is_known_by_its_end() {
    let cut = Answer::new(200, r#"{"new":[1,2"#).open_ended();
    let bench = kept(vec![cut], ErrorKind::Invalid, "the JSON is cut").await;
    assert_eq!(bench.server.asked().len(), 5);
}

#[tokio::test]
async fn a_cut_body_that_comes_whole_at_the_second_try_is_kept() {
    let bench = bench(vec![Answer::new(200, "{").claims(2), Answer::new(200, "{}")]).await;
    assert_eq!(bench.update(at(1)).await.state, State::Fetched);
}

#[tokio::test]
async fn a_server_in_trouble_is_tried_again() {
    let bench = bench(vec![Answer::new(500, ""), Answer::new(503, ""), Answer::new(200, "[]")]).await;
    assert_eq!(bench.update(at(1)).await.state, State::Fetched);
    assert_eq!(bench.pauses.seconds(), [1, 2]);
}

#[tokio::test]
async fn a_server_that_stays_in_trouble_is_left_alone() {
    let bench = kept(vec![Answer::new(500, "")], ErrorKind::Unreachable, "answers 500 (tried 4 times)").await;
    assert_eq!(bench.pauses.seconds(), [1, 2, 4]);
}

#[tokio::test]
async fn a_rate_limit_is_obeyed() {
    let limited = Answer::new(429, "").header("Retry-After", "7");
    let bench = bench(vec![limited, Answer::new(200, "[]")]).await;
    assert_eq!(bench.update(at(1)).await.state, State::Fetched);
    assert_eq!(bench.pauses.seconds(), [7]);
}

#[tokio::test]
async fn a_rate_limit_by_date_is_counted_from_now() {
    let limited = Answer::new(429, "").header("Retry-After", "Tue, 14 Nov 2023 22:13:41 GMT"); // second 21
    let bench = bench(vec![limited, Answer::new(200, "[]")]).await;
    assert_eq!(bench.update(at(1)).await.state, State::Fetched);
    assert_eq!(bench.pauses.seconds(), [20]);
}

#[tokio::test]
async fn a_long_rate_limit_is_not_waited_for() {
    let limited = Answer::new(429, "").header("Retry-After", "3600");
    let bench = kept(vec![limited], ErrorKind::Unreachable, "not to be asked again for 3600 s").await;
    assert_eq!(bench.server.asked().len(), 2);
    assert_eq!(bench.pauses.seconds(), [] as [u64; 0]);
}

#[tokio::test]
async fn a_file_over_its_bound_is_refused_by_its_stated_length() {
    let bench = bench(vec![Answer::new(200, format!("[{}]", " ".repeat(998)))]).await;
    let options = FeedsOptions { limit: 999, ..bench.options() };
    check(&bench, options, ErrorKind::Invalid, "bigger than 999 bytes").await;
    let options = FeedsOptions { limit: 1000, ..bench.options() };
    assert_eq!(bench.update_with(options, at(91)).await.state, State::Fetched);
}

#[tokio::test]
async fn a_file_over_its_bound_is_refused_while_it_comes() {
    let bench = bench(vec![Answer::new(200, format!("[{}]", " ".repeat(998))).open_ended()]).await;
    let options = FeedsOptions { limit: 999, ..bench.options() };
    check(&bench, options, ErrorKind::Invalid, "bigger than 999 bytes").await;
}

#[tokio::test]
async fn a_redirect_to_plain_http_elsewhere_is_refused() {
    let other = Server::start().await;
    other.script("/x", vec![Answer::new(200, "[]")]);
    let location = format!("{}/x", other.base);
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::new(status, "").header("Location", &location);
        kept(vec![answer], ErrorKind::Forbidden, "which is not https").await;
    }
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_redirect_on_the_same_mirror_is_followed() {
    let bench = bench(vec![Answer::new(302, "").header("Location", "/moved.json")]).await;
    bench.server.script("/moved.json", vec![Answer::new(200, "[]")]);
    let outcome = bench.update(at(1)).await;
    assert_eq!((outcome.state, outcome.authenticated), (State::Fetched, false));
}

#[tokio::test]
async fn redirects_in_a_circle_come_to_an_end() {
    let circle = Answer::new(302, "").header("Location", KEV);
    let bench = kept(vec![circle], ErrorKind::Invalid, "more than 5 redirects").await;
    assert_eq!(bench.server.asked().len(), 1 + 6);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_refused() {
    kept(vec![Answer::new(302, "")], ErrorKind::Forbidden, "nowhere").await;
}

#[tokio::test]
async fn nothing_changed_is_no_answer_to_who_has_nothing() {
    let bench = Bench::new().await;
    bench.server.script(KEV, vec![Answer::new(304, "")]);
    let outcome = bench.update(at(0)).await;
    let State::Failed { why } = &outcome.state else { panic!("{outcome:?}") };
    assert!(why.why.contains("answers 304"), "{why}");
    assert!(!outcome.is_usable() && !outcome.path.exists());
}

#[tokio::test]
async fn other_statuses_are_told() {
    kept(vec![Answer::new(404, "")], ErrorKind::Refused, "this one lacks this file").await;
    kept(vec![Answer::new(401, "")], ErrorKind::Refused, "in the mirror's URL").await;
    kept(vec![Answer::new(206, "[]")], ErrorKind::Invalid, "answers 206").await;
    kept(vec![Answer::new(204, "")], ErrorKind::Invalid, "answers 204").await;
}

#[tokio::test]
async fn a_publisher_that_is_away_leaves_the_good_file() {
    let bench = bench(vec![]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = bench.update_with(common::options(bench.folder.path(), &away), at(5)).await;
    let State::Kept { why, age } = &outcome.state else { panic!("{outcome:?}") };
    assert_eq!((why.kind, *age), (ErrorKind::Unreachable, Duration::from_secs(5)));
    assert!(why.url.starts_with(&away), "{why}");
}

#[tokio::test]
async fn without_a_good_file_a_failure_says_what_lies_there() {
    let bench = bench(vec![Answer::new(404, "")]).await;
    std::fs::write(bench.folder.path().join(&KEV[1..]), "[]").unwrap();
    let outcome = bench.update(at(1)).await;
    let State::Failed { why } = &outcome.state else { panic!("{outcome:?}") };
    assert!(why.why.contains("cannot be used") && why.why.contains("not the file that its metadata name"), "{why}");
}

#[tokio::test]
async fn a_plain_file_is_not_text_under_gzip() {
    let bench = Bench::new().await;
    bench.server.script(EPSS, vec![Answer::new(200, "cve,epss,percentile\n")]);
    let plan = cleanbill_feeds::plan(&[].into()).split_off(1);
    let outcome = bench.feeds(bench.options()).update(&plan, at(0), &Quiet).await.remove(0);
    assert!(outcome.error().unwrap().why.contains("not text under gzip"), "{outcome:?}");
    assert_eq!(bench.server.last("accept-encoding").as_deref(), Some("identity"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let bench = Bench::new().await;
    let file = bench.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let outcome = bench.update_with(common::options(&file, &bench.server.base), at(0)).await;
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Disk);
    assert!(outcome.error().unwrap().why.contains(&file.display().to_string()), "{outcome:?}");
    assert_eq!(bench.server.asked().len(), 0);
}

#[test]
fn what_is_no_mirror_is_refused_at_once() {
    let options = FeedsOptions { mirror: Some(Url::parse("file:///feeds").unwrap()), ..FeedsOptions::new("cache") };
    let error = Feeds::new(options).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden);
}
