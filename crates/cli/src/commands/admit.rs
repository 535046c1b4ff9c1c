//! `cleanbill admit -p FILE… < review.json`: one AdmissionReview in, one out. Does what the webhook's
//! `/mutate` and then `/validate` do.

use std::io::Read as _;

use anyhow::Context as _;
use cleanbill_cluster::review;

use super::policy;
use crate::args::{Admit, Common};
use crate::{Outcome, output};

const REVIEW_LIMIT: u64 = 3 << 20;

pub(crate) async fn run(args: &Admit, common: &Common) -> anyhow::Result<Outcome> {
    let policies = policy::load(&args.policy)?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(REVIEW_LIMIT + 1)
        .read_to_end(&mut bytes)
        .context("could not read the AdmissionReview from standard input")?;
    let request = review::parse(&bytes).context("could not read the AdmissionReview from standard input")?;
    let admission = policy::admission(policies, args.db.as_ref(), common)?;
    let answer = admission.admit(request).await;
    let mut document = review::respond(&answer);
    document.push(b'\n');
    output::data(document)?;
    if !answer.allowed {
        output::say(&answer.message);
    }
    Ok(if answer.allowed { Outcome::Done } else { Outcome::Refused(1) })
}
