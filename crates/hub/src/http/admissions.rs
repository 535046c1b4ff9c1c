//! "Why was it refused?" and "who vouches for it?": the answers of the admission webhook, each attempt
//! with policy, rule, what was tried and what to do.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use cleanbill_model::{Digest, Timestamp};
use cleanbill_store::{AdmissionEntry, AdmissionFilter, AdmissionOutcome, AdmissionReason, AdmittedImage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::Refusal;
use super::api::{broken, cursor};
use super::auth::{Authorized, View};
use super::pages::{Frame, Row, ago, form_encode, render, visible};
use crate::admissions::{AdmissionPage, thing, to_json, words_of_rules};
use crate::answer::{Page, WhereAnswer};

/// Answers on one page.
const SHOWN: usize = 50;
/// Answers about one digest that are looked through for what rules said of it.
const ABOUT_ONE: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    digest: String,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl ListQuery {
    /// `otherwise`: the outcomes where none is named.
    fn filter(&self, otherwise: &[AdmissionOutcome], uri: &Uri) -> Result<AdmissionFilter, Refusal> {
        let words = self.outcome.split(',').map(str::trim).filter(|word| !word.is_empty());
        let outcomes: Vec<AdmissionOutcome> = match self.outcome.as_str() {
            "all" => Vec::new(),
            _ => words
                .map(|word| {
                    AdmissionOutcome::parse(word).ok_or_else(|| {
                        Refusal::new(
                            StatusCode::BAD_REQUEST,
                            uri,
                            format!("`{}` is no outcome", visible(word)),
                            "admitted, refused, undecided, would-be-refused, or all",
                        )
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let said = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(AdmissionFilter {
            outcomes: if outcomes.is_empty() && self.outcome != "all" { otherwise.to_vec() } else { outcomes },
            namespace: said(&self.namespace),
            digest: said(&self.digest),
        })
    }

    /// The query without its cursor.
    fn text(&self) -> String {
        let parts = [("outcome", &self.outcome), ("namespace", &self.namespace), ("digest", &self.digest)];
        let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
        parts.map(|(name, value)| format!("{name}={}", form_encode(value))).collect::<Vec<_>>().join("&")
    }
}

const NOT_MET: &[AdmissionOutcome] =
    &[AdmissionOutcome::Refused, AdmissionOutcome::Undecided, AdmissionOutcome::WouldBeRefused];

#[derive(Template)]
#[template(path = "admissions.html")]
struct List {
    frame: Frame,
    sentence: String,
    rows: Vec<ListRow>,
    kinds: Vec<(&'static str, &'static str, bool)>,
    namespace: String,
    lost: u64,
    next: Option<String>,
    api: String,
}

struct ListRow {
    id: String,
    outcome: &'static str,
    thing: String,
    why: String,
    times: u64,
    last: String,
    ago: String,
    user: String,
}

pub(super) async fn list(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let (frame, status) = Frame::new(&shared, "", &uri).await?;
    let page = page(&shared, &query, NOT_MET, SHOWN, &uri).await?;
    let rows = page.entries.iter().map(|entry| ListRow {
        id: entry.key.clone(),
        outcome: entry.outcome.name(),
        thing: visible(&thing(entry)),
        why: visible(&shortened(&why(entry))),
        times: entry.times,
        last: entry.last.to_string(),
        ago: ago(entry.last, status.as_of),
        user: visible(&entry.user),
    });
    let rows: Vec<ListRow> = rows.collect();
    let text = query.text();
    let join = |path: &str, more: &str| match (text.is_empty(), more.is_empty()) {
        (true, true) => path.to_owned(),
        (true, false) => format!("{path}?{more}"),
        (false, true) => format!("{path}?{text}"),
        (false, false) => format!("{path}?{text}&{more}"),
    };
    let chosen = |word: &str| query.outcome == word;
    let kinds = vec![
        ("", "not met", chosen("")),
        ("refused", "refused", chosen("refused")),
        ("undecided", "undecided", chosen("undecided")),
        ("would-be-refused", "would be refused", chosen("would-be-refused")),
        ("admitted", "admitted", chosen("admitted")),
        ("all", "all", chosen("all")),
    ];
    let list = List {
        frame,
        sentence: sentence(&page, &query),
        rows,
        kinds,
        namespace: visible(&query.namespace),
        lost: page.lost,
        next: page.next.map(|n| join("/admissions", &format!("cursor={n}"))),
        api: join("/api/v1/admissions", ""),
    };
    render(&list, &uri)
}

fn sentence(page: &AdmissionPage, query: &ListQuery) -> String {
    let narrowed = !query.outcome.is_empty() || !query.namespace.is_empty() || !query.digest.is_empty();
    if page.entries.is_empty() && !narrowed {
        return "Nothing was refused.".to_owned();
    }
    page.sentence()
}

async fn page(
    shared: &Shared,
    query: &ListQuery,
    otherwise: &[AdmissionOutcome],
    limit: usize,
    uri: &Uri,
) -> Result<AdmissionPage, Refusal> {
    let before = cursor(query.cursor.as_deref(), uri)?;
    let filter = query.filter(otherwise, uri)?;
    shared.hub.admissions(&filter, before, query.limit.unwrap_or(limit)).await.map_err(|e| broken(uri, &e))
}

/// The first thing that speaks against it, in a line.
fn why(entry: &AdmissionEntry) -> String {
    let against = |image: &AdmittedImage| {
        let open = image.reasons.iter().filter(|reason| !is_good(reason)).chain(&image.warnings);
        open.map(|reason| reason.message.clone()).next()
    };
    let first = entry.images.iter().find_map(against);
    let said = || entry.message.lines().next().filter(|line| !line.is_empty()).map(str::to_owned);
    let good = || entry.images.first().and_then(|i| i.reasons.first()).map(|reason| reason.message.clone());
    first.or_else(said).or_else(good).unwrap_or_default()
}

/// Whether a reason speaks for the image.
fn is_good(reason: &AdmissionReason) -> bool {
    matches!(reason.code.as_str(), "signed" | "allowed" | "no-policy" | "skipped" | "break-glass")
}

#[derive(Template)]
#[template(path = "admission.html")]
struct One {
    frame: Frame,
    title: String,
    lead: String,
    message: String,
    images: Vec<ImageView>,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    try_it: String,
    api: String,
}

struct ImageView {
    image: String,
    places: String,
    decision: String,
    digest: String,
    short: String,
    reasons: Vec<ReasonView>,
}

struct ReasonView {
    /// `policy verify, rule shop`; empty where no policy asked.
    rule: String,
    code: String,
    message: String,
    hint: String,
    good: bool,
    /// The rule only audits.
    audits: bool,
    when: String,
    attempts: Vec<(String, String)>,
}

impl ReasonView {
    fn new(reason: &AdmissionReason, audits: bool, when: String) -> Self {
        let rule = match (reason.policy.as_str(), reason.rule.as_str()) {
            ("", _) => String::new(),
            (policy, "") => format!("policy {policy}"),
            (policy, rule) => format!("policy {policy}, rule {rule}"),
        };
        Self {
            rule: visible(&rule),
            code: visible(&reason.code),
            message: visible(&reason.message),
            hint: visible(&reason.hint),
            good: is_good(reason),
            audits,
            when,
            attempts: reason.attempts.iter().map(|(what, outcome)| (visible(what), visible(outcome))).collect(),
        }
    }
}

impl ImageView {
    fn new(image: &AdmittedImage) -> Self {
        let enforced = image.reasons.iter().map(|r| ReasonView::new(r, false, String::new()));
        let audited = image.warnings.iter().map(|r| ReasonView::new(r, true, String::new()));
        let mut reasons: Vec<ReasonView> = enforced.chain(audited).collect();
        reasons.sort_by_key(|reason| reason.good);
        Self {
            image: visible(&image.image),
            places: visible(&image.places.join(", ")),
            decision: visible(&image.decision),
            digest: image.digest.clone().unwrap_or_default(),
            short: image.digest.as_deref().map(short).unwrap_or_default(),
            reasons,
        }
    }
}

/// A sentence with its digests cut to twelve digits: whole ones stand on the page of the answer.
fn shortened(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("sha256:") {
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(before);
        out.push_str("sha256:");
        match after.get(..12).filter(|_| digits == 64) {
            Some(first) => {
                out.push_str(first);
                out.push('…');
            }
            None => out.push_str(&after[..digits]),
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    out
}

/// The first twelve digits of a digest.
fn short(digest: &str) -> String {
    digest.split_once(':').map_or("", |(_, hex)| hex.get(..12).unwrap_or(hex)).to_owned()
}

pub(super) async fn one(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (frame, status) = Frame::new(&shared, "", &uri).await?;
    let entry = found(&shared, &id, &uri).await?;
    let came_in = match entry.outcome {
        AdmissionOutcome::Admitted => "was admitted",
        AdmissionOutcome::Refused => "was refused",
        AdmissionOutcome::Undecided => "was kept out: it could not be found out whether it may run",
        AdmissionOutcome::WouldBeRefused => "was let in, although a rule was not met",
    };
    let times = match entry.times {
        1 => format!("Once, {}.", ago(entry.last, status.as_of)),
        n => format!("{n} times, last {}, first {}.", ago(entry.last, status.as_of), ago(entry.first, status.as_of)),
    };
    let image = entry.images.first().map_or("IMAGE", |image| image.image.as_str());
    let namespace = if entry.namespace.is_empty() { String::new() } else { format!(" -n {}", entry.namespace) };
    let one = One {
        frame,
        title: visible(&format!("{} {came_in}", thing(&entry))),
        lead: visible(&match why(&entry) {
            why if why.is_empty() => times,
            why => format!("{}. {times}", shortened(&why)),
        }),
        message: entry.message.lines().map(visible).collect::<Vec<_>>().join("\n"),
        images: entry.images.iter().map(ImageView::new).collect(),
        warnings: entry.warnings.iter().map(|warning| visible(warning)).collect(),
        facts: vec![
            ("operation", visible(&format!("{} {}", entry.operation, entry.kind))),
            ("sent by", visible(&entry.user)),
            ("hook", visible(&format!("{}, failure policy {}", entry.phase, entry.failure_policy))),
            ("first", entry.first.to_string()),
            ("last", entry.last.to_string()),
        ],
        try_it: visible(&format!("cleanbill policy check -p POLICY --image {image}{namespace}")),
        api: format!("/api/v1/admissions/{}", form_encode(&entry.key)),
    };
    render(&one, &uri)
}

async fn found(shared: &Shared, id: &str, uri: &Uri) -> Result<AdmissionEntry, Refusal> {
    shared.hub.admission(id).await.map_err(|e| broken(uri, &e))?.ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            uri,
            "there is no such answer, or it is too old",
            "the newest 10,000 are kept: see the list of admissions",
        )
    })
}

#[derive(Template)]
#[template(path = "image.html")]
struct ImagePage {
    frame: Frame,
    title: String,
    lead: String,
    warn: bool,
    names: Vec<String>,
    digest: String,
    rules: Vec<ReasonView>,
    answer: WhereAnswer,
    rows: Vec<Row>,
    answers: u64,
}

pub(super) async fn image(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Path(digest): Path<String>,
) -> Result<Response, Refusal> {
    if Digest::parse(&digest).is_err() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            &uri,
            format!("`{}` is no digest", visible(&digest)),
            "sha256: and 64 hexadecimal digits",
        ));
    }
    let (frame, status) = Frame::new(&shared, &digest, &uri).await?;
    let filter = AdmissionFilter { digest: Some(digest.clone()), ..AdmissionFilter::default() };
    let page = shared.hub.admissions(&filter, None, ABOUT_ONE).await.map_err(|e| broken(&uri, &e))?;
    let answer =
        shared.hub.where_(&digest, &Page::new(Some(20), None)).await.map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, &uri, visible(&error.message), visible(&error.hint))
        })?;
    let mut rules: Vec<ReasonView> = words_of_rules(&page.entries, &digest)
        .iter()
        .map(|(at, audits, reason)| ReasonView::new(reason, *audits, ago(*at, status.as_of)))
        .collect();
    rules.sort_by_key(|rule| rule.good);
    let about = page.entries.iter().flat_map(|entry| &entry.images).filter(|i| i.digest.as_ref() == Some(&digest));
    let mut names: Vec<String> = about
        .map(|image| name_of(&image.image))
        .chain(answer.matches.iter().map(|m| name_of(&m.image)))
        .map(|name| visible(&name))
        .collect();
    names.sort();
    names.dedup();
    let (lead, warn) = vouched(&rules, page.entries.iter().map(|e| e.last).max(), status.as_of);
    let title = match names.first() {
        Some(name) => format!("{name} {}", short(&digest)),
        None => short(&digest),
    };
    let rows = answer.matches.iter().map(Row::new).collect();
    let answers = page.entries.iter().map(|entry| entry.times).sum();
    render(&ImagePage { frame, title, lead, warn, names, digest, rules, answer, rows, answers }, &uri)
}

