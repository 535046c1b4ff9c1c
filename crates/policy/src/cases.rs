//! # Tests of policies: `cleanbill.dev/v1` PolicyTest
//!
//! ```yaml
//! apiVersion: cleanbill.dev/v1
//! kind: PolicyTest
//! policies: [policy.yaml]          # beside this file
//! today: 2026-06-01                # without it no exception holds
//! cases:
//!   - name: what nobody signed stays out
//!     image: ghcr.io/org/app:1     # as a Pod; or resource: deployment.yaml
//!     namespace: prod              # default, if there is no such line
//!     signedBy: [release.pub]      # the keys that are said to have signed every image
//!     attested:                    # statements about every image
//!       - {type: https://slsa.dev/provenance/v1, by: [release.pub], predicate: provenance.json}
//!     unreachable: false           # true: the registry does not answer
//!     expect: refused              # admitted, warned, refused or undecided
//!     reason: unsigned             # a code that must be among the reasons
//! ```
//!
//! No registry is asked: the case says who signed, and what is tested is the policy.

use cleanbill_diag::Diagnostic;
use cleanbill_model::{
    AdmissionRequest, Decision, Digest, DigestKind, Evidence, ImageFieldKind, KeyId, ReasonCode, Reference,
    SignatureFormat, SignatureRecord, SignatureSource, Unavailable, Verdict,
};

use crate::read::{Said, filled, keep, need};
use crate::short::API_VERSION;
use crate::yaml::{self, Object, Place};
use crate::{Day, Facts, PolicySet, Statement, pem};

const KIND: &str = "PolicyTest";

const CODES: [ReasonCode; 14] = [
    ReasonCode::Signed,
    ReasonCode::Unsigned,
    ReasonCode::OtherKey,
    ReasonCode::Unreachable,
    ReasonCode::NotFound,
    ReasonCode::NoDigest,
    ReasonCode::BadReference,
    ReasonCode::NoPolicy,
    ReasonCode::Skipped,
    ReasonCode::Deadline,
    ReasonCode::OtherRegistry,
    ReasonCode::Allowed,
    ReasonCode::NotAttested,
    ReasonCode::NotScanned,
];

/// What a case expects of the whole object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// Admitted without a word.
    Admitted,
    /// Admitted, and an auditing rule would have refused it.
    Warned,
    /// It could not be found out.
    Undecided,
    /// Refused.
    Refused,
}

impl Expected {
    const ALL: [Self; 4] = [Self::Admitted, Self::Warned, Self::Undecided, Self::Refused];

    /// The word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Warned => "warned",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
        }
    }

    fn of(verdict: &Verdict) -> Self {
        match verdict.decision {
            Decision::Refuse => Self::Refused,
            Decision::Undecided => Self::Undecided,
            Decision::Admit if verdict.warnings.is_empty() => Self::Admitted,
            Decision::Admit => Self::Warned,
        }
    }
}

/// A file of cases.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Policy files, beside the file.
    pub policies: Vec<String>,
    /// The day of the test.
    pub today: Option<Day>,
    /// The cases, at least one.
    pub cases: Vec<Case>,
}

/// What a case is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An image, as if a Pod named it.
    Image(String),
    /// A file with resources, beside the file of cases.
    Resource(String),
}

/// One statement that a case makes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Its predicate type.
    pub predicate_type: String,
    /// Files of public keys, beside the file of cases: who vouches for it.
    pub by: Vec<String>,
    /// The file with the predicate in JSON, beside the file of cases.
    pub predicate: String,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What is judged.
    pub subject: Subject,
    /// The namespace it goes into, where it does not say.
    pub namespace: String,
    /// Files of public keys, beside the file of cases: who signed every image of it.
    pub signed_by: Vec<String>,
    /// What is attested of every image.
    pub attested: Vec<Attested>,
    /// The registry does not answer.
    pub unreachable: bool,
    /// What must come out.
    pub expect: Expected,
    /// A reason that must be among those given.
    pub reason: Option<ReasonCode>,
}

