//! Tests of `facts`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const ONE: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn key(name: &str) -> Key {
    Key::new(&Reference::parse(name).unwrap(), &Digest::parse(ONE).unwrap(), false)
}

#[track_caller]
fn check(age: u64, signed: bool, expect: bool) {
    let facts = Facts::default();
    let now = Instant::now();
    facts.keep(key("a.example/x"), Arc::new(1), now);
    let later = now + Duration::from_secs(age);
    assert_eq!(facts.read(&key("a.example/x"), later, |_| signed).is_some(), expect, "{age} s, signed {signed}");
}

#[test]
fn a32_facts_count_a_minute_with_a_signature_and_two_seconds_without() {
    check(0, true, true);
    check(59, true, true);
    check(60, true, false);
    check(1, false, true);
    check(2, false, false);
    check(59, false, false);
}

#[test]
fn a75_the_repository_is_a_part_of_the_key_and_the_tag_is_not() {
    let facts = Facts::default();
    let now = Instant::now();
    facts.keep(key("a.example/x:1"), Arc::new(1), now);
    assert!(facts.read(&key("a.example/x:2"), now, |_| true).is_some());
    assert!(facts.read(&key("a.example/y:1"), now, |_| true).is_none());
    assert!(facts.read(&key("b.example/x:1"), now, |_| true).is_none());
}

#[test]
fn a33_what_was_read_without_attestations_does_not_answer_for_them() {
    let facts = Facts::default();
    let now = Instant::now();
    facts.keep(key("a.example/x"), Arc::new(1), now);
    let with = Key { attestations: true, ..key("a.example/x") };
    assert!(facts.read(&with, now, |_| true).is_none());
}

#[test]
fn the_number_of_entries_is_bounded_and_the_oldest_goes() {
    let facts = Facts::default();
    let now = Instant::now();
    for at in 0..=CAPACITY {
        facts.keep(key(&format!("a.example/x{at}")), Arc::new(at), now + Duration::from_millis(at as u64));
    }
    let later = now + Duration::from_secs(5);
    assert!(facts.read(&key("a.example/x0"), later, |_| true).is_none());
    assert!(facts.read(&key("a.example/x1"), later, |_| true).is_some());
    assert_eq!(facts.entries.lock().unwrap().len(), CAPACITY);
}

#[tokio::test]
async fn one_fetches_and_the_others_read() {
    let facts = Facts::default();
    let fetched = AtomicU32::new(0);
    let ask = || {
        facts.get(
            key("a.example/x"),
            true,
            |_| true,
            || async {
                fetched.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<u32, ()>(7)
            },
        )
    };
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert_eq!([*a.unwrap(), *b.unwrap(), *c.unwrap()], [7; 3]);
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert_eq!(facts.waiting(), 0);
}

#[tokio::test]
async fn a_failure_is_not_kept_and_the_next_one_tries_again() {
    let facts = Facts::default();
    let get = |result: Result<u32, &'static str>| {
        facts.get(key("a.example/x"), true, |_| true, move || async move { result })
    };
    assert_eq!(get(Err("down")).await, Err("down"));
    assert_eq!(get(Ok(7)).await, Ok(Arc::new(7)));
    assert_eq!(get(Err("down")).await, Ok(Arc::new(7)), "the facts still count");
}

#[tokio::test]
async fn a_caller_that_may_not_keep_reads_and_leaves_nothing() {
    let facts = Facts::default();
    let get =
        |keep, value: u32| facts.get(key("a.example/x"), keep, |_| true, move || async move { Ok::<_, ()>(value) });
    assert_eq!(*get(false, 1).await.unwrap(), 1);
    assert_eq!(*get(true, 2).await.unwrap(), 2, "nothing was kept of the first");
    assert_eq!(*get(false, 3).await.unwrap(), 2);
}

#[tokio::test]
async fn who_gives_up_leaves_the_queue() {
    let facts: Facts<u32> = Facts::default();
    {
        let never = facts.get(key("a.example/x"), true, |_| true, std::future::pending::<Result<u32, ()>>);
        tokio::pin!(never);
        assert!(futures::poll!(&mut never).is_pending());
        assert_eq!(facts.waiting(), 1);
    }
    assert_eq!(facts.waiting(), 0);
}