/// An image without its digest.
fn name_of(image: &str) -> String {
    image.split('@').next().unwrap_or_default().to_owned()
}

/// Who vouches for it, in one sentence; and whether that is not enough for somebody.
fn vouched(rules: &[ReasonView], last: Option<Timestamp>, now: Timestamp) -> (String, bool) {
    let Some(last) = last.filter(|_| !rules.is_empty()) else {
        return ("No policy was asked about it yet, so nothing is known of who vouches for it.".to_owned(), true);
    };
    let against = rules.iter().filter(|rule| !rule.good).count();
    let asked = ago(last, now);
    let said = match (against, rules.len()) {
        (0, 1) => "The one rule that was asked about it is met".to_owned(),
        (0, n) => format!("All {n} rules that were asked about it are met"),
        (1, 1) => "The one rule that was asked about it is not met".to_owned(),
        (against, n) => format!("{against} of the {n} rules that were asked about it are not met"),
    };
    (format!("{said}; last asked {asked}."), against > 0)
}

pub(super) async fn api_list(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(page(&shared, &query, &[], 200, &uri).await?.to_json()))
}

pub(super) async fn api_one(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = found(&shared, &id, &uri).await?;
    Ok(Json(json!({"schema": "cleanbill/admission/v1", "admission": to_json(&entry)})))
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn digests_in_sentences_are_cut_and_nothing_else() {
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(shortened(&format!("a@{digest} is, {digest}")), "a@sha256:0123456789ab… is, sha256:0123456789ab…");
        for same in ["", "plain", "sha256:", "sha256:01 x", "ends sha256:0123"] {
            assert_eq!(shortened(same), same);
        }
    }
}