impl Suite {
    /// Reads a file of cases.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let documents = yaml::documents(file, text).map_err(|e| vec![e])?;
        let mut said = Said::new();
        let suite = match documents.as_slice() {
            [node] => keep(suite(&Place { file, path: String::new(), node }, &mut said), &mut said),
            _ => {
                let span = cleanbill_diag::Span { file: file.to_owned(), ..Default::default() };
                return Err(vec![Diagnostic::error("policy-test", "a file of cases is one document", span)]);
            }
        };
        match suite {
            Some(suite) if said.is_empty() => Ok(suite),
            _ => Err(said),
        }
    }
}

fn suite(place: &Place<'_>, said: &mut Said) -> Result<Suite, Diagnostic> {
    let mut top = place.object()?;
    let (version, kind) = (need(&mut top, "apiVersion", place)?, need(&mut top, "kind", place)?);
    if (version.text()?, kind.text()?) != (API_VERSION, KIND) {
        let message = format!("`{}` of `{}`", kind.text()?.escape_debug(), version.text()?.escape_debug());
        return Err(kind.error("policy-test", message).hint(format!("cases are {KIND} of {API_VERSION}")));
    }
    let policies = filled(&need(&mut top, "policies", place)?)?;
    let today = match top.take("today") {
        Some(place) => Some(
            Day::parse(place.text()?)
                .ok_or_else(|| place.error("policy-field-value", "it is no day").hint("write it so: 2026-12-31"))?,
        ),
        None => None,
    };
    let list = need(&mut top, "cases", place)?;
    top.refuse_rest(said);
    let cases: Vec<Case> = list.list()?.iter().filter_map(|place| keep(case(place, said), said)).collect();
    if cases.is_empty() && said.is_empty() {
        return Err(list.error("policy-empty", "there is no case, so nothing is tested"));
    }
    Ok(Suite { policies, today, cases })
}

fn case(place: &Place<'_>, said: &mut Said) -> Result<Case, Diagnostic> {
    let mut object = place.object()?;
    let name = need(&mut object, "name", place)?.text()?.to_owned();
    let subject = match (text(&mut object, "image")?, text(&mut object, "resource")?) {
        (Some(image), None) => Subject::Image(image),
        (None, Some(file)) => Subject::Resource(file),
        _ => return Err(place.error("policy-field-missing", "one of image and resource must be there")),
    };
    let namespace = text(&mut object, "namespace")?.unwrap_or_else(|| "default".to_owned());
    let signed_by = object.take("signedBy").map(|p| p.texts()).transpose()?.unwrap_or_default();
    let attested = match object.take("attested") {
        Some(list) => list.list()?.iter().map(|place| attested(place, said)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let unreachable = object.take("unreachable").map(|p| p.bool()).transpose()?.unwrap_or(false);
    let expect_place = need(&mut object, "expect", place)?;
    let word = expect_place.text()?;
    let Some(expect) = Expected::ALL.into_iter().find(|e| e.name() == word) else {
        let message = format!("`{}` is none of admitted, warned, refused, undecided", word.escape_debug());
        return Err(expect_place.error("policy-field-value", message));
    };
    let reason = match object.take("reason") {
        Some(place) => Some(code(&place)?),
        None => None,
    };
    object.refuse_rest(said);
    Ok(Case { name, subject, namespace, signed_by, attested, unreachable, expect, reason })
}

fn attested(place: &Place<'_>, said: &mut Said) -> Result<Attested, Diagnostic> {
    let mut object = place.object()?;
    let predicate_type = need(&mut object, "type", place)?.text()?.to_owned();
    let by = filled(&need(&mut object, "by", place)?)?;
    let predicate = need(&mut object, "predicate", place)?.text()?.to_owned();
    object.refuse_rest(said);
    Ok(Attested { predicate_type, by, predicate })
}

fn text(object: &mut Object<'_>, name: &str) -> Result<Option<String>, Diagnostic> {
    object.take(name).map(|place| place.text().map(str::to_owned)).transpose()
}

fn code(place: &Place<'_>) -> Result<ReasonCode, Diagnostic> {
    let word = place.text()?;
    CODES.into_iter().find(|code| code.name() == word).ok_or_else(|| {
        let known: Vec<_> = CODES.iter().map(|code| code.name()).collect();
        let message = format!("`{}` is no code of a reason", word.escape_debug());
        place.error("policy-field-value", message).hint(known.join(", "))
    })
}

/// The ids of the public keys in a PEM text, as policies know them.
pub fn key_ids(pem: &str) -> Result<Vec<KeyId>, String> {
    pem::keys(pem).map(|keys| keys.into_iter().map(|(id, _)| id).collect())
}

impl Case {
    /// Judges what the case is about, with every image signed by `keys` and these statements about it; the error is what came out
    /// instead of what was expected.
    pub fn run(
        &self,
        policies: &PolicySet,
        requests: &[AdmissionRequest],
        keys: &[KeyId],
        statements: &[Statement],
    ) -> Result<(), String> {
        let mut outcome = Expected::Admitted;
        let mut reasons: Vec<(ReasonCode, String)> = Vec::new();
        for request in requests {
            for field in &request.images {
                let image = match Reference::parse(&field.image) {
                    Ok(image) => image,
                    // A text in a field that is not known need not be an image.
                    Err(_) if field.kind == ImageFieldKind::Unknown => continue,
                    Err(error) => {
                        outcome = Expected::Refused;
                        reasons.push((ReasonCode::BadReference, format!("{}: {error}", field.pointer)));
                        continue;
                    }
                };
                let verdict = self.judge(policies, request, &image, keys, statements);
                outcome = outcome.max(Expected::of(&verdict));
                for reason in verdict.reasons.iter().chain(&verdict.warnings) {
                    reasons.push((reason.code, reason.message.clone()));
                }
            }
        }
        let given = || {
            let lines: Vec<_> = reasons.iter().map(|(code, message)| format!("{}: {message}", code.name())).collect();
            if lines.is_empty() { "no image is named".to_owned() } else { lines.join("; ") }
        };
        if outcome != self.expect {
            return Err(format!("expected {}, came out {}: {}", self.expect.name(), outcome.name(), given()));
        }
        match self.reason {
            Some(code) if !reasons.iter().any(|(given, _)| *given == code) => {
                Err(format!("{} as expected, but not for the reason {}: {}", outcome.name(), code.name(), given()))
            }
            _ => Ok(()),
        }
    }

    fn judge(
        &self,
        policies: &PolicySet,
        request: &AdmissionRequest,
        image: &Reference,
        keys: &[KeyId],
        statements: &[Statement],
    ) -> Verdict {
        if self.unreachable {
            let down = Unavailable { what: format!("read {image}"), why: "the case says so".to_owned() };
            return policies.judge(request, image, image.digest(), Err(&down));
        }
        let subject = image.digest().cloned().unwrap_or_else(|| Digest::sha256(image.to_string().as_bytes()));
        let signatures = if keys.is_empty() {
            Vec::new()
        } else {
            vec![SignatureRecord {
                source: SignatureSource { manifest: subject.clone(), found_by: "the case".to_owned() },
                format: SignatureFormat::Bundle,
                predicate_type: None,
                verified_by: keys.to_vec(),
                why_not: Vec::new(),
                annotations: std::collections::BTreeMap::new(),
            }]
        };
        let evidence =
            Evidence { subject: subject.clone(), kind: DigestKind::Manifest, keys: keys.to_vec(), signatures };
        let facts = Facts { statements, ..Facts::of(Ok(&evidence)) };
        policies.judge_with(request, image, Some(&subject), &facts)
    }
}
